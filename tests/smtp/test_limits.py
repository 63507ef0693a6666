from __future__ import annotations

from attrs import evolve
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import ISSLTransport
from twisted.trial.unittest import TestCase
from zope.interface import directlyProvides

from tempmail.core.limits import ClientLimits, Rate
from tests.smtp.edge import ENVELOPE, HELLO, PEER, Edge, Wire, codes

MAIL = ENVELOPE + b"DATA\r\nhi\r\n.\r\n"
OTHER = IPv4Address("TCP", "192.0.2.8", 40000)
LIMITS = ClientLimits(strikes=Rate(1, 0))


class ConnectionTests(TestCase):
    def test_a_client_with_too_many_connections_is_told_and_closed(self) -> None:
        edge = Edge(limits=evolve(LIMITS, connections_per_client=1))
        first, second = edge.connect(), edge.connect()
        self.assertEqual(codes(second.greeting), ["421 4.7.0"])
        self.assertTrue(second.closed)
        self.assertEqual(second.send(b"NOOP\r\n"), b"")
        self.assertEqual(codes(edge.connect(OTHER).greeting), ["220"])
        self.assertEqual(edge.refused("connections_per_client"), 1)
        second.leave()  # it was never counted
        self.assertEqual(codes(edge.connect().greeting), ["421 4.7.0"])
        first.leave()
        self.assertEqual(codes(edge.connect().greeting), ["220"])

    def test_in_tls_it_is_dropped_without_a_handshake(self) -> None:
        edge = Edge(limits=evolve(LIMITS, connections_per_client=1))
        edge.connect()
        wire = Wire(peerAddress=PEER)
        directlyProvides(wire, ISSLTransport)
        edge.factory.buildProtocol(PEER).makeConnection(wire)
        self.assertEqual(wire.value(), b"")
        self.assertTrue(wire.aborted)

    def test_a_client_that_uses_up_its_errors_again_and_again_is_blocked(self) -> None:
        edge = Edge(limits=evolve(LIMITS, strikes=Rate(0.001, 2)))
        for _ in range(3):
            session = edge.connect()
            self.assertEqual(codes(session.send(b"FOO\r\n" * 10))[-1], "421 4.7.0")
            session.leave()
        self.assertEqual(codes(edge.connect().greeting), ["421 4.7.0"])
        self.assertEqual(edge.refused("blocked"), 1)
        self.assertEqual(codes(edge.connect(OTHER).greeting), ["220"])


class MessageTests(TestCase):
    def test_a_mail_too_many_is_put_off_before_its_content(self) -> None:
        edge = Edge(limits=evolve(LIMITS, messages=Rate(1 / 60, 1)))
        session = edge.connect()
        session.send(HELLO + MAIL)
        self.assertEqual(codes(session.send(ENVELOPE + b"DATA\r\n"))[-1], "450 4.7.1")
        self.assertEqual(edge.refused("messages"), 1)
        edge.clock.advance(60)
        self.assertEqual(codes(session.send(b"DATA\r\nhi\r\n.\r\n")), ["354", "250 2.0.0"])

    def test_all_chunks_of_a_mail_too_many_are_swallowed(self) -> None:
        edge = Edge(limits=evolve(LIMITS, messages=Rate(1 / 60, 1)))
        session = edge.connect()
        session.send(HELLO + MAIL + ENVELOPE)
        heard = session.send(b"BDAT 6\r\nQUIT\r\nBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
        self.assertEqual(codes(heard), ["450 4.7.1"] * 3 + ["250 2.0.0"])
        self.assertEqual(edge.refused("messages"), 1)
        self.assertEqual(len(edge.door.envelopes), 1)

    def test_recipients_count(self) -> None:
        edge = Edge(limits=evolve(LIMITS, recipients=Rate(0.001, 1)))
        session = edge.connect()
        two = ENVELOPE + b"RCPT TO:<other@example.com>\r\n"
        self.assertEqual(codes(session.send(HELLO + two + b"DATA\r\n"))[-1], "450 4.7.1")
        self.assertEqual(codes(session.send(b"RSET\r\n" + MAIL))[-1], "250 2.0.0")

    def test_octets_count_whether_they_were_announced_or_not(self) -> None:
        for announced in (b"", b" SIZE=100", b" SIZE=60"):
            edge = Edge(limits=evolve(LIMITS, octets=Rate(0.001, 100)))
            session = edge.connect()
            envelope = ENVELOPE.replace(b"org>", b"org>" + announced)
            session.send(HELLO + envelope + b"DATA\r\n" + b"x" * 98 + b"\r\n.\r\n")
            self.assertEqual(len(edge.door.envelopes), 1)
            self.assertEqual(codes(session.send(MAIL))[2], "450 4.7.1", announced)

    def test_octets_of_a_mail_too_large_count_too(self) -> None:
        edge = Edge(limits=evolve(LIMITS, octets=Rate(0.001, 100)), max_message_bytes=50)
        session = edge.connect()
        session.send(HELLO + ENVELOPE + b"DATA\r\n" + b"x" * 98 + b"\r\n.\r\n")
        self.assertEqual(codes(session.send(MAIL))[2], "450 4.7.1")
