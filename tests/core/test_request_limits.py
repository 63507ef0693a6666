"""How often HTTP clients may ask, on a clock of the test's own."""

from __future__ import annotations

import contextlib
import heapq
import math

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.blocks import Blocks
from tempmail.core.metrics import Metrics
from tempmail.core.plan_rates import AT_FIRST, SECONDS, AnonymousRate
from tempmail.core.request_limits import RateReached, RequestLimits
from tempmail.model.account import Caller
from tempmail.model.errors import Unavailable
from tempmail.model.mailbox import UserOwner

CLIENT, OTHER = "192.0.2.1", "192.0.2.2"


class Plans:
    """The row, and how often it was read."""

    def __init__(self) -> None:
        self.rate = 120
        self.reads = 0
        self.trouble: Exception | None = None
        self.wait: Deferred[None] | None = None

    async def anonymous_requests_per_minute(self) -> int:
        self.reads += 1
        if self.wait is not None:
            await self.wait
        if self.trouble is not None:
            raise self.trouble
        return self.rate


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_900_000_000)
        self.plans = Plans()
        self.metrics = Metrics()
        self.blocks = Blocks(self.metrics, self.clock)
        self.rate = AnonymousRate(self.plans, self.clock)
        self.limits = RequestLimits(self.rate, self.blocks, self.metrics, self.clock)

    def asks(self, host: str = CLIENT) -> int:
        """Seconds to wait; 0 where the request is taken."""
        try:
            self.limits.anonymous(host)
        except RateReached as why:
            return why.retry_after
        return 0

    def taken(self, count: int, host: str = CLIENT) -> int:
        return sum(self.asks(host) == 0 for _ in range(count))

    def denied(self, limit: str) -> float:
        value = self.metrics.registry.get_sample_value(
            "tempmail_limit_denials_total", {"limit": limit}
        )
        return value or 0.0


