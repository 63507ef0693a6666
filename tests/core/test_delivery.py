"""One door: what was committed is announced before its sender hears of it, nothing else is."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.delivery import Delivery
from tempmail.core.delivery_log import DeliveryLog
from tempmail.core.metrics import Metrics
from tempmail.model.address import Recipient
from tempmail.model.delivery import Refused
from tempmail.model.errors import Undecided
from tempmail.model.event import Event, EventKind
from tempmail.model.message import Envelope, Placement, Verdict
from tests.http.doubles import MemoryBus


def envelope(*names: str) -> Envelope:
    recipients = (Recipient(f"{name}@example.test", "", f"{name}@example.test") for name in names)
    return Envelope(
        "ann@sender.test", tuple(recipients), "client.test", "127.0.0.1", None, (b"hello",), 5
    )


class Notes:
    """A delivery log that remembers."""

    def __init__(self) -> None:
        self.noted: list[tuple[tuple[str, ...], str]] = []

    def note(self, refused: Refused) -> None:
        self.noted.append((refused.addresses, refused.verdict))


class Waiting:
    """An ingest that answers when the test wants."""

    def __init__(self) -> None:
        self.answer: Deferred[list[Placement]] = Deferred()
        self.asked: list[Envelope] = []

    def store(self, envelope: Envelope) -> Deferred[list[Placement]]:
        self.asked.append(envelope)
        return self.answer


class DeliveryTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.ingest, self.bus, self.metrics = Waiting(), MemoryBus(), Metrics()
        self.notes = Notes()
        self.delivery = Delivery(self.ingest, self.bus, cast(DeliveryLog, self.notes), self.metrics)

    def count(self, verdict: Verdict) -> float:
        return float(self.metrics.placements.labels(verdict.value)._value.get())

    def test_an_event_for_each_stored_copy_comes_before_the_answer(self) -> None:
        order: list[object] = []
        self.bus.published = cast(list[Event], order)
        self.delivery.deliver(envelope("a", "b", "c")).addCallback(
            lambda _: order.append("answered")
        )
        assert order == []
        first, second = UUID(int=1), UUID(int=2)
        self.ingest.answer.callback(
            [
                Placement(Verdict.STORED, 7, first, 3),
                Placement(Verdict.UNKNOWN),
                Placement(Verdict.STORED, 8, second, 1),
            ]
        )
        assert order == [
            Event(EventKind.NEW_MESSAGE, 7, first, 3),
            Event(EventKind.NEW_MESSAGE, 8, second, 1),
            "answered",
        ]

    def test_what_was_not_stored_is_counted_and_announced_to_nobody(self) -> None:
        delivered = self.delivery.deliver(envelope("a", "b", "c", "d"))
        placements = [
            Placement(Verdict.UNKNOWN),
            Placement(Verdict.FULL, 7),
            Placement(Verdict.TOO_LARGE, 7),
            Placement(Verdict.FULL, 8),
        ]
        self.ingest.answer.callback(placements)
        assert self.successResultOf(delivered) == placements
        assert self.bus.published == []
        assert [self.count(verdict) for verdict in Verdict] == [0, 1, 2, 1, 0]
        assert self.notes.noted == [
            (("b@example.test",), "full"),
            (("c@example.test",), "too_large"),
            (("d@example.test",), "full"),
        ]

    def test_a_failure_passes_as_it_is(self) -> None:
        delivered = self.delivery.deliver(envelope("a", "b"))
        self.ingest.answer.errback(Undecided("lost"))
        self.failureResultOf(delivered, Undecided)
        assert self.bus.published == []
        assert self.notes.noted == [(("a@example.test", "b@example.test"), "deferred")]
