"""Once a minute: end what is past its time and free its space.

Nothing depends on this for privacy: whatever has expired is unreadable by the clock of the
database alone.  The sweeper only frees space, and tells those who still watch.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from tempmail.core.metrics import Metrics
from tempmail.core.ports import Bus, Housekeeping
from tempmail.model.errors import TempmailError
from tempmail.model.event import Event, EventKind

INTERVAL = 60.0
"""Seconds from the start of one sweep to the start of the next."""

_BUDGET = 40.0
"""Seconds of a sweep after which the rest waits for the next one."""

_STEP = 1000
"""Rows of one transaction: short enough that deliveries do not feel it."""


class Sweeper:
    """The expiry loop; no exception can end it.

    :param housekeeping: does the work, a short piece a call.
    :param bus: hears of mailboxes that ended.
    :param clock: for the interval and the budget.
    """

    _log = Logger()

    def __init__(
        self, housekeeping: Housekeeping, bus: Bus, metrics: Metrics, clock: IReactorTime
    ) -> None:
        self._housekeeping = housekeeping
        self._bus = bus
        self._clock = clock
        self._swept = metrics.swept
        self._seconds = metrics.sweep_seconds
        self._failures = metrics.sweep_failures
        self._swept_at = metrics.swept_at
        self._stopping = False
        self._sweeping: Deferred[None] | None = None
        self._loop = LoopingCall(self._one_sweep)
        self._loop.clock = clock

    def start(self) -> None:
        """Sweep now and then once a minute."""
        self._loop.start(INTERVAL)

    def stop(self) -> Deferred[None]:
        """Begin nothing more; fires when the step under way has ended."""
        self._stopping = True
        if self._loop.running:
            self._loop.stop()
        done: Deferred[None] = Deferred()
        if self._sweeping is None:
            done.callback(None)
        else:
            self._sweeping.addBoth(lambda _: done.callback(None))
        return done

    async def sweep(self) -> None:
        """One sweep: mark, free, release, drop, prepare; each in steps within the budget.

        :raises TempmailError: storage is away.
        """
        end = self._clock.seconds() + _BUDGET
        step = self._housekeeping
        ended = await step.expire_mailboxes(_STEP)
        while ended:
            self._count("mailboxes_expired", len(ended))
            for mailbox_id in ended:
                self._bus.publish(Event(EventKind.EXPIRED, mailbox_id))
            if self._is_over(end) or len(ended) < _STEP:
                break
            ended = await step.expire_mailboxes(_STEP)
        # Whole partitions first: what they take away need not be deleted row by row.
        if not self._is_over(end):
            self._count("partitions", await step.drop_partitions())
        for kind, work in (
            ("messages", step.free_messages),
            ("mailboxes_released", step.release_mailboxes),
            ("deletions_forgotten", step.forget_deletions),
            ("deliveries_forgotten", step.forget_deliveries),
            ("credentials_forgotten", step.forget_credentials),
        ):
            done = 1
            while done and not self._is_over(end):
                done = await work(_STEP)
                self._count(kind, done)
        if not self._is_over(end):
            await step.prepare_partitions()
            self._swept_at.set(self._clock.seconds())

    def _is_over(self, end: float) -> bool:
        return self._stopping or self._clock.seconds() > end

    def _count(self, kind: str, number: int) -> None:
        self._swept.labels(kind).inc(number)

    def _one_sweep(self) -> Deferred[None]:
        started = self._clock.seconds()
        self._sweeping = Deferred.fromCoroutine(self._guarded())

        def ended(_: object) -> None:
            self._sweeping = None
            self._seconds.observe(self._clock.seconds() - started)

        return self._sweeping.addCallback(ended)

    async def _guarded(self) -> None:
        try:
            await self.sweep()
        except TempmailError as why:
            self._failures.inc()
            self._log.error("the sweep was cut short: {why}", why=why.detail)
        except Exception:
            self._failures.inc()
            self._log.failure("the sweep failed")
