"""How fast mail arrives, and how much of it today."""

from __future__ import annotations

from twisted.internet.task import Clock

from tempmail.core.arrivals import Arrivals
from tempmail.core.metrics import Metrics

_DAY = 24 * 60 * 60


def at(seconds: float) -> tuple[Arrivals, Clock, Metrics]:
    clock, metrics = Clock(), Metrics()
    clock.advance(seconds)
    return Arrivals(metrics, clock), clock, metrics


def arrive(arrivals: Arrivals, clock: Clock, seconds: float) -> None:
    complete = arrivals.now()
    clock.advance(seconds)
    arrivals.told(complete)


def test_the_median_is_of_the_mails_so_far_and_none_before_the_first() -> None:
    arrivals, clock, metrics = at(100)
    assert arrivals.median() is None
    for seconds in (0.5, 0.125, 8):
        arrive(arrivals, clock, seconds)
    assert arrivals.median() == 0.5
    count = metrics.registry.get_sample_value("tempmail_arrival_seconds_count")
    total = metrics.registry.get_sample_value("tempmail_arrival_seconds_sum")
    assert (count, total) == (3, 8.625)


def test_the_median_forgets_what_is_more_than_a_thousand_mails_ago() -> None:
    arrivals, clock, _ = at(0)
    for _ in range(1000):
        arrive(arrivals, clock, 4)
    for _ in range(1000):
        arrive(arrivals, clock, 1)
    assert arrivals.median() == 1


def test_mails_are_counted_from_the_start_and_then_from_midnight() -> None:
    arrivals, clock, _ = at(_DAY * 10 + 3600)
    arrive(arrivals, clock, 1)
    arrive(arrivals, clock, 1)
    assert arrivals.today() == (2, _DAY * 10 + 3600)
    clock.advance(_DAY)
    assert arrivals.today() == (0, _DAY * 11)
    arrive(arrivals, clock, 1)
    assert arrivals.today() == (1, _DAY * 11)
