from __future__ import annotations

from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.bus.local import LocalBus
from tempmail.core.ahead import ParsingAhead
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Mailboxes, Messages
from tempmail.core.views import Views
from tempmail.core.waiting import Watching
from tempmail.model.errors import Unavailable
from tempmail.model.event import Event, EventKind
from tests.core.doubles import MAILBOX_ID, Shelf, SubjectParser, arrival, mailbox


class AheadTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.metrics = Metrics()
        self.bus = LocalBus(self.metrics)
        self.shelf = Shelf()
        self.parser = SubjectParser()
        self.clock = Clock()
        self.ahead = ParsingAhead(
            Views(cast(Messages, self.shelf), self.parser), self.bus, self.metrics, self.clock
        )

    def arrive(self, seq: int) -> None:
        self.bus.publish(self.shelf.put(seq))

    def count(self, outcome: str) -> float:
        return (
            self.metrics.registry.get_sample_value(
                "tempmail_parses_ahead_total", {"outcome": outcome}
            )
            or 0.0
        )

    def follow(self) -> None:
        watching = Watching(
            cast(Mailboxes, None), cast(Messages, self.shelf), self.bus, self.ahead.arrived
        )
        watching.follow(mailbox(), None, lambda _: None, lambda: None)

    def test_where_nobody_watches_nothing_is_parsed(self) -> None:
        self.arrive(1)
        self.clock.advance(0)
        self.assertEqual(self.parser.parsed, [])

    def test_what_arrives_where_somebody_follows_is_parsed(self) -> None:
        self.follow()
        self.arrive(1)
        self.clock.advance(0)
        self.assertEqual(self.shelf.kept, [1])

    def test_whoever_handed_the_mail_over_is_answered_first(self) -> None:
        self.follow()
        self.arrive(1)
        self.assertEqual(self.shelf.fetched, [])

    def test_many_followers_cause_one_parse(self) -> None:
        for _ in range(5):
            self.follow()
        self.ahead.listed(MAILBOX_ID)
        self.arrive(1)
        self.clock.advance(0)
        self.assertEqual(self.shelf.fetched, [1])

    def test_a_mailbox_that_was_listed_is_watched_for_a_minute_from_then_on(self) -> None:
        self.ahead.listed(MAILBOX_ID)
        self.clock.advance(59)
        self.ahead.listed(MAILBOX_ID)
        self.clock.advance(59)
        self.arrive(1)
        self.clock.advance(0)
        self.assertEqual(self.shelf.kept, [1])
        self.clock.advance(1)
        self.arrive(2)
        self.clock.advance(0)
        self.assertEqual(self.shelf.kept, [1])
        self.assertEqual(self.bus._subscriptions, {})
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_is_too_much_at_once_is_left_for_its_first_reader(self) -> None:
        self.follow()
        self.parser.hold = Deferred()
        for seq in range(1, 7):
            self.arrive(seq)
        self.clock.advance(0)
        self.assertEqual(self.shelf.fetched, [1, 2, 3], "the fourth waits for its mailbox's turn")
        self.assertEqual((self.count("started"), self.count("left_out")), (4, 2))
        self.parser.hold.callback(None)
        self.arrive(7)
        self.clock.advance(0)
        self.assertEqual(self.shelf.fetched, [1, 2, 3, 4, 7])

    def test_a_parse_that_fails_makes_room_for_another(self) -> None:
        self.follow()
        self.shelf.trouble = Unavailable("down")
        for seq in range(1, 11):
            self.arrive(seq)
            self.clock.advance(0)
        self.assertEqual(len(self.shelf.fetched), 10)

    def test_other_events_are_none_of_its_business(self) -> None:
        self.ahead.arrived(Event(EventKind.DELETED, MAILBOX_ID, arrival(1).message_id))
        self.ahead.arrived(Event(EventKind.EXPIRED, MAILBOX_ID))
        self.assertEqual(self.clock.getDelayedCalls(), [])
