"""A whole HTTP service over in-memory ports, and a client that needs no socket."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from http.client import HTTPResponse
from typing import Any, cast
from uuid import UUID

from attrs import frozen
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.resource import IResource

from tempmail.core.accounts import AccountDesk
from tempmail.core.ahead import ParsingAhead
from tempmail.core.attachments import Attachments
from tempmail.core.callers import Callers
from tempmail.core.delivery_log import DeliveryLog
from tempmail.core.documents import Documents
from tempmail.core.keyring import Keyring
from tempmail.core.long_polls import LongPolls
from tempmail.core.mailboxes import MailboxDesk
from tempmail.core.metrics import Metrics
from tempmail.core.reading import Reading
from tempmail.core.samples import Samples
from tempmail.core.sign_in import SignIn, SignUp
from tempmail.core.signing import Signing
from tempmail.core.tickets import Tickets
from tempmail.core.views import Views
from tempmail.core.waiting import Watching
from tempmail.http.api import api_resource
from tempmail.http.channel import Channel, Limits
from tempmail.http.events import EventStreams
from tempmail.http.mcp.mailbox_tools import mailbox_tools
from tempmail.http.mcp.mailbox_uses import MailboxUses
from tempmail.http.mcp.methods import Methods
from tempmail.http.mcp.route import McpRoutes
from tempmail.http.mcp.tools import Toolbox
from tempmail.http.site import Site
from tempmail.http.sns import Calls
from tempmail.model.address import Domains
from tempmail.model.event import Event, EventKind
from tests.http.account_doubles import MemoryAccounts, MemorySingleUse
from tests.http.doubles import (
    MemoryApiKeys,
    MemoryBus,
    MemoryDeliveries,
    MemoryDoor,
    MemoryKeys,
    MemoryMailboxes,
    MemoryMessages,
    MemoryStorage,
    StubParser,
    StubRenderer,
)

Headers = Mapping[str, str]


@frozen
class Reply:
    """What a client got."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class _Source:
    """The end of a socket that http.client reads from."""

    def __init__(self, data: bytes) -> None:
        self.rest = io.BytesIO(data)

    def makefile(self, mode: str) -> io.BufferedIOBase:
        kept = self.rest
        kept.close = lambda: None  # type: ignore[method-assign]  # more replies may follow
        return kept


def replies(data: bytes, *methods: str) -> list[Reply]:
    """The responses in ``data``, to requests of these methods."""
    source = _Source(data)
    found = []
    for method in methods:
        response = HTTPResponse(cast(Any, source), method=method)
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        found.append(Reply(response.status, headers, response.read()))
    rest = source.rest.read()
    assert rest == b"", rest
    return found


class Transport(StringTransport):
    """Remembers how it was closed; closes when the client has been told."""

    def __init__(self, peer: IPv4Address | IPv6Address) -> None:
        super().__init__(peerAddress=peer)
        self.aborted = False
        self.protocol: Any = None

    def abortConnection(self) -> None:
        self.aborted = True
        self.loseConnection()

    def setTcpNoDelay(self, enabled: bool) -> None:
        pass


class Connection:
    """One client's connection."""

    def __init__(self, site: Site, host: str = "192.0.2.1") -> None:
        kind = IPv6Address if ":" in host else IPv4Address
        self.transport = Transport(kind("TCP", host, 4711))
        channel = site.buildProtocol(None)
        assert isinstance(channel, Channel)
        self.channel = channel
        self.transport.protocol = channel
        channel.makeConnection(self.transport)

    @property
    def closed(self) -> bool:
        return self.transport.disconnecting

    def send(self, data: bytes) -> None:
        self.channel.dataReceived(data)

    def received(self) -> bytes:
        return bytes(self.transport.value())

    def leave(self, *, cleanly: bool = False) -> None:
        self.channel.connectionLost(Failure(ConnectionDone() if cleanly else ConnectionLost()))


def request_bytes(
    method: str, target: str, headers: Headers | None = None, body: bytes = b""
) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: mail.test"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class _NoThreads:
    """Runs what is for a thread at once."""

    def callInThreadWithCallback(self, done: Any, work: Any, *args: Any) -> None:
        done(True, work(*args))


class ThreadlessReactor(Clock):
    """Time, and threads that are none."""

    def getThreadPool(self) -> _NoThreads:
        return _NoThreads()

    def callFromThread(self, call: Any, *args: Any) -> None:
        call(*args)


