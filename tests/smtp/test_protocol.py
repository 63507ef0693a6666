from __future__ import annotations

from twisted.internet.address import IPv6Address
from twisted.trial.unittest import TestCase

from tempmail.model.errors import Unavailable, Undecided
from tempmail.model.message import Placement, Verdict
from tests.smtp.edge import ENVELOPE, HELLO, Edge, Session, codes

MAIL = ENVELOPE + b"DATA\r\nhi\r\n.\r\n"


class EnvelopeTests(TestCase):
    def test_an_envelope_says_who_sent_what_to_whom_and_from_where(self) -> None:
        edge = Edge()
        session = edge.connect(IPv6Address("TCP", "2001:db8::7", 4))
        session.send(HELLO + b'MAIL FROM:<"a b"@example.org>\r\nRCPT TO:<Box+News@Example.COM>\r\n')
        session.send(b'RSET\r\nMAIL FROM:<"a b"@example.org> SMTPUTF8\r\n')
        session.send('RCPT TO:<"Box+News"@Bücher.example>\r\nDATA\r\nhi\r\n..\r\n.\r\n'.encode())
        (envelope,) = edge.door.envelopes
        (recipient,) = envelope.recipients
        self.assertEqual(envelope.mail_from, '"a b"@example.org')
        self.assertEqual(recipient.address, "box@xn--bcher-kva.example")
        self.assertEqual((recipient.tag, recipient.given), ("News", '"Box+News"@Bücher.example'))
        self.assertEqual(envelope.helo, "client.example.org")
        self.assertEqual((envelope.peer_ip, envelope.tls), ("2001:db8::7", None))
        self.assertEqual((b"".join(envelope.chunks), envelope.size), (b"hi\r\n.\r\n", 7))

    def test_an_envelope_says_how_long_it_took_from_mail_to_the_end(self) -> None:
        for content in (b"DATA\r\nhi\r\n.\r\n", b"BDAT 2 LAST\r\nhi"):
            edge = Edge()
            session = edge.connect()
            session.send(HELLO)
            edge.clock.advance(1)
            for octet in ENVELOPE + content:
                session.send(bytes([octet]))
                edge.clock.advance(0.001)
            (envelope,) = edge.door.envelopes
            after_mail = (ENVELOPE + content).partition(b"\r\n")[2]
            self.assertEqual(envelope.received_ms, len(after_mail))

    def test_a_recipient_named_twice_gets_one_copy_and_each_tag_its_own(self) -> None:
        edge = Edge()
        session = edge.connect()
        session.send(HELLO + b"MAIL FROM:<>\r\nRCPT TO:<Postmaster>\r\n")
        for box in (b"box", b"BOX", b"box+a"):
            session.send(b"RCPT TO:<%s@example.com>\r\n" % box)
        session.send(b"DATA\r\n.\r\n")
        found = [(each.address, each.tag) for each in edge.door.envelopes[0].recipients]
        self.assertEqual(
            found,
            [("postmaster@example.com", ""), ("box@example.com", ""), ("box@example.com", "a")],
        )

    def test_recipients_past_the_limit_are_put_off_and_the_others_served(self) -> None:
        edge = Edge()
        session = edge.connect()
        many = b"".join(b"RCPT TO:<box%d@example.com>\r\n" % number for number in range(102))
        heard = codes(session.send(HELLO + b"MAIL FROM:<>\r\n" + many + b"DATA\r\n.\r\n"))
        self.assertEqual(heard[2:], ["250 2.1.5"] * 100 + ["452 4.5.3"] * 2 + ["354", "250 2.0.0"])
        self.assertEqual(len(edge.door.envelopes[0].recipients), 100)