class Rates(Case):
    def test_a_minutes_worth_at_once_and_then_as_it_comes(self) -> None:
        self.assertEqual(self.taken(130), 120)
        self.assertEqual(self.denied("requests"), 10)
        self.clock.advance(5)
        self.assertEqual(self.taken(20), 10)
        self.clock.advance(3600)
        self.assertEqual(self.taken(130), 120)

    def test_the_standing_counts_down_to_nothing(self) -> None:
        for left in range(119, -1, -1):
            standing = self.limits.anonymous(CLIENT)
            assert standing is not None
            self.assertEqual((standing.limit, standing.remaining), (120, left))
            self.assertEqual(standing.reset, math.ceil((120 - left) / 2))
        with self.assertRaises(RateReached) as caught:
            self.limits.anonymous(CLIENT)
        assert caught.exception.standing is not None
        self.assertEqual(caught.exception.standing.remaining, 0)
        self.assertEqual(caught.exception.code, "rate_limited")

    def test_networks_do_not_take_from_each_other(self) -> None:
        self.taken(130)
        self.assertEqual(self.asks(OTHER), 0)
        self.assertEqual(self.taken(130, "2001:db8::1"), 120)
        self.assertEqual(self.taken(1, "2001:db8::2"), 0)
        self.assertEqual(self.taken(1, "2001:db8:0:1::1"), 1)

    def test_documents_have_a_wider_bucket_of_their_own(self) -> None:
        self.taken(130)
        for _ in range(1200):
            self.limits.document(CLIENT)
        self.assertRaises(RateReached, self.limits.document, CLIENT)

    def test_users_have_what_their_plan_says_wherever_they_are(self) -> None:
        ann = Caller(UserOwner(1), requests_per_minute=600)
        for number in range(600):
            self.limits.user(f"192.0.2.{number % 250}", ann)
        self.assertRaises(RateReached, self.limits.user, OTHER, ann)
        self.limits.user(OTHER, Caller(UserOwner(2), requests_per_minute=600))
        self.assertEqual(self.asks(OTHER), 0)

    def test_a_plan_without_a_limit_has_none(self) -> None:
        pro = Caller(UserOwner(1), requests_per_minute=-1)
        self.assertEqual([self.limits.user(CLIENT, pro) for _ in range(10_000)], [None] * 10_000)

    def test_a_plan_that_allows_nothing_allows_nothing(self) -> None:
        none = Caller(UserOwner(1), requests_per_minute=0)
        self.assertRaises(RateReached, self.limits.user, CLIENT, none)

    def test_a_changed_row_counts_soon_and_storage_is_not_asked_for_each(self) -> None:
        self.taken(50)
        self.assertEqual(self.plans.reads, 1)
        self.plans.rate = 60
        self.clock.advance(SECONDS)
        self.asks()
        standing = self.limits.anonymous(CLIENT)
        assert standing is not None
        self.assertEqual(standing.limit, 60)
        self.plans.rate = -1
        self.clock.advance(SECONDS)
        self.asks()
        self.assertIs(self.limits.anonymous(CLIENT), None)

    def test_with_storage_away_or_slow_the_rate_stays(self) -> None:
        self.plans.trouble = Unavailable("away")
        self.assertEqual(self.taken(130), AT_FIRST)
        self.plans.wait = Deferred()
        self.clock.advance(60)
        self.assertEqual(self.taken(130), AT_FIRST)
        self.plans.trouble = ZeroDivisionError()
        self.plans.wait.callback(None)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class BlocksOfClients(Case):
    def test_a_client_that_hammers_is_shut_out_within_seconds(self) -> None:
        for _ in range(10_000):
            self.asks()
            self.clock.advance(0.001)
        self.assertGreater(self.limits.blocked(CLIENT), 50)
        self.assertEqual(self.limits.blocked(OTHER), 0)

    def test_one_that_does_not_wait_is_shut_out_in_the_end(self) -> None:
        for _ in range(3600 * 20):
            self.asks()
            self.clock.advance(0.05)
            if self.limits.blocked(CLIENT):
                return
        self.fail("it goes on")

    def test_whoever_tries_credentials_by_the_hundred_is(self) -> None:
        for _ in range(700):
            self.limits.misdeed(CLIENT, "guessing")
        self.assertEqual(self.limits.blocked(CLIENT), 60)
        self.clock.advance(60)
        self.assertEqual(self.limits.blocked(CLIENT), 0)

    def test_one_wrong_credential_a_second_for_a_day_is_merely_wrong(self) -> None:
        for _ in range(86400):
            self.limits.misdeed(CLIENT, "guessing")
            self.clock.advance(1)
        self.assertEqual(self.limits.blocked(CLIENT), 0)

    def test_unknown_keys_are_looked_up_at_a_bounded_rate(self) -> None:
        for _ in range(120):
            self.limits.key_shown(CLIENT)
        self.assertRaises(RateReached, self.limits.key_shown, CLIENT)
        self.limits.key_shown(OTHER)

    def test_known_keys_are_looked_up_without_a_bound(self) -> None:
        for _ in range(1000):
            self.limits.key_shown(CLIENT)
            self.limits.key_known(CLIENT)

    def test_a_network_that_owes_requests_shows_no_keys_until_it_has_waited(self) -> None:
        self.taken(120)
        self.limits.key_shown(CLIENT)
        self.limits.uncounted(CLIENT)
        with self.assertRaises(RateReached) as caught:
            self.limits.key_shown(CLIENT)
        self.assertEqual(caught.exception.retry_after, 1)
        self.clock.advance(1)
        self.limits.key_shown(CLIENT)

    def test_where_only_users_may_ask_a_network_owes_all_the_same(self) -> None:
        self.plans.rate = 0
        self.asks()
        with self.assertRaises(RateReached):
            for _ in range(500):
                self.limits.key_shown(CLIENT)
                self.limits.key_known(CLIENT)
                self.limits.uncounted(CLIENT)

    def test_for_what_it_is_not_blamed_a_network_is_not_shut_out(self) -> None:
        for _ in range(10_000):
            with contextlib.suppress(RateReached):
                self.limits.anonymous(CLIENT, blame=False)
        self.assertEqual(self.limits.blocked(CLIENT), 0)

    def test_four_hundred_clients_behind_one_address_that_wait_when_told_are_never(self) -> None:
        """Each asks again at once after an answer, and after a refusal when it was told to."""
        start = self.clock.seconds()
        queue = [(start, number) for number in range(400)]
        answered = [0] * len(queue)
        while queue[0][0] < start + 2 * 3600:
            moment, number = heapq.heappop(queue)
            self.clock.advance(max(0.0, moment - self.clock.seconds()))
            self.assertEqual(self.limits.blocked(CLIENT), 0)
            wait = self.asks()
            answered[number] += not wait
            heapq.heappush(queue, (self.clock.seconds() + (wait or 0.01), number))
        # Nobody starves, and what the network is given is used.
        self.assertGreater(min(answered), 0)
        self.assertGreater(sum(answered), 0.9 * 2 * 7200)


class Notifications(Case):
    def calls(self, count: int, size: int = 1000) -> int:
        return sum(not self.limits.notification(CLIENT, size) for _ in range(count))

    def test_a_burst_of_a_real_topic_passes(self) -> None:
        self.assertEqual(self.calls(6000), 5000)
        self.clock.advance(60)
        self.assertIn(self.calls(6000), (2999, 3000))  # rounding in the sums of many costs
        self.assertEqual(self.taken(1), 1)

    def test_a_long_call_counts_by_its_length(self) -> None:
        self.assertEqual(self.calls(1000, 2**20), 5000 // 17)
        self.assertEqual(self.limits.notification(OTHER, 2**20), 0)
        denied = self.metrics.registry.get_sample_value(
            "tempmail_limit_denials_total", {"limit": "notifications"}
        )
        self.assertEqual(denied, 1000 - 5000 // 17)