class Service:
    """The service under test, and every part of it that a test turns a screw of."""

    def __init__(
        self,
        websocket: IResource | None = None,
        limits: Limits | None = None,
        sign_up: SignUp = SignUp.OPEN,
        sns: Calls | None = None,
    ) -> None:
        self.storage = MemoryStorage()
        self.bus = MemoryBus()
        self.parser = StubParser()
        self.metrics = Metrics()
        self.clock = ThreadlessReactor()
        self.is_ready = True
        domains = Domains(["mail.test", "other.test"])
        mailboxes = MemoryMailboxes(self.storage)
        desk = MailboxDesk(mailboxes, domains, self.bus)
        self.door = MemoryDoor(self.storage)
        messages = MemoryMessages(self.storage)
        views = Views(messages, self.parser)
        self.ahead = ParsingAhead(views, self.bus, self.metrics, self.clock)
        watching = Watching(desk, messages, self.bus, self.ahead.arrived)
        self.polls = LongPolls(watching, views, self.metrics, self.clock, most=4, most_each=3)
        self.streams = EventStreams(watching, self.metrics, self.clock, most=4, most_each=3)
        self.deliveries = MemoryDeliveries(mailboxes)
        self.delivery_log = DeliveryLog(self.deliveries, domains, self.metrics, self.clock)
        self.renderer = StubRenderer()
        self.signing = Signing(MemoryKeys(), self.clock.seconds)
        reading = Reading(domains, messages, views, self.ahead, self.bus)
        self.keys = MemoryApiKeys()
        self.keyring = Keyring(self.keys, self.metrics, self.clock)
        self.accounts = MemoryAccounts(self.keys)
        self.single_use = MemorySingleUse()
        self.tickets = Tickets(self.single_use, self.clock)
        self.callers = Callers(self.keyring, self.tickets, mailboxes.was_issued)
        account_desk = AccountDesk(self.accounts, self.keyring)
        uses = MailboxUses(desk, reading, self.polls, self.clock)
        tools = Toolbox(mailbox_tools(uses), self.metrics)
        self.resource = api_resource(
            self.callers,
            desk,
            reading,
            self.polls,
            self.streams,
            self.storage,
            self.bus,
            lambda: self.is_ready,
            attachments=Attachments(reading, self.renderer),
            deliveries=self.delivery_log,
            documents=Documents(
                views, messages, self.renderer, self.signing, self.metrics, self.clock
            ),
            mcp=McpRoutes(Methods(tools, self.callers, self.metrics, "1.2.3"), self.clock),
            public=None,
            samples=Samples(self.door, desk, "mail.test", self.clock.seconds),
            sns=sns,
            accounts=account_desk,
            sign_in=SignIn(sign_up, self.accounts, self.single_use, self.metrics, self.clock),
            tickets=self.tickets,
            version="1.2.3",
            websocket=websocket,
        )
        self.site = Site(self.resource, self.clock, self.metrics, limits)

    def connect(self, host: str = "192.0.2.1") -> Connection:
        return Connection(self.site, host)

    def call(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        token: str | None = None,
        headers: Headers | None = None,
        client: str = "192.0.2.1",
    ) -> Reply:
        """One request on its own connection; ``body`` is bytes, or a value to send as JSON."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = self.connect(client)
        connection.send(request_bytes(method, target, sent, body or b""))
        [reply] = replies(connection.received(), method)
        connection.leave(cleanly=True)
        return reply

    def mailbox(self, username: str) -> tuple[str, str]:
        """A new mailbox's URL and its token."""
        made = self.call("POST", "/api/v1/mailboxes", {"username": username})
        assert made.status == 201, made
        return f"/api/v1/mailboxes/{made.json['address']}", made.json["session_token"]

    def deliver(self, url: str, raw: bytes = b"hello", subject: str = "hello") -> UUID:
        """A mail comes in for the mailbox at ``url``, and those who watch are told."""
        address = url.rpartition("/")[2]
        message_id = self.storage.arrive(address, raw, subject=subject)
        mailbox = self.storage.boxes[address].mailbox
        self.bus.publish(Event(EventKind.NEW_MESSAGE, mailbox.id, message_id, mailbox.last_seq))
        return message_id

    def responses(self, method: str, status: int) -> float:
        """How many of them were counted."""
        value = self.metrics.registry.get_sample_value(
            "tempmail_http_responses_total", {"method": method, "status": str(status)}
        )
        return value or 0.0
