"""A mailbox without storage, and a client without a network: the ``websockets`` library's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Site
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from tempmail.bus.local import LocalBus
from tempmail.core.callers import Callers
from tempmail.core.keyring import Keyring
from tempmail.core.mailboxes import owner_of
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Mailboxes, Messages
from tempmail.core.tickets import Tickets
from tempmail.core.waiting import Watching
from tempmail.live.factory import InboxFactory
from tempmail.live.upgrade import InboxResource
from tempmail.model.account import Caller
from tempmail.model.errors import NotFound, Unauthenticated
from tempmail.model.event import Event, EventKind
from tempmail.model.mailbox import Mailbox, OwnerType, SessionOwner

ADDRESS = "happy-tiger-42@tempmail.localhost"
TOKEN = "tiger-token"
FOREIGN_TOKEN = "another-token"
MAILBOX_ID = 7


def message_id(seq: int) -> UUID:
    return UUID(int=seq)


def arrival(seq: int) -> Event:
    return Event(EventKind.NEW_MESSAGE, MAILBOX_ID, message_id(seq), seq)


class OneMailbox:
    """Both ports, for one mailbox of TOKEN's; FOREIGN_TOKEN is known, but owns nothing here.

    :ivar wait: where set, the next question is not answered before it fires.
    :ivar trouble: where set, raised instead of an answer.
    """

    def __init__(self, expires_at: float = 3600.0) -> None:
        self.expires_at = expires_at
        self.gone = False
        self.questions = 0
        self.arrived: list[Event] = []
        self.wait: Deferred[None] | None = None
        self.trouble: Exception | None = None

    async def _pass(self) -> None:
        if self.wait is not None:
            await self.wait
        if self.trouble is not None:
            raise self.trouble

    async def was_issued(self, owner: SessionOwner) -> bool:
        return owner in (owner_of(TOKEN), owner_of(FOREIGN_TOKEN))

    async def get(self, address: str, owner: SessionOwner) -> Mailbox:
        self.questions += 1
        await self._pass()
        if owner not in (owner_of(TOKEN), owner_of(FOREIGN_TOKEN)):
            raise Unauthenticated("never issued")
        if address != ADDRESS or owner != owner_of(TOKEN) or self.gone:
            raise NotFound("not there")
        return Mailbox(
            id=MAILBOX_ID,
            address=ADDRESS,
            owner_type=OwnerType.ANONYMOUS,
            created_at=datetime.fromtimestamp(0, UTC),
            expires_at=datetime.fromtimestamp(self.expires_at, UTC),
            bucket=datetime.fromtimestamp(0, UTC),
            message_count=len(self.arrived),
            last_seq=len(self.arrived),
        )

    async def arrivals(self, mailbox_id: int, after: int, limit: int) -> Sequence[Event]:
        await self._pass()
        if self.gone:
            raise NotFound("ended")
        return [event for event in self.arrived if event.seq > after][:limit]


class Accounts:
    """API keys by their digests, at first none, and tickets."""

    def __init__(self) -> None:
        self.keys: dict[bytes, Caller] = {}
        self.kept: dict[tuple[bytes, str], Mapping[str, Any]] = {}

    async def callers(self, digests: Sequence[bytes]) -> Mapping[bytes, Caller]:
        return {digest: self.keys[digest] for digest in digests if digest in self.keys}

    async def used(self, keys: Sequence[int]) -> None:
        pass

    async def keep(
        self, digest: bytes, purpose: str, value: Mapping[str, Any], seconds: float
    ) -> datetime:
        self.kept[digest, purpose] = value
        return datetime.fromtimestamp(seconds, UTC)

    async def take(self, digest: bytes, purpose: str) -> Mapping[str, Any] | None:
        return self.kept.pop((digest, purpose), None)


class Service:
    """The WebSockets' part of the daemon on doubles of storage."""

    def __init__(
        self,
        reactor: IReactorTime,
        *,
        most: int = 100,
        most_each: int = 10_000,
        origins: Sequence[str] = (),
        expires_at: float = 3600.0,
        **more: Any,
    ) -> None:
        self.mailbox = OneMailbox(expires_at)
        self.metrics = Metrics()
        self.bus = LocalBus(self.metrics)
        watching = Watching(cast(Mailboxes, self.mailbox), cast(Messages, self.mailbox), self.bus)
        self.factory = InboxFactory(watching, self.metrics, reactor, most=most, most_each=most_each)
        self.accounts = Accounts()
        self.tickets = Tickets(self.accounts, reactor)
        keyring = Keyring(self.accounts, self.metrics, reactor)
        callers = Callers(keyring, self.tickets, self.mailbox.was_issued)
        root, ws = Resource(), Resource()
        root.putChild(b"ws", ws)
        ws.putChild(b"inbox", InboxResource(self.factory, callers, origins=origins, **more))
        self.site = Site(root, reactor=reactor)

    def arrive(self) -> Event:
        """A message is committed, then published."""
        event = arrival(len(self.mailbox.arrived) + 1)
        self.mailbox.arrived.append(event)
        self.bus.publish(event)
        return event

    def open(self) -> float:
        """The gauge of open connections."""
        return self.metrics.registry.get_sample_value("tempmail_websockets") or 0.0

    def refused(self, reason: str) -> float:
        """The counter of this reason."""
        name, labels = "tempmail_websocket_refused_total", {"reason": reason}
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


