from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tempmail.bus.local import LocalBus
from tempmail.core import answering
from tempmail.core.long_polls import Caught, LongPolls, Wanted
from tempmail.core.matching import matcher
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Mailboxes, Messages
from tempmail.core.views import Views
from tempmail.core.waiting import Watching
from tempmail.model.errors import LimitReached, NotFound, Unauthenticated, Unavailable
from tempmail.model.event import Event, EventKind
from tests.core.doubles import MAILBOX_ID, OWNER, Desk, Reactor, Shelf, SubjectParser


class LongPollsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.metrics = Metrics()
        self.bus = LocalBus(self.metrics)
        self.shelf = Shelf()
        self.parser = SubjectParser()
        self.reactor = Reactor()
        self.desk = Desk()
        self.polls = LongPolls(
            Watching(cast(Mailboxes, self.desk), cast(Messages, self.shelf), self.bus),
            Views(cast(Messages, self.shelf), self.parser),
            self.metrics,
            self.reactor,
            most=4,
            most_each=3,
        )

    def wait(
        self, *, count: int = 1, after: int = 0, network: str = "192.0.2.1", **wanted: Any
    ) -> Deferred[Caught]:
        waiting = self.polls.wait(
            "box@mail.test", OWNER, Wanted(matcher(**wanted), count, after, 30), network
        )
        outcome = Deferred.fromCoroutine(waiting)
        self.reactor.advance(0)
        return outcome

    def put(self, seq: int, subject: str = "Your code") -> None:
        """A mail that is there already."""
        self.shelf.put(seq, subject)
        self.desk.last_seq = seq

    def arrive(self, seq: int, subject: str = "Your code") -> None:
        """A mail that comes now."""
        self.bus.publish(self.shelf.put(seq, subject))
        self.reactor.advance(0)

    def assert_caught(self, outcome: Deferred[Caught], *seqs: int, after: int) -> None:
        caught = self.successResultOf(outcome)
        self.assertEqual([one.summary.seq for one in caught.messages], list(seqs))
        self.assertEqual(caught.after, after)
        self.assert_nothing_is_held()

    def assert_nothing_is_held(self) -> None:
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(self.bus._subscriptions, {})
        self.assertEqual(self.metrics.registry.get_sample_value("tempmail_long_polls"), 0)
        self.assertEqual(self.polls._open, set())

    def test_what_is_there_already_counts(self) -> None:
        self.put(1)
        self.put(2)
        self.assert_caught(self.wait(), 1, after=1)

    def test_only_what_lies_above_after_counts(self) -> None:
        self.put(1)
        self.put(2)
        self.assert_caught(self.wait(after=1), 2, after=2)

    def test_a_place_that_is_still_to_come_means_from_now_on(self) -> None:
        self.put(1)
        waiting = self.wait(after=1000)
        self.arrive(2)
        self.assert_caught(waiting, 2, after=2)

    def test_what_comes_is_answered_with_its_view(self) -> None:
        waiting = self.wait()
        self.assertNoResult(waiting)
        self.arrive(1)
        (found,) = self.successResultOf(waiting).messages
        assert found.view is not None
        self.assertEqual(found.view.subject, "Your code")
        self.assertFalse(found.summary.is_read)

    def test_what_does_not_match_is_passed_over(self) -> None:
        self.put(1, "News")
        waiting = self.wait(subject="code")
        self.arrive(2, "More news")
        self.assertNoResult(waiting)
        self.arrive(3)
        self.assert_caught(waiting, 3, after=3)

    def test_as_many_are_waited_for_as_are_wanted(self) -> None:
        self.put(1)
        waiting = self.wait(count=3, subject="code")
        self.arrive(2, "News")
        self.arrive(3)
        self.assertNoResult(waiting)
        self.arrive(4)
        self.assert_caught(waiting, 1, 3, 4, after=4)

    def test_of_several_large_messages_all_are_answered_and_few_with_their_text(self) -> None:
        self.patch(answering, "MOST_BYTES", 30)
        for seq in range(1, 6):  # with a text of eleven bytes each
            self.put(seq)
        messages = self.successResultOf(self.wait(count=5)).messages
        texts = [one.view.body_text for one in messages if one.view is not None]
        self.assertEqual(texts, ["It is 4711."] * 3 + ["", ""])
        self.assertEqual([one.summary.seq for one in messages], [1, 2, 3, 4, 5])

    def test_when_time_is_up_the_next_wait_goes_on_behind_what_did_not_match(self) -> None:
        waiting = self.wait(subject="code")
        self.arrive(1, "News")
        self.reactor.advance(29)
        self.assertNoResult(waiting)
        self.reactor.advance(1)
        self.assert_caught(waiting, after=1)

    def test_when_time_is_up_with_too_few_they_count_again(self) -> None:
        waiting = self.wait(count=3, subject="code")
        for seq, subject in [(1, "News"), (2, "Your code"), (3, "Your code")]:
            self.arrive(seq, subject)
        self.reactor.advance(30)
        self.assert_caught(waiting, after=1)

    def test_what_is_being_looked_at_when_time_is_up_is_not_passed_over(self) -> None:
        waiting = self.wait()
        self.parser.hold = Deferred()
        self.arrive(1)
        self.reactor.advance(30)
        self.assert_caught(waiting, after=0)
        self.parser.hold.callback(None)

    def test_waiting_begins_when_it_is_asked_for(self) -> None:
        self.desk.hold = Deferred()
        waiting = self.wait()
        self.reactor.advance(20)
        self.desk.hold.callback(None)
        self.reactor.advance(10)
        self.assert_caught(waiting, after=0)

    def test_nothing_slips_between_asking_and_waiting(self) -> None:
        self.desk.hold = Deferred()
        waiting = self.wait()
        self.arrive(1)  # the mailbox as it will be admitted does not know of it
        self.desk.hold.callback(None)
        self.reactor.advance(0)
        self.assert_caught(waiting, 1, after=1)

    def test_a_deleted_message_is_none(self) -> None:
        self.put(1)
        self.put(2)
        self.shelf.hold = Deferred()
        waiting = self.wait()
        del self.shelf.raw_of[1]
        self.shelf.hold.callback(None)
        self.assert_caught(waiting, 2, after=2)

    def test_many_messages_are_looked_at_in_order_and_each_once(self) -> None:
        for seq in range(1, 450):
            self.put(seq, "News")
        self.put(450)
        waiting = self.wait(subject="code")
        for _ in range(3):  # pages of the table
            self.reactor.advance(0)
        self.assert_caught(waiting, 450, after=450)
        self.assertEqual(self.shelf.fetched, list(range(1, 451)))

    def test_no_more_of_the_table_is_read_than_can_be_looked_at(self) -> None:
        for seq in range(1, 1001):
            self.put(seq)
        self.shelf.hold_arrivals = Deferred()
        self.parser.hold = Deferred()
        waiting = self.wait(count=20)
        self.shelf.hold_arrivals.callback(None)
        (wait,) = self.polls._open
        self.assertEqual(len(wait._candidates), 200)
        waiting.addErrback(lambda _: None)
        waiting.cancel()

    def test_a_pattern_is_matched_in_a_thread_and_a_substring_is_not(self) -> None:
        self.put(1)
        self.successResultOf(self.wait(subject="code"))
        self.assertEqual(self.reactor.threads.used, 0)
        self.assert_caught(self.wait(subject="/code$/"), 1, after=1)
        self.assertEqual(self.reactor.threads.used, 1)

    def test_networks_take_turns_at_matching(self) -> None:
        self.put(1)
        threads = self.reactor.threads
        threads.held = []
        many = [self.wait(subject="/code$/") for _ in range(3)]
        stranger = self.wait(subject="/code/i", network="198.51.100.1")
        self.assertEqual(len(threads.held), 1, "one at a time")
        for _ in range(3):
            threads.held.pop()()
        self.successResultOf(many[1])
        self.successResultOf(stranger)
        self.assertNoResult(many[2])
        threads.held.pop()()
        self.assert_caught(many[2], 1, after=1)

    def test_a_thread_goes_on_when_its_client_has_left_and_no_other_starts_meanwhile(self) -> None:
        self.put(1)
        threads = self.reactor.threads
        threads.held = []
        leaving = [self.wait(subject="/code/") for _ in range(2)]
        staying = self.wait(subject="/code$/")
        for one in leaving:
            one.addErrback(lambda _: None)
            one.cancel()
        self.assertEqual((threads.used, len(threads.held)), (1, 1))
        threads.held.pop()()
        threads.held.pop()()
        self.assert_caught(staying, 1, after=1)
        self.assertEqual(threads.used, 2, "who left while waiting takes no turn")

    def test_the_end_of_the_mailbox_is_the_end_of_the_wait(self) -> None:
        waiting = self.wait()
        self.bus.publish(Event(EventKind.EXPIRED, MAILBOX_ID))
        self.failureResultOf(waiting, NotFound)
        self.assert_nothing_is_held()
        self.shelf.living = False
        self.failureResultOf(self.wait(), NotFound)
        self.assert_nothing_is_held()

    def test_a_deletion_is_not_what_anybody_waits_for(self) -> None:
        waiting = self.wait()
        self.bus.publish(Event(EventKind.DELETED, MAILBOX_ID, UUID(int=1)))
        self.arrive(1)
        self.assert_caught(waiting, 1, after=1)

    def test_what_is_deleted_while_it_is_looked_at_is_not_what_anybody_waits_for(self) -> None:
        for gone in (UUID(int=1), None):  # that one, or all of them
            self.setUp()
            waiting = self.wait()
            self.parser.hold = Deferred()
            self.arrive(1)
            self.bus.publish(Event(EventKind.DELETED, MAILBOX_ID, gone))
            self.parser.hold.callback(None)
            self.parser.hold = None
            self.arrive(2)
            self.assert_caught(waiting, 2, after=2)

    def test_who_is_not_admitted_holds_nothing(self) -> None:
        for refusal in [NotFound("no"), Unauthenticated("no"), Unavailable("busy")]:
            self.desk.refusal = refusal
            self.failureResultOf(self.wait(), type(refusal))
            self.assert_nothing_is_held()

    def test_trouble_with_storage_or_parser_ends_the_wait(self) -> None:
        self.put(1)
        self.shelf.trouble = Unavailable("down")
        self.failureResultOf(self.wait(), Unavailable)
        self.assert_nothing_is_held()
        self.shelf.trouble, self.parser.trouble = None, Unavailable("no worker")
        self.failureResultOf(self.wait(), Unavailable)
        self.assert_nothing_is_held()

    def test_who_leaves_frees_everything(self) -> None:
        for held in [None, "desk", "shelf", "parser"]:
            self.put(1, "News")
            if held:
                getattr(self, held).hold = Deferred()
            waiting = self.wait(subject="code")
            waiting.addErrback(lambda _: None)
            waiting.cancel()
            self.assert_nothing_is_held()
            if held:
                getattr(self, held).hold.callback(None)
                getattr(self, held).hold = None

    def test_a_network_waits_only_so_often(self) -> None:
        waiting = [self.wait() for _ in range(3)]
        self.failureResultOf(self.wait(), LimitReached)
        waiting.append(self.wait(network="198.51.100.1"))
        self.failureResultOf(self.wait(network="203.0.113.1"), Unavailable)
        self.reactor.advance(30)
        for one in waiting:
            self.successResultOf(one)
        self.assertNoResult(self.wait())

    def test_a_stop_lets_everybody_go_as_if_time_were_up(self) -> None:
        waiting = [self.wait(), self.wait()]
        self.desk.hold = Deferred()
        entering = self.wait()
        self.polls.stop()
        for one in waiting:
            self.assertEqual(self.successResultOf(one), Caught((), 0))
        self.desk.hold.callback(None)
        self.reactor.advance(0)
        self.assert_caught(entering, after=0)
        self.failureResultOf(self.wait(), Unavailable)
