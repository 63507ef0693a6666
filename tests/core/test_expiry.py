"""The sweep: in steps, within its budget, and back again whatever happened."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.expiry import INTERVAL, Sweeper
from tempmail.core.metrics import Metrics
from tempmail.model.errors import Unavailable
from tempmail.model.event import Event, EventKind
from tests.http.doubles import MemoryBus


class Work:
    """Housekeeping with so much of each kind to do.

    :ivar done: the steps, in order.
    :ivar seconds: what each step takes.
    :ivar broken: what the next steps raise.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.seconds = 0.0
        self.done: list[str] = []
        self.broken: Exception | None = None
        self.held: Deferred[None] | None = None
        self.left = {"expire": 0, "free": 0, "release": 0, "drop": 0}

    async def prepare_partitions(self) -> None:
        await self._step("prepare", 0)

    async def expire_mailboxes(self, limit: int) -> Sequence[int]:
        count = await self._step("expire", limit)
        return range(count)

    async def free_messages(self, limit: int) -> int:
        return await self._step("free", limit)

    async def release_mailboxes(self, limit: int) -> int:
        return await self._step("release", limit)

    async def drop_partitions(self) -> int:
        return await self._step("drop", 9)

    async def forget_deletions(self, limit: int) -> int:
        return await self._step("deletions", limit)

    async def forget_deliveries(self, limit: int) -> int:
        return await self._step("forget", limit)

    async def forget_credentials(self, limit: int) -> int:
        return await self._step("credentials", limit)

    async def _step(self, kind: str, limit: int) -> int:
        self.done.append(kind)
        await (self.held or succeed(None))
        self.clock.advance(self.seconds)
        if self.broken is not None:
            raise self.broken
        count = min(limit, self.left.get(kind, 0))
        if count:
            self.left[kind] -= count
        return count


class SweeperTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.bus, self.metrics = Clock(), MemoryBus(), Metrics()
        self.work = Work(self.clock)
        self.sweeper = Sweeper(self.work, self.bus, self.metrics, self.clock)

    def failures(self) -> float:
        return float(self.metrics.sweep_failures._value.get())

    def test_it_sweeps_at_once_and_then_every_minute(self) -> None:
        self.sweeper.start()
        assert self.work.done == [
            *("expire", "drop", "free", "release", "deletions", "forget", "credentials", "prepare")
        ]
        self.clock.advance(INTERVAL - 1)
        assert len(self.work.done) == 8
        self.clock.advance(1)
        assert len(self.work.done) == 16
        self.successResultOf(self.sweeper.stop())

    def test_those_who_watch_an_expired_mailbox_are_told(self) -> None:
        self.work.left["expire"] = 3
        self.sweeper.start()
        assert self.bus.published == [Event(EventKind.EXPIRED, n) for n in range(3)]
        self.successResultOf(self.sweeper.stop())

    def test_each_kind_of_work_goes_on_until_nothing_is_left(self) -> None:
        self.work.left.update(expire=2500, free=3999, release=1000)
        self.sweeper.start()
        assert set(self.work.left.values()) == {0}
        assert len(self.bus.published) == 2500
        assert self.metrics.swept.labels("messages")._value.get() == 3999
        self.successResultOf(self.sweeper.stop())

    def test_beyond_its_budget_the_rest_waits_for_the_next_sweep(self) -> None:
        self.work.left["free"] = 10_000
        self.work.seconds = 15
        self.sweeper.start()
        assert self.work.done == ["expire", "drop", "free"]
        self.clock.advance(INTERVAL)
        assert self.work.done[3:] == ["expire", "drop", "free"]
        self.successResultOf(self.sweeper.stop())

    def test_no_exception_ends_it(self) -> None:
        for turn, error in enumerate((Unavailable("away"), ZeroDivisionError(), KeyError("x"))):
            self.work.broken = error
            if turn:
                self.clock.advance(INTERVAL)
            else:
                self.sweeper.start()
            assert self.failures() == turn + 1
        assert len(self.flushLoggedErrors(ZeroDivisionError, KeyError)) == 2
        self.work.broken, self.work.done = None, []
        self.clock.advance(INTERVAL)
        assert self.work.done[-1] == "prepare"
        self.successResultOf(self.sweeper.stop())

    def test_one_that_takes_longer_than_a_minute_is_not_begun_twice(self) -> None:
        held: Deferred[None] = Deferred()
        self.work.held = held
        self.sweeper.start()
        self.clock.advance(3 * INTERVAL)
        assert self.work.done == ["expire"]
        self.work.held = None
        held.callback(None)
        assert self.work.done == ["expire"], "its budget was used up"
        self.clock.advance(INTERVAL)
        assert self.work.done == [
            "expire",
            "expire",
            "drop",
            "free",
            "release",
            "deletions",
            "forget",
            "credentials",
            "prepare",
        ]
        self.successResultOf(self.sweeper.stop())

    def test_stopping_waits_for_the_step_under_way_and_begins_no_other(self) -> None:
        held: Deferred[None] = Deferred()
        self.work.held = held
        self.work.left["free"] = 5000
        self.sweeper.start()
        stopped = self.sweeper.stop()
        self.assertNoResult(stopped)
        self.work.held = None
        held.callback(None)
        self.successResultOf(stopped)
        assert self.work.done == ["expire"]
        self.clock.advance(5 * INTERVAL)
        assert self.work.done == ["expire"]
        assert not self.clock.getDelayedCalls()

    def test_stopping_before_it_started_is_done_at_once(self) -> None:
        self.successResultOf(self.sweeper.stop())