class Transport(StringTransport):
    """Hangs up when told to, as TCP does: not before the caller has returned."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.protocol: Any = None
        self.gone = False

    def unregisterProducer(self) -> None:
        self.producer = None  # twice is once, with TCP

    def abortConnection(self) -> None:
        super().abortConnection()
        self._clock.callLater(0, self.hang_up)

    def loseConnection(self) -> None:
        super().loseConnection()
        self._clock.callLater(0, self.hang_up)

    def hang_up(self) -> None:
        if not self.gone:
            self.gone = True
            self.protocol.connectionLost(Failure(ConnectionDone()))


class Visitor:
    """A client of the service within this process, one method call a packet."""

    def __init__(
        self,
        service: Service,
        clock: Clock,
        query: str = f"?token={TOKEN}",
        *,
        address: str = ADDRESS,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.clock = clock
        self.transport = Transport(clock)
        protocol = service.site.buildProtocol(None)
        assert protocol is not None
        self.transport.protocol = protocol
        protocol.makeConnection(self.transport)
        self.client = ClientProtocol(parse_uri(f"ws://localhost/ws/inbox/{address}{query}"))
        request = self.client.connect()
        for name, value in (headers or {}).items():
            request.headers[name] = value
        self.client.send_request(request)
        self.events: list[Any] = []
        self._over = False
        self._out()

    def _out(self) -> None:
        for data in self.client.data_to_send():
            if data and not self.transport.gone:
                self.transport.protocol.dataReceived(data)

    def look(self) -> None:
        """Take what came in and answer it as the protocol asks."""
        data = self.transport.value()
        self.transport.clear()
        if data:
            self.client.receive_data(data)
        if self.transport.gone and not self._over:
            self._over = True
            self.client.receive_eof()
        self.events += self.client.events_received()
        self._out()
        self.clock.advance(0)

    @property
    def status(self) -> int | None:
        """Of the handshake's answer."""
        self.look()
        return next((e.status_code for e in self.events if isinstance(e, Response)), None)

    @property
    def frames(self) -> list[Any]:
        """Every text frame that came, decoded."""
        self.look()
        return [
            json.loads(bytes(event.data))
            for event in self.events
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT
        ]

    @property
    def close_code(self) -> int | None:
        """Of the close frame that came."""
        self.look()
        return self.client.close_rcvd.code if self.client.close_rcvd is not None else None

    def say(self, text: str) -> None:
        """Send a text message."""
        self.client.send_text(text.encode())
        self._out()
