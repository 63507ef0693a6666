"""Two daemons, and what they share, in one process."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.limits import Rate, TokenBuckets
from tempmail.core.metrics import Metrics
from tempmail.core.shared_limits import INTERVAL, SharedBuckets, SharedLimits
from tempmail.model.errors import Unavailable

RATE = Rate(per_second=1, burst=10)
CLIENT = "192.0.2.1"


class Exchange:
    """What Redis does, by a clock that has nothing to do with the daemons'.

    :ivar asked: the sizes of the exchanges.
    :ivar held: where set, no answer comes before it fires.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.full_at: dict[tuple[str, str], float] = {}
        self.asked: list[int] = []
        self.away = False
        self.held: Deferred[None] | None = None

    async def take(self, taken: Sequence[tuple[str, str, float, float]]) -> Sequence[float]:
        self.asked.append(len(taken))
        if self.away:
            raise Unavailable("away")
        now, answers = self.clock.seconds() + 1e9, []
        for kind, client, seconds, most in taken:
            full = max(self.full_at.get((kind, client), now), now) + seconds
            self.full_at[kind, client] = now if seconds < 0 else min(full, now + most)
            answers.append(self.full_at[kind, client] - now)
        await (self.held or succeed(None))
        return answers


class SharedLimitsTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.metrics = Clock(), Metrics()
        self.exchange = Exchange(self.clock)
        self.here, self.there = self.make("messages"), self.make("messages")

    def make(self, name: str) -> SharedBuckets:
        limits = SharedLimits(self.exchange, self.metrics, self.clock)
        self.addCleanup(limits.stop)
        return limits.buckets(name, RATE)

    def now(self) -> float:
        return self.clock.seconds() - 5  # callers count from where they like

    def take(self, buckets: TokenBuckets, count: float = 1) -> bool:
        if buckets.wait(CLIENT, count, self.now()):
            return False
        buckets.take(CLIENT, count, self.now())
        return True

    def failures(self) -> float | None:
        return self.metrics.registry.get_sample_value("tempmail_shared_limit_failures_total")

    def test_it_decides_at_once_by_what_it_knows(self) -> None:
        self.exchange.held = Deferred()
        assert [self.take(self.here) for _ in range(11)] == [True] * 10 + [False]
        assert self.exchange.asked == []

    def test_what_one_takes_the_other_lacks_once_it_has_asked(self) -> None:
        for _ in range(8):
            self.take(self.here)
        self.clock.advance(INTERVAL)
        assert self.take(self.there), "it has not heard of the client yet"
        self.clock.advance(INTERVAL)
        assert [self.take(self.there) for _ in range(3)] == [True, False, False]

    def test_together_they_take_no_more_than_one_plus_a_round(self) -> None:
        taken = 0
        for _ in range(1000):  # a hundred seconds
            taken += self.take(self.here) + self.take(self.there)
            self.clock.advance(INTERVAL)
        assert 108 <= taken <= 112

    def test_takings_are_added_up(self) -> None:
        for _ in range(9):
            self.take(self.here)
        self.clock.advance(INTERVAL)
        assert self.exchange.asked == [1]
        (full,) = self.exchange.full_at.values()
        self.assertAlmostEqual(full - 1e9 - self.clock.seconds(), 9)

    def test_what_is_given_back_in_time_the_others_never_hear_of(self) -> None:
        self.take(self.here, 8)
        self.here.give(CLIENT, 5, self.now())
        self.clock.advance(INTERVAL)
        self.take(self.there)
        self.clock.advance(INTERVAL)
        assert not self.take(self.there, 7)
        assert self.take(self.there, 6)

    def test_what_is_given_back_late_makes_no_bucket_full(self) -> None:
        self.take(self.here, 8)
        self.clock.advance(INTERVAL)
        self.here.give(CLIENT, 5, self.now())
        self.take(self.here, 0)
        self.clock.advance(INTERVAL)
        self.take(self.there)
        self.clock.advance(INTERVAL)
        assert not self.take(self.there, 3)

    def test_kinds_are_kept_apart(self) -> None:
        octets = self.make("octets")
        self.take(self.here, 10)
        self.clock.advance(INTERVAL)
        self.take(octets)
        self.clock.advance(INTERVAL)
        assert self.take(octets, 8)

    def test_what_is_taken_while_an_answer_is_awaited_is_not_lost(self) -> None:
        self.exchange.held = held = Deferred[None]()
        self.take(self.here, 2)
        self.clock.advance(INTERVAL)
        self.take(self.here, 3)
        self.clock.advance(INTERVAL)
        assert self.exchange.asked == [1], "one at a time"
        self.exchange.held = None
        held.callback(None)
        self.clock.advance(INTERVAL)
        assert self.exchange.asked == [1, 1]
        self.take(self.there, 1)
        self.clock.advance(INTERVAL)
        assert not self.take(self.there, 5)
        assert self.take(self.there, 4)

    def test_a_bucket_made_full_here_is_full_for_all(self) -> None:
        self.take(self.here, 10)
        self.clock.advance(INTERVAL)
        self.here.forget(CLIENT)
        self.clock.advance(INTERVAL)
        assert self.take(self.here, 10)
        assert self.take(self.there, 10)

    def test_with_nobody_to_share_with_each_is_on_its_own(self) -> None:
        self.exchange.away = True
        assert [self.take(self.here) for _ in range(11)] == [True] * 10 + [False]
        self.clock.advance(INTERVAL)
        assert self.take(self.there, 10)
        assert self.failures() == 1
        self.exchange.away = False
        self.clock.advance(INTERVAL + 1)
        assert self.take(self.here)
        self.clock.advance(INTERVAL)
        assert self.exchange.full_at, "it is tried again"

    def test_a_debt_that_others_made_is_never_deeper_than_one_burst(self) -> None:
        self.here.take(CLIENT, 1, self.now())
        self.here.learn(CLIENT, 1e12)
        assert self.here.wait(CLIENT, 1, self.now()) <= RATE.burst + 1

    def test_clients_beyond_the_bound_are_limited_here_alone(self) -> None:
        for number in range(20_050):
            self.here.take(f"2001:db8:{number:x}::/64", 1, self.now())
        assert self.failures() == 50
        for _ in range(100):
            self.clock.advance(INTERVAL)
        assert sum(self.exchange.asked) == 20_000
        assert max(self.exchange.asked) == 500

    def test_what_has_stopped_asks_no_more(self) -> None:
        limits = SharedLimits(self.exchange, self.metrics, self.clock)
        buckets = limits.buckets("messages", RATE)
        buckets.take(CLIENT, 1, self.now())
        limits.stop()
        buckets.take(CLIENT, 1, self.now())
        assert not self.clock.getDelayedCalls()
