from __future__ import annotations

from twisted.trial.unittest import TestCase

from tests.smtp.edge import ENVELOPE, HELLO, Edge, codes

MAIL = ENVELOPE + b"DATA\r\nhi\r\n.\r\n"


class ConnectionTests(TestCase):
    def test_connections_past_the_limit_are_told_and_closed(self) -> None:
        edge = Edge(max_connections=2)
        sessions = [edge.connect() for _ in range(3)]
        self.assertEqual(
            [codes(each.greeting) for each in sessions], [["220"], ["220"], ["421 4.7.0"]]
        )
        self.assertTrue(sessions[2].closed)
        sessions[0].leave()
        self.assertEqual(codes(edge.connect().greeting), ["220"])
        self.assertEqual(edge.refused("too_many_connections"), 1)

    def test_the_gauge_shows_open_sessions(self) -> None:
        edge = Edge()
        edge.connect()
        edge.connect().leave()
        self.assertEqual(edge.metrics.registry.get_sample_value("tempmail_smtp_connections"), 1)

    def test_ehlo_announces_what_there_is(self) -> None:
        announced = Edge(max_message_bytes=1234).connect().send(HELLO)
        self.assertEqual(
            announced,
            b"250-mx.example.com\r\n250-PIPELINING\r\n250-SIZE 1234\r\n250-8BITMIME\r\n"
            b"250-SMTPUTF8\r\n250-CHUNKING\r\n250 ENHANCEDSTATUSCODES\r\n",
        )

    def test_the_watch_ends_with_the_last_session(self) -> None:
        edge = Edge()
        edge.connect().leave()
        edge.clock.advance(5)
        self.assertEqual(edge.clock.getDelayedCalls(), [])


class DrainTests(TestCase):
    def setUp(self) -> None:
        self.edge = Edge()
        self.edge.door.slow = True

    def test_with_no_session_it_is_done_at_once(self) -> None:
        self.successResultOf(self.edge.factory.drain())

    def test_idle_sessions_are_told_and_closed(self) -> None:
        idle, begun = self.edge.connect(), self.edge.connect()
        begun.send(HELLO + ENVELOPE)
        drained = self.edge.factory.drain()
        for session in (idle, begun):
            self.assertEqual(codes(session.said()), ["421 4.3.2"])
            self.assertTrue(session.closed)
            self.assertNoResult(drained)
            session.leave()
        self.successResultOf(drained)
        self.assertEqual(self.edge.clock.getDelayedCalls(), [])

    def test_a_mail_in_content_and_one_in_flight_are_answered_first(self) -> None:
        content, flying = self.edge.connect(), self.edge.connect()
        content.send(HELLO + ENVELOPE + b"DATA\r\nhi\r\n")
        flying.send(HELLO + MAIL + b"NOOP\r\n")
        drained = self.edge.factory.drain()
        self.assertEqual((content.closed, flying.closed), (False, False))
        content.send(b"there\r\n.\r\nNOOP\r\n")
        for waiting in self.edge.door.waiting:
            waiting.callback([])
        for session in (content, flying):
            self.assertEqual(codes(session.said()), ["250 2.0.0", "421 4.3.2"])
            self.assertTrue(session.closed)
            session.leave()
        self.successResultOf(drained)
        self.assertEqual(self.edge.door.contents, [b"hi\r\n", b"hi\r\nthere\r\n"])

    def test_a_refused_mail_ends_its_session_too(self) -> None:
        edge = Edge(max_message_bytes=10)
        session = edge.connect()
        session.send(HELLO + ENVELOPE + b"DATA\r\n" + b"x" * 20)
        edge.factory.drain()
        self.assertEqual(codes(session.send(b"\r\n.\r\n")), ["552 5.3.4", "421 4.3.2"])

    def test_new_connections_are_turned_away(self) -> None:
        self.edge.connect()
        self.edge.factory.drain()
        self.assertEqual(codes(self.edge.connect().greeting), ["421 4.3.2"])

    def test_abort_drops_what_is_left(self) -> None:
        session = self.edge.connect()
        session.send(HELLO + MAIL)
        drained = self.edge.factory.drain()
        self.edge.factory.abort()
        self.assertTrue(session.wire.aborted)
        session.leave()
        self.successResultOf(drained)
        self.edge.door.waiting[0].callback([])
        self.assertEqual(session.said(), b"")
