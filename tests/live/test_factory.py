from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.live.factory import PING_SECONDS
from tempmail.model.errors import Unauthenticated, Unavailable
from tests.live.doubles import Service, Visitor


class PingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.service = Service(self.clock)

    def pass_time(self, seconds: int, *visitors: Visitor) -> None:
        for _ in range(seconds):
            self.clock.advance(1)
            for visitor in visitors:
                visitor.look()

    def test_everybody_is_pinged_every_thirty_seconds(self) -> None:
        visitors = [Visitor(self.service, self.clock) for _ in range(40)]
        self.pass_time(3 * PING_SECONDS, *visitors)
        for visitor in visitors:
            self.assertEqual(visitor.frames, [{"event": "ping"}] * 3)

    def test_no_second_has_more_than_its_share_of_pings(self) -> None:
        visitors = [Visitor(self.service, self.clock) for _ in range(2 * PING_SECONDS)]
        for visitor in visitors:
            visitor.look()
        for _ in range(PING_SECONDS):
            self.clock.advance(1)
            self.assertEqual(sum(1 for v in visitors if v.transport.value()), 2)
            for visitor in visitors:
                visitor.look()

    def test_whoever_answers_no_ping_is_hung_up_on(self) -> None:
        silent, lively = Visitor(self.service, self.clock), Visitor(self.service, self.clock)
        silent.look()
        self.pass_time(3 * PING_SECONDS, lively)
        self.assertEqual(self.service.open(), 2)
        self.pass_time(PING_SECONDS, lively)
        self.assertTrue(silent.transport.gone)
        self.assertEqual(self.service.refused("silent"), 1)
        self.assertEqual(self.service.open(), 1)

    def test_who_says_goodbye_and_then_reads_no_more_is_not_kept(self) -> None:
        visitor = Visitor(self.service, self.clock)
        visitor.look()
        visitor.transport.loseConnection = lambda: None  # type: ignore[method-assign]  # full
        visitor.client.send_close(1000)
        for _ in range(5 * PING_SECONDS):
            visitor._out()
            visitor.transport.protocol.dataReceived(b"still here")
            self.clock.advance(1)
        self.assertTrue(visitor.transport.gone)

    def test_nothing_ticks_when_nobody_is_there(self) -> None:
        visitor = Visitor(self.service, self.clock)
        visitor.look()
        visitor.transport.hang_up()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class ExpiryTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.service = Service(self.clock, expires_at=10.0)
        self.visitor = Visitor(self.service, self.clock)
        self.visitor.look()

    def test_a_mailbox_ends_on_time_without_anybody_saying_so(self) -> None:
        self.service.mailbox.gone = True
        self.clock.pump([1] * 9)
        self.assertIsNone(self.visitor.close_code)
        self.clock.advance(1)
        self.assertEqual(self.visitor.frames, [{"event": "expired"}])
        self.assertEqual(self.visitor.close_code, 1000)

    def test_a_mailbox_whose_token_is_forgotten_has_ended(self) -> None:
        self.service.mailbox.trouble = Unauthenticated("never issued")
        self.clock.pump([1] * 10)
        self.assertEqual(self.visitor.frames, [{"event": "expired"}])

    def test_a_mailbox_that_was_extended_goes_on_until_its_new_end(self) -> None:
        self.service.mailbox.expires_at = 20.0
        self.clock.pump([1] * 19)
        self.assertEqual(self.service.mailbox.questions, 2)
        self.service.mailbox.gone = True
        self.clock.advance(1)
        self.assertEqual(self.visitor.frames, [{"event": "expired"}])

    def test_the_databases_clock_decides_not_ours(self) -> None:
        self.clock.pump([1] * 15)
        self.assertEqual(self.visitor.frames, [])
        self.assertEqual(self.service.mailbox.questions, 1 + 6)

    def test_storage_that_cannot_tell_is_asked_again(self) -> None:
        self.service.mailbox.trouble = Unavailable("down")
        self.clock.pump([1] * 14)
        self.assertEqual(self.service.mailbox.questions, 2)
        self.service.mailbox.trouble, self.service.mailbox.gone = None, True
        self.clock.advance(1)
        self.assertEqual(self.visitor.frames, [{"event": "expired"}])

    def test_a_fault_in_asking_is_noted_and_asked_again(self) -> None:
        self.service.mailbox.trouble = RuntimeError("broken")
        self.clock.pump([1] * 15)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)
        self.assertEqual(self.service.open(), 1)

    def test_storage_is_not_asked_twice_at_once(self) -> None:
        answer: Deferred[None] = Deferred()
        self.service.mailbox.wait = answer
        self.clock.pump([1] * 20)
        self.assertEqual(self.service.mailbox.questions, 2)
        self.service.mailbox.gone = True
        answer.callback(None)
        self.assertEqual(self.visitor.frames, [{"event": "expired"}])

    def test_storage_is_not_asked_for_all_of_a_crowd_at_once(self) -> None:
        service = Service(self.clock, most=250, expires_at=self.clock.seconds() + 1)
        crowd = [Visitor(service, self.clock) for _ in range(250)]
        service.mailbox.wait = Deferred()
        for asked in [100, 200, 250]:
            self.clock.advance(1)
            self.assertEqual(service.mailbox.questions, len(crowd) + asked)


class CloseAllTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.service = Service(self.clock)

    def test_everybody_hears_a_goodbye_and_it_is_known_when_all_are_gone(self) -> None:
        visitors = [Visitor(self.service, self.clock) for _ in range(3)]
        for visitor in visitors:
            visitor.look()
        gone = self.service.factory.close_all(10)
        for visitor in visitors:
            self.assertNoResult(gone)
            self.assertEqual(visitor.close_code, 4503)
        self.assertIsNone(self.successResultOf(gone))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_whoever_does_not_go_is_hung_up_on_at_the_deadline(self) -> None:
        Visitor(self.service, self.clock).look()
        gone = self.service.factory.close_all(3)
        self.clock.advance(2.9)
        self.assertNoResult(gone)
        self.clock.advance(0.1)
        self.clock.advance(0)
        self.successResultOf(gone)
        self.assertEqual(self.service.open(), 0)

    def test_where_nobody_is_there_it_is_done_at_once(self) -> None:
        self.successResultOf(self.service.factory.close_all(3))

    def test_nobody_comes_in_any_more(self) -> None:
        self.service.factory.close_all(3)
        self.assertEqual(Visitor(self.service, self.clock).status, 503)
