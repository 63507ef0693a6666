"""Keys seen a moment ago: no trip to storage, and revoked within a second all the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.keyring import IDLE, INTERVAL, TRUSTED, Keyring
from tempmail.core.metrics import Metrics
from tempmail.model.account import Caller, Scope
from tempmail.model.errors import Unavailable
from tempmail.model.mailbox import UserOwner


class Store:
    """Keys in force, by digest; answers at once, or when told to."""

    def __init__(self) -> None:
        self.known: dict[bytes, Caller] = {}
        self.asked: list[list[bytes]] = []
        self.noted: list[int] = []
        self.held: Deferred[None] | None = None
        self.broken: Exception | None = None

    async def callers(self, digests: Sequence[bytes]) -> Mapping[bytes, Caller]:
        self.asked.append(list(digests))
        found = {digest: self.known[digest] for digest in digests if digest in self.known}
        if self.held is not None:
            await self.held
        if self.broken is not None:
            raise self.broken
        return found

    async def used(self, keys: Sequence[int]) -> None:
        self.noted += keys


class KeyringTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.store = Clock(), Store()
        self.metrics = Metrics()
        self.keyring = Keyring(self.store, self.metrics, self.clock, most=3)
        for n in range(1, 6):
            self.store.known[self.digest(n)] = Caller(UserOwner(n), Scope.FULL, n, 600)

    @staticmethod
    def digest(n: int) -> bytes:
        return bytes([n]) * 32

    def ask(self, n: int = 1) -> Deferred[Caller | None]:
        return Deferred.fromCoroutine(self.keyring.caller(self.digest(n)))

    def caller(self, n: int = 1) -> Caller | None:
        return self.successResultOf(self.ask(n))

    def checks(self, how: str) -> float:
        return float(self.metrics.key_checks.labels(how)._value.get())

    def test_a_key_seen_a_moment_ago_costs_no_trip_to_storage(self) -> None:
        for _ in range(1000):
            caller = self.caller()
            assert caller is not None
            assert caller.key_id == 1
        assert len(self.store.asked) == 1
        assert (self.checks("looked_up"), self.checks("remembered")) == (1, 999)

    def test_in_use_it_is_looked_up_twice_a_second_by_one_query_for_all(self) -> None:
        for n in (1, 2, 3):
            self.caller(n)
        del self.store.asked[:]
        for _ in range(8):
            self.clock.advance(INTERVAL)
            for n in (1, 2, 3):
                assert self.caller(n) is not None
        assert self.store.asked == [[self.digest(n) for n in (1, 2, 3)]] * 8

    def test_a_revoked_key_is_refused_within_a_second_wherever_it_is_in_use(self) -> None:
        assert self.caller() is not None
        self.clock.advance(0.3)
        self.store.known.clear()
        revoked = self.clock.seconds()
        while self.caller() is not None:
            self.clock.advance(0.01)
        assert self.clock.seconds() - revoked <= 1

    def test_even_where_the_looks_hang(self) -> None:
        assert self.caller() is not None
        held = self.store.held = Deferred()
        self.store.known.clear()
        revoked = self.clock.seconds()
        while self.successResultOf(self.caller_at_once()) is not None:
            self.clock.advance(0.01)
        assert self.clock.seconds() - revoked <= 1.011
        held.callback(None)

    def caller_at_once(self) -> Deferred[Caller | None]:
        """What the keyring says without storage; None where it would have to ask."""
        asked = self.ask()
        if not asked.called:
            asked.addErrback(lambda why: why.trap(CancelledError) and None)
            asked.cancel()
        return asked

    def test_an_answer_that_comes_late_counts_from_when_it_was_asked_for(self) -> None:
        for begin in (self.caller, self.ask):  # for the look at those in use, and the first one
            self.store.known[self.digest(1)] = Caller(UserOwner(1), Scope.FULL, 1)
            if begin == self.caller:
                begin()
            held = self.store.held = Deferred()
            if begin == self.ask:
                begin()
            self.clock.advance(INTERVAL)
            self.store.known.clear()
            self.clock.advance(2 * TRUSTED)
            self.store.held = None
            held.callback(None)
            assert self.caller() is None

    def test_while_storage_is_away_a_key_is_good_for_a_second_and_then_nobody_can_say(self) -> None:
        self.caller()
        self.store.broken = Unavailable("away")
        self.clock.pump([INTERVAL, INTERVAL - 0.01])
        assert self.caller() is not None
        self.clock.advance(0.02)
        self.failureResultOf(self.ask(), Unavailable)
        self.store.broken = None
        assert self.caller() is not None

    def test_a_key_made_narrower_or_a_plan_changed_counts_within_a_second(self) -> None:
        self.caller()
        self.store.known[self.digest(1)] = Caller(UserOwner(1), Scope.CODES, 1, 60)
        self.clock.pump([INTERVAL, INTERVAL])
        caller = self.caller()
        assert caller is not None
        assert (caller.scope, caller.requests_per_minute) == (Scope.CODES, 60)

    def test_unknown_keys_are_not_remembered(self) -> None:
        for _ in range(3):
            assert self.caller(9) is None
        self.store.known[self.digest(9)] = Caller(UserOwner(9), Scope.FULL, 9)
        assert self.caller(9) is not None
        assert self.checks("unknown") == 3

    def test_idle_it_asks_nothing_and_no_timer_runs(self) -> None:
        self.caller()
        self.clock.pump([INTERVAL] * (int(IDLE / INTERVAL) + 1))
        del self.store.asked[:]
        assert self.clock.getDelayedCalls() == []
        self.caller()
        assert len(self.store.asked) == 1

    def test_of_too_many_those_used_longest_ago_are_forgotten(self) -> None:
        for n in (1, 2, 3):
            self.caller(n)
        self.caller(1)
        self.caller(4)
        del self.store.asked[:]
        for n in (1, 3, 4):
            self.caller(n)
        assert self.store.asked == []
        self.caller(2)
        assert self.store.asked == [[self.digest(2)]]

    def test_who_asks_at_the_same_time_shares_one_answer_and_leaves_alone(self) -> None:
        held = self.store.held = Deferred()
        first, second, third = (self.ask() for _ in range(3))
        first.cancel()
        self.failureResultOf(first, CancelledError)
        held.callback(None)
        assert self.successResultOf(second) is not None
        assert self.successResultOf(third) is not None
        assert len(self.store.asked) == 1

    def test_who_comes_later_does_not_join_an_old_question(self) -> None:
        held = self.store.held = Deferred()
        first = self.ask()
        self.clock.advance(TRUSTED + 0.1)
        self.store.known.clear()
        self.store.held = None
        assert self.caller() is None
        held.callback(None)
        assert self.successResultOf(first) is not None  # asked before it was revoked

    def test_a_key_revoked_here_is_refused_at_once(self) -> None:
        self.caller()
        self.store.known.clear()
        self.keyring.forget(lambda caller: caller.key_id == 1)
        assert self.caller() is None

    def test_uses_are_noted_together_and_beside_the_requests(self) -> None:
        self.caller(1)
        self.caller(2)
        self.caller(1)
        assert self.store.noted == []
        self.clock.advance(INTERVAL)
        assert self.store.noted == [1, 2]

    def test_the_last_uses_are_noted_when_it_stops(self) -> None:
        self.caller()
        self.successResultOf(Deferred.fromCoroutine(self.keyring.stop()))
        assert self.store.noted == [1]
        assert self.clock.getDelayedCalls() == []

    def test_a_clock_set_back_prolongs_nothing(self) -> None:
        self.clock.advance(1000)
        self.caller()
        self.store.known.clear()
        self.clock.rightNow -= 500
        assert self.caller() is None

    def test_whoever_watches_a_key_hears_of_its_end_once_within_a_second(self) -> None:
        ended: list[str] = []
        for name in ("a", "b"):
            self.keyring.watch(self.digest(1), partial(ended.append, name))
        self.keyring.watch(self.digest(2), lambda: ended.append("another"))
        leave = self.keyring.watch(self.digest(1), lambda: ended.append("has left"))
        leave()
        leave()
        self.clock.pump([INTERVAL] * 100)
        assert ended == []
        del self.store.known[self.digest(1)]
        self.clock.pump([INTERVAL] * 2)
        assert ended == ["a", "b"]
        self.clock.pump([INTERVAL] * 2)
        assert ended == ["a", "b"]

    def test_a_watch_is_not_ended_by_storage_being_away(self) -> None:
        ended: list[str] = []
        self.keyring.watch(self.digest(1), lambda: ended.append("a"))
        self.store.broken = Unavailable("away")
        self.clock.pump([INTERVAL] * 5)
        assert ended == []
        self.store.broken = None
        self.store.known.clear()
        self.clock.pump([INTERVAL] * 2)
        assert ended == ["a"]

    def test_with_the_last_watch_the_timer_ends(self) -> None:
        leave = self.keyring.watch(self.digest(1), lambda: None)
        self.clock.pump([INTERVAL] * 30)
        leave()
        self.clock.advance(INTERVAL)
        assert self.clock.getDelayedCalls() == []
