"""The SMTP edge with doubles around it: a door that answers when told, a transport in memory."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress, IProtocolFactory
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from tempmail.core.admission import SmtpLimits
from tempmail.core.blocks import Blocks
from tempmail.core.budget import ByteBudget
from tempmail.core.limits import ClientLimits
from tempmail.core.metrics import Metrics
from tempmail.model.address import Domains
from tempmail.model.message import Envelope, Placement
from tempmail.smtp.factory import MailFactory, SmtpSettings

PEER = IPv4Address("TCP", "192.0.2.7", 40000)
SETTINGS = SmtpSettings("mx.example.com")
HELLO = b"EHLO client.example.org\r\n"
ENVELOPE = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<box@example.com>\r\n"


class Door:
    """Stands for ``Delivery``: keeps the envelopes; answers at once, or when :attr:`slow`, later.

    :ivar answer: what ``deliver`` raises or, where None, a success.
    """

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.waiting: list[Deferred[list[Placement]]] = []
        self.turned: list[tuple[Envelope, str, bool]] = []
        self.slow = False
        self.placements: list[Placement] = []

    def turned_away(self, envelope: Envelope, reason: str, *, refused: bool) -> None:
        self.turned.append((envelope, reason, refused))

    def deliver(self, envelope: Envelope) -> Deferred[list[Placement]]:
        self.envelopes.append(envelope)
        if not self.slow:
            return succeed(self.placements)
        waiting: Deferred[list[Placement]] = Deferred()
        self.waiting.append(waiting)
        return waiting

    @property
    def contents(self) -> list[bytes]:
        return [b"".join(envelope.chunks) for envelope in self.envelopes]


class Wire(StringTransport):
    """A transport that says how it was closed and whether it was told to begin TLS."""

    aborted = False
    in_handshake = False

    def setTcpNoDelay(self, _enabled: bool) -> None:
        """Nothing is delayed in memory."""

    def startTLS(self, _context: object) -> None:
        self.in_handshake = True

    def getHandle(self) -> Wire:
        return self

    def get_protocol_version_name(self) -> str:
        return "TLSv1.3"

    def get_cipher_name(self) -> str:
        return "TLS_AES_256_GCM_SHA384"

    def loseConnection(self) -> None:
        self.disconnecting = True

    def abortConnection(self) -> None:
        self.aborted = True
        self.disconnecting = True


class Edge:
    """A factory with all that it needs."""

    def __init__(
        self,
        *,
        budget: int = 1 << 28,
        tls_context: Any = None,
        clock: Any = None,
        limits: ClientLimits | None = None,
        **settings: Any,
    ) -> None:
        self.door = Door()
        self.clock = clock or Clock()
        self.metrics = Metrics()
        self.budget = ByteBudget(budget, self.metrics.bytes_in_flight)
        self.factory = MailFactory(
            self.door,  # a door is whatever delivers
            Domains(["example.com", "bücher.example"]),
            self.budget,
            self.metrics,
            evolve(SETTINGS, **settings),
            self.clock,
            tls_context,
            limits
            if limits is None
            else SmtpLimits(limits, Blocks(self.metrics, self.clock), self.metrics, self.clock),
        )

    def connect(self, peer: IAddress = PEER) -> Session:
        return Session(self.factory, peer)

    def refused(self, reason: str) -> float:
        value = self.metrics.registry.get_sample_value(
            "tempmail_smtp_refused_total", {"reason": reason}
        )
        return value or 0

    def replied(self, code: str) -> float:
        value = self.metrics.registry.get_sample_value(
            "tempmail_smtp_replies_total", {"code": code}
        )
        return value or 0


class Session:
    """A client's end: what it sends goes in at once, what it hears is read by :meth:`said`."""

    def __init__(self, factory: IProtocolFactory, peer: IAddress = PEER) -> None:
        protocol = factory.buildProtocol(peer)
        assert protocol is not None
        self.protocol: Any = protocol
        self.wire = Wire(peerAddress=peer)
        protocol.makeConnection(self.wire)
        self.greeting = self.said()

    def send(self, data: bytes) -> bytes:
        """Send, and return what was heard since the last time."""
        self.protocol.dataReceived(data)
        return self.said()

    def said(self) -> bytes:
        heard: bytes = self.wire.value()
        self.wire.clear()
        return heard

    def leave(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionDone()))

    @property
    def closed(self) -> bool:
        return bool(self.wire.disconnecting)


def codes(heard: bytes) -> list[str]:
    """The code of each reply, with its enhanced code where it has one."""
    found = []
    for line in heard.split(b"\r\n")[:-1]:
        if line[3:4] == b" ":
            words = line.decode().split()
            enhanced = (
                words[1]
                if len(words) > 1 and words[1].count(".") == 2 and words[1][0] in "245"
                else ""
            )
            found.append(f"{words[0]} {enhanced}".strip())
    return found
