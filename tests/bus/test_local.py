from __future__ import annotations

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from tempmail.bus.local import LocalBus
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Subscription
from tempmail.model.event import Event, EventKind

ONE = Event(EventKind.EXPIRED, 1)
TWO = Event(EventKind.EXPIRED, 2)


class LocalBusTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.metrics = Metrics()
        self.bus = LocalBus(self.metrics)
        self.heard: list[tuple[str, Event]] = []

    def hearer(self, name: str) -> Callable[[Event], None]:
        return lambda event: self.heard.append((name, event))

    def test_everybody_who_watches_a_mailbox_hears_of_it_in_turn(self) -> None:
        for name in "abc":
            self.bus.subscribe(1, self.hearer(name))
        self.bus.publish(ONE)
        self.assertEqual(self.heard, [("a", ONE), ("b", ONE), ("c", ONE)])

    def test_nobody_hears_of_a_mailbox_that_they_do_not_watch(self) -> None:
        self.bus.subscribe(1, self.hearer("a"))
        self.bus.publish(TWO)
        self.assertEqual(self.heard, [])

    def test_one_receiver_may_subscribe_twice_and_cancel_once(self) -> None:
        receive = self.hearer("a")
        self.bus.subscribe(1, receive)
        self.bus.subscribe(1, receive).cancel()
        self.bus.publish(ONE)
        self.assertEqual(self.heard, [("a", ONE)])

    def test_who_has_cancelled_hears_nothing_and_may_cancel_again(self) -> None:
        subscription = self.bus.subscribe(1, self.hearer("a"))
        kept = self.bus.subscribe(1, self.hearer("b"))
        subscription.cancel()
        subscription.cancel()
        self.bus.publish(ONE)
        self.assertEqual(self.heard, [("b", ONE)])
        kept.cancel()
        kept.cancel()

    def test_a_subscriber_that_raises_harms_nobody_else(self) -> None:
        def fail(event: Event) -> None:
            raise RuntimeError("broken")

        self.bus.subscribe(1, fail)
        self.bus.subscribe(1, self.hearer("b"))
        self.bus.publish(ONE)
        self.assertEqual(self.heard, [("b", ONE)])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        failures = "tempmail_bus_subscriber_failures_total"
        self.assertEqual(self.metrics.registry.get_sample_value(failures), 1)

    def test_who_is_cancelled_by_an_earlier_subscriber_does_not_hear_even_this_event(self) -> None:
        later: list[Subscription] = []
        self.bus.subscribe(1, lambda _: later[0].cancel())
        later.append(self.bus.subscribe(1, self.hearer("later")))
        self.bus.publish(ONE)
        self.assertEqual(self.heard, [])

    def test_who_subscribes_while_an_event_is_told_hears_from_the_next_on(self) -> None:
        def invite(_: Event) -> None:
            if not self.heard:
                self.bus.subscribe(1, self.hearer("new"))

        self.bus.subscribe(1, invite)
        self.bus.publish(ONE)
        self.assertEqual(self.heard, [])
        self.bus.publish(ONE)
        self.assertEqual(self.heard, [("new", ONE)])

    def test_a_mailbox_that_nobody_watches_any_more_takes_no_memory(self) -> None:
        self.bus.subscribe(1, self.hearer("a")).cancel()
        self.assertEqual(self.bus._subscriptions, {})

    def test_it_is_always_well(self) -> None:
        self.assertEqual(self.bus.status(), "ok")
