from __future__ import annotations

import tracemalloc

from twisted.trial.unittest import TestCase

from tempmail.smtp.input import COMMANDS_A_TURN, MAX_KEPT_INPUT
from tests.smtp.edge import ENVELOPE, HELLO, Edge, codes

MAIL = ENVELOPE + b"DATA\r\nhi\r\n.\r\n"


class InputTests(TestCase):
    def test_a_line_without_end_takes_no_memory_and_one_refusal(self) -> None:
        session = Edge().connect()
        segment = b"x" * 65536
        tracemalloc.start()
        try:
            heard = b"".join(session.send(segment) for _ in range(1600))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        self.assertEqual(codes(heard), ["500 5.5.2"])
        self.assertLess(peak, 1_000_000)
        self.assertEqual(codes(session.send(b"MAIL\r\nNOOP\r\n")), ["250 2.0.0"])

    def test_input_behind_a_delivery_is_bounded_by_not_reading(self) -> None:
        edge = Edge()
        edge.door.slow = True
        session = edge.connect()
        session.send(HELLO + MAIL)
        session.send(b"NOOP\r\n" * 100)
        self.assertEqual(session.wire.producerState, "producing")
        session.send(b"NOOP\r\n" * (MAX_KEPT_INPUT // 6))
        self.assertEqual(session.wire.producerState, "paused")
        edge.door.waiting[0].callback([])
        while edge.clock.getDelayedCalls()[0].getTime() == 0:
            edge.clock.advance(0)
        self.assertEqual(session.wire.producerState, "producing")
        self.assertEqual(len(codes(session.said())), 1 + 100 + MAX_KEPT_INPUT // 6)

    def test_a_turn_has_a_bound_and_the_rest_follows_in_order(self) -> None:
        edge = Edge()
        session = edge.connect()
        heard = session.send(b"NOOP\r\n" * (COMMANDS_A_TURN * 2) + b"VRFY x\r\n")
        self.assertEqual(len(codes(heard)), COMMANDS_A_TURN)
        self.assertEqual(session.send(b"HELP\r\n"), b"")
        edge.clock.advance(0)  # a Clock takes all turns that are due
        rest = codes(session.said())
        self.assertEqual(rest[COMMANDS_A_TURN:], ["252 2.5.2", "214 2.0.0"])

    def test_a_turn_that_comes_after_the_end_does_nothing(self) -> None:
        edge = Edge()
        session = edge.connect()
        session.send(b"NOOP\r\n" * (COMMANDS_A_TURN * 2))
        session.leave()
        edge.clock.advance(0)
        self.assertEqual(session.said(), b"")

    def test_a_client_that_does_not_read_is_not_obeyed(self) -> None:
        session = Edge().connect()
        session.protocol.pauseProducing()  # as the transport does with 64 KiB unsent
        self.assertEqual(session.send(b"NOOP\r\n"), b"")
        session.protocol.resumeProducing()
        self.assertEqual(codes(session.said()), ["250 2.0.0"])