class AnswerTests(TestCase):
    def setUp(self) -> None:
        self.edge = Edge()
        self.edge.door.slow = True
        self.session = self.edge.connect()
        self.session.send(HELLO)

    def test_no_answer_before_the_door_has_answered(self) -> None:
        self.assertEqual(codes(self.session.send(MAIL)), ["250 2.1.0", "250 2.1.5", "354"])
        self.edge.door.waiting[0].callback([])
        self.assertEqual(codes(self.session.said()), ["250 2.0.0"])

    def test_verdicts_never_change_the_answer(self) -> None:
        heard = set()
        for verdict in Verdict:
            self.session.send(MAIL)
            self.edge.door.waiting.pop().callback([Placement(verdict)])
            heard.add(self.session.said())
        self.assertEqual(heard, {b"250 2.0.0 Ok: taken\r\n"})

    def test_one_command_is_in_flight_and_replies_keep_their_order(self) -> None:
        heard = self.session.send(MAIL + b"NOOP\r\n" + MAIL + b"VRFY x\r\nQUIT\r\n")
        self.assertEqual(codes(heard), ["250 2.1.0", "250 2.1.5", "354"])
        self.assertEqual(self.session.send(b"HELP\r\n"), b"")
        self.assertEqual(len(self.edge.door.waiting), 1)
        self.edge.door.waiting[0].callback([])
        self.assertEqual(
            codes(self.session.said()), ["250 2.0.0", "250 2.0.0", "250 2.1.0", "250 2.1.5", "354"]
        )
        self.edge.door.waiting[1].callback([])
        self.assertEqual(codes(self.session.said()), ["250 2.0.0", "252 2.5.2", "221 2.0.0"])
        self.assertTrue(self.session.closed)

    def test_the_replies_to_one_read_are_one_write(self) -> None:
        writes: list[bytes] = []
        self.session.wire.write = writes.append  # type: ignore[method-assign]  # a double counts
        self.session.protocol.dataReceived(ENVELOPE + b"DATA\r\n")
        self.assertEqual(len(writes), 1)

    def test_trouble_of_ours_is_451_and_the_session_lives(self) -> None:
        self.session.send(MAIL)
        self.edge.door.waiting[0].errback(Unavailable("no database"))
        self.assertEqual(codes(self.session.said()), ["451 4.3.0"])
        self.assertEqual(codes(self.session.send(b"NOOP\r\n")), ["250 2.0.0"])
        self.assertEqual(self.edge.replied("451"), 1)

    def test_an_unknown_outcome_drops_the_connection_without_a_word(self) -> None:
        self.session.send(MAIL + b"NOOP\r\n")
        self.edge.door.waiting[0].errback(Undecided("commit"))
        self.assertEqual(self.session.said(), b"")
        self.assertTrue(self.session.wire.aborted)
        self.assertEqual(self.edge.replied("none"), 1)

    def test_any_other_failure_is_451_and_logged_once(self) -> None:
        self.session.send(MAIL)
        self.edge.door.waiting[0].errback(ZeroDivisionError())
        self.assertEqual(codes(self.session.said()), ["451 4.3.0"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_door_that_raises_is_451_too(self) -> None:
        def deliver(envelope: object) -> None:
            raise ZeroDivisionError

        self.edge.door.deliver = deliver  # type: ignore[assignment,method-assign]  # a broken door
        self.assertEqual(codes(self.session.send(MAIL))[-1], "451 4.3.0")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_client_that_leaves_does_not_call_its_mail_back(self) -> None:
        self.session.send(MAIL)
        cancelled: list[object] = []
        self.edge.door.waiting[0]._canceller = cancelled.append
        self.session.leave()
        self.assertEqual(cancelled, [])
        self.assertEqual(self.edge.budget.held, 4)  # the door still holds its octets
        self.edge.door.waiting[0].callback([])
        self.assertEqual(self.edge.budget.held, 0)
        self.assertEqual(self.session.said(), b"")

    def test_nothing_is_kept_of_a_mail_without_its_end(self) -> None:
        self.session.send(ENVELOPE + b"DATA\r\nhalf a mail\r\n.")
        self.assertGreater(self.edge.budget.held, 0)
        self.session.leave()
        self.assertEqual(self.edge.door.envelopes, [])
        self.assertEqual(self.edge.budget.held, 0)


class LimitTests(TestCase):
    def test_a_mail_over_the_size_is_swallowed_and_refused(self) -> None:
        edge = Edge(max_message_bytes=1000)
        session = edge.connect()
        session.send(HELLO + ENVELOPE + b"DATA\r\n")
        for _ in range(50):
            self.assertEqual(session.send(b"x" * 100), b"")
        self.assertEqual(edge.budget.held, 0)
        self.assertEqual(codes(session.send(b"\r\n.\r\nNOOP\r\n")), ["552 5.3.4", "250 2.0.0"])
        self.assertEqual(edge.door.envelopes, [])
        self.assertEqual((edge.refused("too_large"), edge.replied("552")), (1, 1))

    def test_a_mail_over_the_budget_of_the_process_is_put_off(self) -> None:
        edge = Edge(budget=1000)
        one, other = edge.connect(), edge.connect()
        one.send(HELLO + ENVELOPE + b"DATA\r\n" + b"x" * 900)
        other.send(HELLO + ENVELOPE + b"DATA\r\n" + b"x" * 900)
        self.assertEqual(codes(other.send(b"\r\n.\r\n")), ["452 4.3.1"])
        self.assertEqual(codes(one.send(b"\r\n.\r\n")), ["250 2.0.0"])
        self.assertEqual(edge.budget.held, 0)
        self.assertEqual(codes(other.send(ENVELOPE + b"DATA\r\nhi\r\n.\r\n"))[-1], "250 2.0.0")

    def test_refusals_are_counted_by_reason(self) -> None:
        edge = Edge()
        session = edge.connect()
        session.send(HELLO + b"FOO\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.net>\r\nRCPT TO:x\r\n")
        for reason in ("unrecognized", "relay", "bad_recipient"):
            self.assertEqual(edge.refused(reason), 1, reason)

    def lifetime(self, edge: Edge, session: Session, step: bytes = b"") -> float:
        """Seconds until it is told that it is too slow, with ``step`` said every second."""
        while not session.closed:
            edge.clock.advance(1)
            session.send(step) if step else None
            self.assertLess(edge.clock.seconds(), 10_000)
        return edge.clock.seconds()

    def test_a_mail_must_begin_within_300_seconds(self) -> None:
        for step in (b"", b"N", b"NOOP\r\n", b"EHLO x\r\n", b"RSET\r\nVRFY x\r\n"):
            edge = Edge()
            self.assertIn(self.lifetime(edge, edge.connect(), step), range(300, 307), step)
            self.assertEqual(edge.refused("timeout"), 1)

    def test_and_its_content_within_300_more(self) -> None:
        for step in (b"", b"NOOP\r\n", b"RSET\r\n" + ENVELOPE):
            edge = Edge()
            session = edge.connect()
            session.send(HELLO + ENVELOPE)
            self.assertIn(self.lifetime(edge, session, step), range(600, 607), step)

    def test_only_a_complete_mail_gives_a_session_more_time(self) -> None:
        edge = Edge()
        session = edge.connect()
        session.send(HELLO)
        for _ in range(20):
            edge.clock.pump([5] * 59)
            self.assertFalse(session.closed)
            session.send(MAIL)
        self.assertIn(self.lifetime(edge, session) - 20 * 295, range(300, 307))

    def test_under_stress_there_are_10_seconds(self) -> None:
        edge = Edge(max_connections=10)
        sessions = [edge.connect() for _ in range(8)]
        edge.clock.pump([5] * 4)
        self.assertFalse(any(session.closed for session in sessions))
        sessions.append(edge.connect())  # more than 80 % from here on
        edge.clock.advance(5)
        self.assertEqual([session.closed for session in sessions], [True] * 8 + [False])
        self.assertEqual(codes(sessions[0].said()), ["421 4.4.2"])

    def test_under_stress_content_must_flow(self) -> None:
        edge = Edge(max_connections=1)
        silent = edge.connect()
        silent.send(HELLO + ENVELOPE + b"DATA\r\n" + b"x" * 1_000_000)
        edge.clock.pump([5] * 3)
        self.assertEqual(codes(silent.said())[-1], "421 4.4.2")
        silent.leave()
        flowing = edge.connect()
        flowing.send(HELLO + ENVELOPE + b"DATA\r\n")
        for _ in range(60):
            edge.clock.advance(1)
            flowing.send(b"x" * 1100)
        self.assertFalse(flowing.closed)

    def test_a_mail_of_many_chunks_is_held_to_the_same_rate(self) -> None:
        for step in (b"BDAT 1\r\nx", b"BDAT 0\r\n", b"NOOP\r\n", b""):
            edge = Edge()
            session = edge.connect()
            session.send(HELLO + ENVELOPE + b"BDAT 1\r\nx")
            self.assertLess(self.lifetime(edge, session, step), 310, step)
            session.leave()
            self.assertEqual(edge.budget.held, 0)

    def test_a_chunk_that_is_refused_must_come_to_its_end(self) -> None:
        edge = Edge()
        session = edge.connect()
        session.send(b"BDAT 1000000\r\n")
        self.assertLess(self.lifetime(edge, session, b"x"), 310)

    def test_content_at_an_octet_a_second_holds_nothing_for_long(self) -> None:
        edge = Edge()
        session = edge.connect()
        session.send(HELLO + ENVELOPE + b"DATA\r\n")
        while not session.closed:
            edge.clock.advance(1)
            session.send(b"x")
        self.assertLessEqual(edge.clock.seconds(), 310)
        session.leave()
        self.assertEqual(edge.budget.held, 0)

    def test_content_that_stops_ends_the_session(self) -> None:
        edge = Edge()
        session = edge.connect()
        session.send(HELLO + ENVELOPE + b"DATA\r\n" + b"x" * 1_000_000)
        edge.clock.pump([5] * 37)
        self.assertEqual(codes(session.said()), ["421 4.4.2"])

    def test_a_session_waits_for_the_door_as_long_as_it_takes(self) -> None:
        edge = Edge()
        edge.door.slow = True
        session = edge.connect()
        session.send(HELLO + MAIL)
        edge.clock.pump([5] * 200)
        edge.door.waiting[0].callback([])
        edge.clock.advance(5)
        self.assertEqual(codes(session.said()), ["250 2.0.0"])

    def test_a_client_that_does_not_take_its_last_reply_is_dropped(self) -> None:
        edge = Edge()
        session = edge.connect()
        edge.clock.advance(4)
        session.send(b"QUIT\r\n")
        edge.clock.pump([5, 5])
        self.assertFalse(session.wire.aborted)
        edge.clock.advance(5)
        self.assertTrue(session.wire.aborted)
