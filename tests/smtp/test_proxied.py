from __future__ import annotations

import socket
import struct

from twisted.internet.task import Clock
from twisted.protocols.haproxy._wrapper import HAProxyWrappingFactory
from twisted.trial.unittest import TestCase

from tempmail.core.limits import ClientLimits, Rate
from tests.smtp.edge import ENVELOPE, HELLO, Edge, Session, codes

MAIL = ENVELOPE + b"DATA\r\nhi\r\n.\r\n"
HEADER = b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 25\r\n"
ADDRESSES = (
    socket.inet_aton("203.0.113.10") + socket.inet_aton("192.0.2.1") + struct.pack(">HH", 4, 5)
)
BINARY_HEADER = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H", len(ADDRESSES)) + ADDRESSES


class ProxiedTests(TestCase):
    """Sessions whose transport tells the proxy's address until the PROXY header has come."""

    def setUp(self) -> None:
        self.edge = Edge(limits=ClientLimits(connections_per_client=1, strikes=Rate(1, 0)))

    def connect(self) -> Session:
        return Session(HAProxyWrappingFactory(self.edge.factory))

    def test_the_client_is_greeted_after_the_header_and_its_address_is_known(self) -> None:
        session = self.connect()
        self.assertEqual(session.greeting, b"")
        self.assertEqual(codes(session.send(HEADER)), ["220"])
        session.send(HELLO + MAIL)
        self.assertEqual(self.edge.door.envelopes[0].peer_ip, "203.0.113.9")

    def test_a_header_in_pieces(self) -> None:
        session = self.connect()
        self.assertEqual(session.send(HEADER[:8]), b"")  # Twisted wants as much to begin with
        heard = b"".join(session.send(HEADER[at : at + 1]) for at in range(8, len(HEADER)))
        self.assertEqual(codes(heard), ["220"])

    def test_what_comes_with_the_header_is_answered_after_the_greeting(self) -> None:
        session = self.connect()
        heard = codes(session.send(HEADER + HELLO + MAIL))
        self.assertEqual(heard, ["220", "250", "250 2.1.0", "250 2.1.5", "354", "250 2.0.0"])

    def test_the_binary_header(self) -> None:
        session = self.connect()
        session.send(BINARY_HEADER + HELLO + MAIL)
        self.assertEqual(self.edge.door.envelopes[0].peer_ip, "203.0.113.10")

    def test_limits_are_the_clients_not_the_proxys(self) -> None:
        first, second = self.connect(), self.connect()
        self.assertEqual(codes(first.send(HEADER)), ["220"])
        self.assertEqual(codes(second.send(BINARY_HEADER)), ["220"])
        third = self.connect()
        self.assertEqual(codes(third.send(HEADER + HELLO + MAIL)), ["421 4.7.0"])
        self.assertTrue(third.closed)
        third.leave()
        first.leave()
        self.assertEqual(codes(self.connect().send(HEADER)), ["220"])

    def test_without_a_header_nothing_is_said_or_obeyed(self) -> None:
        session = self.connect()
        self.assertEqual(session.send(HELLO + MAIL), b"")
        self.assertTrue(session.closed)
        self.assertEqual(self.edge.door.envelopes, [])

    def test_a_proxy_that_never_says_for_whom_is_not_waited_for(self) -> None:
        session = self.connect()
        assert isinstance(self.edge.clock, Clock)
        self.edge.clock.pump([5] * 62)
        self.assertTrue(session.closed)

    def test_a_header_after_the_end_greets_nobody(self) -> None:
        session = self.connect()
        self.edge.factory.drain()
        session.said()
        self.assertEqual(session.send(HEADER), b"")
