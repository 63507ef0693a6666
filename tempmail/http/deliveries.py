"""A mailbox's delivery log over HTTP: what came for it, and what became of that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta, Struct
from twisted.web.server import Request

from tempmail.core.delivery_log import DeliveryLog
from tempmail.http.answers import Answer, json
from tempmail.http.credentials import session_owner
from tempmail.http.requests import parameters
from tempmail.http.routes import Route
from tempmail.model.delivery import Attempt


class _ListDeliveries(Struct, forbid_unknown_fields=True, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class _Milliseconds(Struct):
    received: int
    queued: int


class _Delivery(Struct):
    at: datetime
    verdict: str
    reason: str
    mail_from: str
    rcpt_to: str
    helo: str
    peer_ip: str
    tls: str | None
    size: int
    milliseconds: _Milliseconds


class _Deliveries(Struct):
    deliveries: list[_Delivery]


class DeliveryRoutes:
    """:param log: of all mailboxes."""

    def __init__(self, log: DeliveryLog) -> None:
        self._log = log

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [Route("GET", "/api/v1/mailboxes/<address>/deliveries", self.recent)]

    async def recent(self, request: Request, address: str) -> Answer:
        owner = session_owner(request)
        asked = parameters(request, query=_ListDeliveries)
        attempts = await self._log.of(address, owner, asked.limit)
        return json(_Deliveries([_shown(attempt) for attempt in attempts]))


def _shown(attempt: Attempt) -> _Delivery:
    return _Delivery(
        attempt.at.astimezone(UTC),
        attempt.verdict,
        attempt.reason,
        attempt.mail_from,
        attempt.rcpt_to,
        attempt.helo,
        attempt.peer_ip,
        attempt.tls,
        attempt.size,
        _Milliseconds(attempt.received_ms, attempt.queued_ms),
    )
