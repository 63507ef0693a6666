"""How many requests a minute those may make who have no account: a row that changes at any time."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tempmail.core.ports import PlanRates
from tempmail.model.errors import TempmailError

AT_FIRST = 120
"""Until storage has been asked."""

SECONDS = 2.0
"""From one look to the next, where there are requests."""


class AnonymousRate:
    """The rate, known without a wait: whoever asks for it has it looked up for those after.

    With storage away it stays as it was.

    :param plans: where the row is.
    :param clock: for the interval.
    """

    _log = Logger()

    def __init__(self, plans: PlanRates, clock: IReactorTime) -> None:
        self._plans = plans
        self._clock = clock
        self._rate = AT_FIRST
        self._next_look = 0.0

    def per_minute(self) -> int:
        """Requests a minute; -1 for no limit."""
        now = self._clock.seconds()
        if now >= self._next_look:
            self._next_look = now + SECONDS
            Deferred.fromCoroutine(self._look())
        return self._rate

    async def _look(self) -> None:
        try:
            self._rate = await self._plans.anonymous_requests_per_minute()
        except TempmailError as why:
            self._log.debug("the rate stays: {why}", why=why.code)
        except Exception:
            self._log.failure("the rate stays")
