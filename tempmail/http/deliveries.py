"""A mailbox's delivery log over HTTP: what came for it, and what became of that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Struct

from tempmail.core.delivery_log import DeliveryLog
from tempmail.http.answers import Answer, json
from tempmail.http.described import described
from tempmail.http.routes import Access, Ask, Returns, Route
from tempmail.model.delivery import Attempt


class ListDeliveries(Struct, forbid_unknown_fields=True, kw_only=True):
    limit: Annotated[int, described("How many at the most", 20, ge=1, le=200)] = 50


class Milliseconds(Struct):
    received: Annotated[int, described("From MAIL to the end of the content", 41)]
    queued: Annotated[int, described("From there to the commit", 3)]


class Delivery(Struct):
    at: Annotated[datetime, described("RFC 3339, in UTC", "2030-05-17T09:24:31Z", tz=True)]
    verdict: Annotated[
        str, described("`stored`, or why not: `unknown`, `full`, `too_large`, `refused`", "stored")
    ]
    reason: Annotated[str, described("In words, empty where it was stored", "")]
    mail_from: Annotated[str, described("MAIL FROM", "bounce@shop.example")]
    rcpt_to: Annotated[str, described("RCPT TO", "happy-tiger-42@example.org")]
    helo: Annotated[str, described("What the sending host called itself", "mail.shop.example")]
    peer_ip: Annotated[str, described("The sending host's address", "192.0.2.17")]
    tls: Annotated[str, described("Version and cipher, null without TLS", "TLSv1.3")] | None
    size: Annotated[int, described("Bytes", 2048)]
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
                name="list_deliveries",
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
