from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tempmail.bus.local import LocalBus
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Mailboxes, Messages
from tempmail.core.waiting import Following, Watching
from tempmail.model.errors import NotFound, Unavailable
from tempmail.model.event import Event, EventKind
from tempmail.model.mailbox import Mailbox

MAILBOX = 7
EXPIRED = Event(EventKind.EXPIRED, MAILBOX)


def arrival(seq: int) -> Event:
    return Event(EventKind.NEW_MESSAGE, MAILBOX, UUID(int=seq), seq)


class Table:
    """Messages whose reading takes as long as the test wants.

    :ivar asked: one entry for each reading: above what, and where its answer goes.
    """

    def __init__(self) -> None:
        self.rows: list[Event] = []
        self.asked: list[tuple[int, Deferred[None]]] = []

    async def arrivals(self, mailbox_id: int, after: int, limit: int) -> Sequence[Event]:
        assert mailbox_id == MAILBOX
        found = [event for event in self.rows if event.seq > after][:limit]
        answer: Deferred[None] = Deferred()
        self.asked.append((after, answer))
        await answer
        return found

    def answer(self) -> None:
        """Let the last reading return what it found when it was asked."""
        self.asked[-1][1].callback(None)

    def fail(self, error: Exception) -> None:
        self.asked[-1][1].errback(error)


class FollowingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.bus = LocalBus(Metrics())
        self.table = Table()
        self.watching = Watching(cast(Mailboxes, None), cast(Messages, self.table), self.bus)
        self.received: list[Event] = []
        self.lost = 0

    def follow(self, after: int | None, last_seq: int = 0) -> Following:
        self.table.rows = [arrival(seq) for seq in range(1, last_seq + 1)]
        mailbox = cast(Mailbox, _Seen(last_seq))
        return self.watching.follow(mailbox, after, self.received.append, self._count_lost)

    def _count_lost(self) -> None:
        self.lost += 1

    def commit(self, seq: int) -> None:
        self.table.rows.append(arrival(seq))

    def publish(self, seq: int) -> None:
        self.bus.publish(arrival(seq))

    def assert_received(self, *seqs: int) -> None:
        self.assertEqual(self.received, [arrival(seq) for seq in seqs])

    def test_what_is_there_already_comes_first_and_in_order(self) -> None:
        self.follow(1, last_seq=4)
        self.table.answer()
        self.assert_received(2, 3, 4)

    def test_from_now_on_means_from_the_admission(self) -> None:
        self.follow(None, last_seq=4)
        self.assertEqual(self.table.asked[0][0], 4)
        self.commit(5)
        self.publish(5)
        self.table.answer()
        self.table.answer()
        self.assert_received(5)

    def test_a_place_that_is_still_to_come_means_from_now_on(self) -> None:
        self.follow(1000, last_seq=4)
        self.table.answer()
        self.publish(5)
        self.assert_received(5)

    def test_an_event_that_continues_the_sequence_is_told_without_reading(self) -> None:
        self.follow(0)
        self.table.answer()
        self.publish(1)
        self.publish(2)
        self.assert_received(1, 2)
        self.assertEqual(len(self.table.asked), 1)

    def test_what_is_committed_while_the_table_is_read_is_not_missed(self) -> None:
        self.follow(0, last_seq=1)
        self.commit(2)
        self.publish(2)
        self.assert_received()
        self.table.answer()  # it had only seen the first
        self.table.answer()
        self.assert_received(1, 2)

    def test_what_the_table_showed_is_not_told_again_by_its_event(self) -> None:
        self.follow(0, last_seq=2)
        self.table.answer()
        self.publish(1)
        self.publish(2)
        self.assert_received(1, 2)
        self.assertEqual(len(self.table.asked), 1)

    def test_a_gap_sends_the_follower_to_the_table(self) -> None:
        self.follow(0)
        self.table.answer()
        for seq in (1, 2, 3):
            self.commit(seq)
        self.publish(3)  # those of 1 and 2 are late, or lost
        self.table.answer()
        self.publish(1)
        self.publish(2)
        self.assert_received(1, 2, 3)

    def test_a_gap_left_by_a_deletion_is_passed_over(self) -> None:
        self.follow(0)
        self.table.answer()
        self.commit(2)
        self.publish(2)
        self.table.answer()
        self.publish(3)
        self.assert_received(2, 3)

    def test_more_than_a_page_is_read_page_by_page(self) -> None:
        self.follow(0, last_seq=450)
        for _ in range(3):
            self.table.answer()
        self.assert_received(*range(1, 451))
        self.assertEqual([after for after, _ in self.table.asked], [0, 200, 400])

    def test_many_events_during_a_reading_ask_for_one_more(self) -> None:
        self.follow(0)
        for seq in range(1, 51):
            self.commit(seq)
            self.publish(seq)
        self.table.answer()
        self.table.answer()
        self.assert_received(*range(1, 51))
        self.assertEqual(len(self.table.asked), 2)

    def test_other_events_are_passed_on_at_once(self) -> None:
        self.follow(0)
        deleted = Event(EventKind.DELETED, MAILBOX, UUID(int=1))
        self.bus.publish(deleted)
        self.bus.publish(EXPIRED)
        self.assertEqual(self.received, [deleted, EXPIRED])

    def test_after_stopping_nothing_is_received(self) -> None:
        following = self.follow(0, last_seq=3)
        following.stop()
        following.stop()
        self.table.answer()
        self.publish(4)
        self.bus.publish(EXPIRED)
        self.assertEqual((self.received, self.lost), ([], 0))
        self.assertEqual(self.bus._subscriptions, {})

    def test_a_receiver_may_stop_at_any_event_of_a_page(self) -> None:
        following: list[Following] = []

        def receive(event: Event) -> None:
            self.received.append(event)
            if event.seq == 2:
                following[0].stop()

        self.table.rows = [arrival(seq) for seq in range(1, 301)]
        mailbox = cast(Mailbox, _Seen(300))
        following.append(self.watching.follow(mailbox, 0, receive, self._count_lost))
        self.table.answer()
        self.assert_received(1, 2)
        self.assertEqual((len(self.table.asked), self.lost), (1, 0))

    def test_while_it_is_paused_messages_wait_in_the_table(self) -> None:
        following = self.follow(0)
        self.table.answer()
        following.pause()
        for seq in (1, 2):
            self.commit(seq)
            self.publish(seq)
        self.assert_received()
        self.assertEqual(len(self.table.asked), 1)
        following.resume()
        self.table.answer()
        self.assert_received(1, 2)

    def test_while_it_is_paused_no_further_page_is_read(self) -> None:
        following = self.follow(0, last_seq=450)
        following.pause()
        self.table.answer()
        self.assert_received(*range(1, 201))
        self.assertEqual(len(self.table.asked), 1)
        following.resume()
        self.table.answer()
        self.table.answer()
        self.assert_received(*range(1, 451))

    def test_one_who_paused_can_stop(self) -> None:
        following = self.follow(0, last_seq=450)
        following.pause()
        self.table.answer()
        following.stop()
        self.assertEqual(len(self.table.asked), 1)

    def test_whoever_prepares_for_readers_hears_of_each_event_at_once(self) -> None:
        heard: list[Event] = []
        self.watching = Watching(
            cast(Mailboxes, None), cast(Messages, self.table), self.bus, heard.append
        )
        self.follow(0)
        self.publish(3)
        self.assertEqual(heard, [arrival(3)])

    def test_a_mailbox_that_has_ended_is_told_as_such(self) -> None:
        self.follow(0)
        self.table.fail(NotFound("ended"))
        self.assertEqual((self.received, self.lost), ([EXPIRED], 0))
        self.assertEqual(self.bus._subscriptions, {})

    def test_a_table_that_cannot_be_read_loses_the_follower_once(self) -> None:
        self.follow(0)
        self.table.fail(Unavailable("down"))
        self.publish(5)
        self.assertEqual((self.received, self.lost), ([], 1))

    def test_an_unforeseen_fault_loses_the_follower_and_is_noted(self) -> None:
        self.follow(0)
        self.table.fail(RuntimeError("broken"))
        self.assertEqual(self.lost, 1)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_trouble_after_stopping_is_nobodys(self) -> None:
        self.follow(0).stop()
        self.table.fail(Unavailable("down"))
        self.assertEqual((self.received, self.lost), ([], 0))


class _Seen:
    """Of a mailbox, what a follower looks at."""

    id = MAILBOX

    def __init__(self, last_seq: int) -> None:
        self.last_seq = self.message_count = last_seq


class WatchingTests(SynchronousTestCase):
    def test_whoever_says_whose_a_mailbox_is_decides_on_admission(self) -> None:
        class Nobodys:
            async def get(self, address: str, owner: Any) -> Mailbox:
                raise NotFound(address)

        watching = Watching(cast(Mailboxes, Nobodys()), cast(Messages, None), cast(Any, None))
        admission = Deferred.fromCoroutine(watching.admit("a@b", cast(Any, None)))
        self.failureResultOf(admission, NotFound)
