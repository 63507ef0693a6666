from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import cast
from uuid import UUID

from attrs import evolve
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.bus.local import LocalBus
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Mailboxes, Messages, News, Place
from tempmail.core.rounds import INTERVAL, Rounds
from tempmail.core.waiting import Watching
from tempmail.model.errors import Unavailable
from tempmail.model.event import Event, EventKind
from tests.core.doubles import MAILBOX_ID, NOW, Shelf, arrival, mailbox

EXPIRED = Event(EventKind.EXPIRED, MAILBOX_ID)


def deleted(seq: int, ordinal: int) -> Event:
    return Event(EventKind.DELETED, MAILBOX_ID, UUID(int=seq), ordinal)


class Peers:
    hears_all = True
    tells_all = True
    gaps = 0


class Others:
    """What storage says of the other daemons and of the mailbox.

    :ivar asked: the places of each question.
    """

    def __init__(self) -> None:
        self.names = frozenset({"other"})
        self.all_tell = True
        self.told: list[bool] = []
        self.found: list[News] = []
        self.asked: list[Sequence[Place]] = []
        self.away = False
        self.left = False

    async def meet(self, tells_all: bool) -> tuple[frozenset[str], bool]:
        if self.away:
            raise Unavailable("away")
        self.told.append(tells_all)
        return self.names, self.all_tell

    async def leave(self) -> None:
        self.left = True

    async def news(self, places: Sequence[Place]) -> Sequence[News]:
        self.asked.append(places)
        return self.found


class RoundsTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.metrics = Clock(), Metrics()
        self.bus, self.shelf = LocalBus(self.metrics, alone=False), Shelf()
        self.watching = Watching(cast(Mailboxes, None), cast(Messages, self.shelf), self.bus)
        self.peers, self.others = Peers(), Others()
        self.rounds = Rounds(self.watching, self.peers, self.others, self.metrics, self.clock)
        self.received: list[Event] = []

    def follow(self, last_seq: int = 0) -> None:
        self.watching.follow(mailbox(last_seq), None, self.received.append, self.fail)

    def start(self) -> None:
        self.rounds.start()
        self.others.asked.clear()

    def a_round(self) -> None:
        self.clock.advance(INTERVAL)

    def test_where_everybody_is_heard_nothing_is_read(self) -> None:
        self.follow()
        self.start()
        self.a_round()
        assert self.others.asked == []
        assert self.others.told == [True, True]

    def test_where_nobody_else_is_nothing_is_read(self) -> None:
        self.others.names = frozenset()
        self.peers.hears_all = False
        self.follow()
        self.start()
        self.a_round()
        assert self.others.asked == []

    def test_while_we_cannot_hear_it_is_read_each_time(self) -> None:
        self.follow(3)
        self.start()
        self.peers.hears_all = False
        self.a_round()
        self.a_round()
        assert self.others.asked == [[Place(MAILBOX_ID, 3, 0)]] * 2

    def test_while_another_cannot_tell_it_is_read_each_time(self) -> None:
        self.follow()
        self.start()
        self.others.all_tell = False
        self.a_round()
        self.a_round()
        assert len(self.others.asked) == 2

    def test_after_a_gap_it_is_read_once_more(self) -> None:
        self.follow()
        self.start()
        self.peers.gaps += 1
        self.a_round()
        self.a_round()
        assert len(self.others.asked) == 1

    def test_after_another_has_gone_it_is_read_once(self) -> None:
        self.follow()
        self.start()
        self.others.names = frozenset()
        self.a_round()
        self.a_round()
        assert len(self.others.asked) == 1

    def test_what_could_not_be_read_is_read_the_next_time(self) -> None:
        self.follow()
        self.start()
        self.others.away = True
        self.peers.gaps += 1
        self.a_round()
        self.others.away = False
        self.a_round()
        assert len(self.others.asked) == 1

    def test_a_message_that_no_event_told_of_is_told_once(self) -> None:
        self.peers.hears_all = False
        self.follow()
        self.start()
        self.shelf.put(1)
        self.others.found = [News(MAILBOX_ID, False, 1, 0, ())]
        self.a_round()
        self.a_round()
        self.bus.publish(arrival(1))
        assert self.received == [arrival(1)]

    def test_deletions_that_no_event_told_of_are_told_once(self) -> None:
        self.peers.hears_all = False
        self.follow()
        self.start()
        self.bus.publish(deleted(1, 1))
        self.others.found = [News(MAILBOX_ID, False, 0, 2, (deleted(1, 1), deleted(4, 2)))]
        self.a_round()
        self.a_round()
        assert self.received == [deleted(1, 1), deleted(4, 2)]
        self.others.asked.clear()
        self.a_round()
        assert self.others.asked == [[Place(MAILBOX_ID, 0, 2)]]

    def test_messages_that_went_without_a_word_are_not_asked_for_again(self) -> None:
        self.peers.hears_all = False
        self.follow()
        self.start()
        self.others.found = [News(MAILBOX_ID, False, 0, 5, ())]
        self.a_round()
        self.a_round()
        assert self.others.asked[-1] == [Place(MAILBOX_ID, 0, 5)]

    def test_a_mailbox_that_ended_elsewhere_says_so(self) -> None:
        self.peers.hears_all = False
        self.follow()
        self.start()
        self.others.found = [News(MAILBOX_ID, True, 0, 0, ())]
        self.a_round()
        assert self.received == [EXPIRED]

    def test_many_followers_of_one_mailbox_are_one_place_that_knows_the_least(self) -> None:
        self.peers.hears_all = False
        for last_seq in (5, 3, 4):
            self.follow(last_seq)
        self.start()
        self.a_round()
        assert self.others.asked == [[Place(MAILBOX_ID, 3, 0)]]

    def test_a_crowd_is_asked_for_in_few_questions(self) -> None:
        self.peers.hears_all = False
        for number in range(2500):
            box = evolve(mailbox(), id=number, expires_at=NOW + timedelta(hours=1))
            self.watching.follow(box, None, self.received.append, self.fail)
        self.start()
        self.a_round()
        assert [len(places) for places in self.others.asked] == [1000, 1000, 500]

    def test_who_has_stopped_following_is_not_asked_for(self) -> None:
        self.peers.hears_all = False
        following = self.watching.follow(mailbox(), None, self.received.append, self.fail)
        self.start()
        following.stop()
        self.a_round()
        assert not self.watching.followings
        assert self.others.asked == []

    def test_who_stops_takes_leave(self) -> None:
        self.rounds.start()
        calls = self.clock.getDelayedCalls
        assert calls()
        stopping = self.rounds.stop()
        with self.assertRaises(StopIteration):
            stopping.send(None)
        assert self.others.left
        assert not calls()
