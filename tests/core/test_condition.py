"""How the service is: each part's state, and the worst of them."""

from __future__ import annotations

from datetime import UTC, datetime

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.arrivals import Arrivals
from tempmail.core.condition import Condition, Conditions, Part, State
from tempmail.core.metrics import Metrics
from tempmail.core.shared_health import BUSY
from tempmail.model.errors import Unavailable
from tests.http.doubles import MemoryBus


class Pinged:
    """A database that answers when the test wants."""

    def __init__(self) -> None:
        self.asked: list[Deferred[datetime]] = []

    async def ping(self) -> datetime:
        self.asked.append(Deferred())
        return await self.asked[-1]


class Bus(MemoryBus):
    word = "ok"

    def status(self) -> str:
        return self.word


class ConditionsTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.health, self.bus, self.clock = Pinged(), Bus(), Clock()
        self.listening = (2, 2)
        self.conditions = Conditions(
            self.health,
            self.bus,
            Arrivals(Metrics(), self.clock),
            lambda: self.listening,
            self.clock,
        )

    def ask(self) -> Deferred[Condition]:
        return Deferred.fromCoroutine(self.conditions.now())

    def found(self, *, storage: bool = True) -> Condition:
        asked = self.ask()
        answer = self.health.asked.pop()
        if storage:
            answer.callback(datetime.now(UTC))
        else:
            answer.errback(Unavailable("away"))
        return self.successResultOf(asked)

    def test_all_is_well_where_every_part_is(self) -> None:
        found = self.found()
        assert found.state is State.OK
        assert set(found.parts.values()) == {State.OK}

    def test_without_storage_inboxes_are_broken_and_mail_is_put_off(self) -> None:
        found = self.found(storage=False)
        assert found.state is State.OUTAGE
        assert (found.parts[Part.STORAGE], found.parts[Part.WEB]) == (State.OUTAGE,) * 2
        assert found.parts[Part.MAIL] is State.DEGRADED

    def test_a_database_that_is_busy_slows_inboxes_down_and_not_mail(self) -> None:
        asked = self.ask()
        self.health.asked.pop().errback(Unavailable("busy", code=BUSY))
        found = self.successResultOf(asked)
        assert found.state is State.DEGRADED
        assert (found.parts[Part.STORAGE], found.parts[Part.WEB]) == (State.DEGRADED,) * 2
        assert found.parts[Part.MAIL] is State.OK

    def test_some_closed_ports_are_a_loss_and_all_of_them_an_outage(self) -> None:
        self.listening = (1, 2)
        assert self.found().parts[Part.MAIL] is State.DEGRADED
        self.listening = (0, 2)
        found = self.found()
        assert (found.parts[Part.MAIL], found.state) == (State.OUTAGE, State.OUTAGE)

    def test_a_lost_bus_is_a_loss_and_one_that_polls_is_none(self) -> None:
        self.bus.word = "unavailable"
        assert self.found().parts[Part.LIVE] is State.DEGRADED
        self.bus.word = "polling"
        assert self.found().state is State.OK
