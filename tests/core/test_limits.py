"""How much a token bucket lets through, and how much it remembers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from tempmail.core.limits import Rate, TokenBuckets

# Binary fractions: floats hold them exactly, so nothing needs a tolerance.
RATES = st.sampled_from([0.25, 1.0, 2.0, 8.0])
STEPS = st.lists(
    st.tuples(st.integers(0, 80).map(lambda eighths: eighths / 8), st.integers(1, 12)),
    max_size=60,
)


def taken(buckets: TokenBuckets, steps: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """Those of the wishes (seconds since the last, count) that came true: (when, count)."""
    now = 0.0
    admitted = []
    for pause, count in steps:
        now += pause
        if not buckets.wait("ann", count, now):
            buckets.take("ann", count, now)
            admitted.append((now, count))
    return admitted


class BucketTests(TestCase):
    @given(RATES, st.integers(1, 10), STEPS)
    def test_no_window_admits_more_than_the_burst_and_what_was_gained_in_it(
        self, rate: float, burst: int, steps: list[tuple[float, int]]
    ) -> None:
        admitted = taken(TokenBuckets(Rate(rate, burst)), steps)
        for first, (start, _) in enumerate(admitted):
            total = 0
            for end, count in admitted[first:]:
                total += count
                self.assertLessEqual(total, burst + rate * (end - start))

    @given(RATES, st.integers(1, 10), STEPS)
    def test_it_admits_whatever_a_bucket_of_tokens_would(
        self, rate: float, burst: int, steps: list[tuple[float, int]]
    ) -> None:
        expected = []
        now, tokens = 0.0, float(burst)
        for pause, count in steps:
            now += pause
            tokens = min(burst, tokens + pause * rate)
            if count <= tokens:
                tokens -= count
                expected.append((now, count))
        self.assertEqual(taken(TokenBuckets(Rate(rate, burst)), steps), expected)

    @given(RATES, st.integers(1, 10), STEPS, st.integers(1, 10))
    def test_whoever_waits_as_told_is_admitted_then_and_not_before(
        self, rate: float, burst: int, steps: list[tuple[float, int]], count: int
    ) -> None:
        buckets = TokenBuckets(Rate(rate, burst))
        taken(buckets, steps)
        now = sum(pause for pause, _ in steps)
        count = min(count, burst)
        wait = buckets.wait("ann", count, now)
        self.assertEqual(buckets.wait("ann", count, now + wait), 0)
        if wait:
            self.assertGreater(buckets.wait("ann", count, now + wait - 0.125), 0)

    def test_more_than_a_burst_is_never_to_be_had(self) -> None:
        self.assertGreater(TokenBuckets(Rate(1, 5)).wait("ann", 6, 1e9), 0)

    def test_clients_do_not_share(self) -> None:
        buckets = TokenBuckets(Rate(1, 1))
        buckets.take("ann", 1, 0)
        self.assertEqual(buckets.wait("ann", 1, 0), 1)
        self.assertEqual(buckets.wait("bob", 1, 0), 0)

    def test_a_debt_is_paid_off_before_anything_more_is_taken(self) -> None:
        buckets = TokenBuckets(Rate(2, 10))
        buckets.take("ann", 16, 0)
        self.assertEqual(buckets.wait("ann", 1, 0), 3.5)

    def test_what_is_given_back_can_be_taken_again_and_no_more(self) -> None:
        buckets = TokenBuckets(Rate(2, 10))
        buckets.take("ann", 10, 0)
        buckets.give("ann", 4, 0)
        self.assertEqual(buckets.wait("ann", 4, 0), 0)
        self.assertEqual(buckets.wait("ann", 5, 0), 0.5)
        buckets.give("ann", 100, 0)
        self.assertEqual(buckets.wait("ann", 10, 0), 0)
        self.assertGreater(buckets.wait("ann", 11, 0), 0)
        self.assertEqual(len(buckets), 0)

    def test_neither_a_debt_nor_a_clock_set_back_shuts_anybody_out_for_long(self) -> None:
        buckets = TokenBuckets(Rate(2, 10))
        buckets.take("ann", 10**9, 10**6)
        self.assertEqual(buckets.wait("ann", 10, 10**6), 10)
        buckets.take("ann", 1, 0)
        self.assertEqual(buckets.wait("ann", 10, 0), 10)


class MemoryTests(TestCase):
    def test_full_buckets_are_forgotten_as_others_are_used(self) -> None:
        buckets = TokenBuckets(Rate(1, 1))
        for number in range(100):
            buckets.take(f"early {number}", 1, 0)
        for number in range(100):
            buckets.take("late", 0.001, 10 + number)
        self.assertEqual(len(buckets), 1)

    def test_a_flood_of_addresses_is_bounded_and_empties_nobody_s_bucket(self) -> None:
        buckets = TokenBuckets(Rate(0.001, 2), most_clients=1000)
        buckets.take("honest", 1, 0)
        for number in range(20_000):
            buckets.take(f"2001:db8:0:{number:x}::/64", 2, 0)
        self.assertEqual(len(buckets), 1000)
        self.assertEqual(buckets.wait("honest", 1, 0), 0)
        self.assertEqual(buckets.wait("new", 2, 0), 0)

    def test_a_client_that_keeps_taking_is_not_forgotten_in_a_flood(self) -> None:
        buckets = TokenBuckets(Rate(0.001, 10_000), most_clients=1000)
        for number in range(5000):
            buckets.take("busy", 2, 0)
            buckets.take(f"2001:db8:0:{number:x}::/64", 1, 0)
        self.assertGreater(buckets.wait("busy", 1, 0), 0)
