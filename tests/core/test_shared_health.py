"""One ping for all who ask."""

from __future__ import annotations

from datetime import UTC, datetime

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.shared_health import SECONDS, SharedHealth
from tempmail.model.errors import Unavailable

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Database:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.pings: list[Deferred[datetime]] = []

    async def ping(self) -> datetime:
        self.pings.append(Deferred())
        return await self.pings[-1]


class SharedHealthTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.database = Clock(), Database()
        self.health = SharedHealth(self.database, self.clock)

    def ask(self) -> Deferred[datetime]:
        return Deferred.fromCoroutine(self.health.ping())

    def test_however_many_ask_it_is_one_ping(self) -> None:
        asked = [self.ask() for _ in range(800)]
        self.clock.advance(9)
        asked.append(self.ask())
        self.assertEqual(len(self.database.pings), 1)
        self.database.pings[0].callback(NOW)
        self.assertEqual({self.successResultOf(one) for one in asked}, {NOW})

    def test_its_answer_counts_for_a_second(self) -> None:
        self.ask()
        self.database.pings[0].callback(NOW)
        self.clock.advance(SECONDS - 0.1)
        self.assertEqual(self.successResultOf(self.ask()), NOW)
        self.clock.advance(0.1)
        self.assertNoResult(self.ask())
        self.assertEqual(len(self.database.pings), 2)

    def test_so_does_its_failure(self) -> None:
        asked = [self.ask(), self.ask()]
        self.database.pings[0].errback(Unavailable("away"))
        asked.append(self.ask())
        for one in asked:
            self.failureResultOf(one, Unavailable)
        self.clock.advance(SECONDS)
        again = self.ask()
        self.database.pings[1].callback(NOW)
        self.assertEqual(self.successResultOf(again), NOW)

    def test_who_leaves_takes_nobodys_answer_along(self) -> None:
        leaving, staying = self.ask(), self.ask()
        leaving.cancel()
        self.failureResultOf(leaving, CancelledError)
        self.database.pings[0].callback(NOW)
        self.assertEqual(self.successResultOf(staying), NOW)
