"""A mailbox's delivery log over HTTP: what came for it, and what became of that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta, Struct

from tempmail.core.delivery_log import DeliveryLog
from tempmail.http.answers import Answer, json
from tempmail.http.routes import Access, Ask, Returns, Route
from tempmail.model.delivery import Attempt


class ListDeliveries(Struct, forbid_unknown_fields=True, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class Milliseconds(Struct):
    received: int
    queued: int


class Delivery(Struct):
    at: datetime
    verdict: str
    reason: str
    mail_from: str
    rcpt_to: str
    helo: str
    peer_ip: str
    tls: str | None
    size: int
    milliseconds: Milliseconds


class Deliveries(Struct):
    deliveries: list[Delivery]


class DeliveryRoutes:
    """:param log: of all mailboxes."""

    def __init__(self, log: DeliveryLog) -> None:
        self._log = log

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [
            Route(
                "GET",
                "/api/v1/mailboxes/<address>/deliveries",
                self.recent,
                "See what came for a mailbox, and what became of it",
                Access.READ,
                query=ListDeliveries,
                returns={200: Returns(description="Newest first", shape=Deliveries)},
            )
        ]

    async def recent(self, ask: Ask[ListDeliveries], address: str) -> Answer:
        attempts = await self._log.of(address, ask.owner, ask.given.limit)
        return json(Deliveries([_shown(attempt) for attempt in attempts]))


def _shown(attempt: Attempt) -> Delivery:
    return Delivery(
        attempt.at.astimezone(UTC),
        attempt.verdict,
        attempt.reason,
        attempt.mail_from,
        attempt.rcpt_to,
        attempt.helo,
        attempt.peer_ip,
        attempt.tls,
        attempt.size,
        Milliseconds(attempt.received_ms, attempt.queued_ms),
    )
