"""One look at the database for all who ask whether it is there, however many they are."""

from __future__ import annotations

from datetime import datetime

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from tempmail.core.ports import Health

SECONDS = 1.0
"""For which an answer counts, from when it came."""

BUSY = "busy"
"""The code of what is raised where the database could not be asked for all that waits for it."""


class SharedHealth:
    """:class:`tempmail.core.ports.Health`; whoever asks meanwhile waits for the same ping.

    :param health: that is asked.
    :param clock: for the age of its answer.
    """

    def __init__(self, health: Health, clock: IReactorTime) -> None:
        self._health = health
        self._clock = clock
        self._known: datetime | Failure | None = None
        self._known_at = 0.0
        self._waiting: list[Deferred[datetime]] | None = None

    async def ping(self) -> datetime:
        """As the port has it; up to a second old."""
        own: Deferred[datetime] = Deferred()  # whoever leaves cancels this one alone
        if self._known is not None and 0 <= self._clock.seconds() - self._known_at < SECONDS:
            own.callback(self._known)  # a Failure is an errback
        elif self._waiting is not None:
            self._waiting.append(own)
        else:
            self._waiting = [own]
            Deferred.fromCoroutine(self._health.ping()).addBoth(self._answered)
        return await own

    def _answered(self, outcome: datetime | Failure) -> None:
        if isinstance(outcome, Failure):
            outcome.cleanFailure()  # it is kept, and needs nobody's frames
        self._known, self._known_at = outcome, self._clock.seconds()
        waiting, self._waiting = self._waiting or [], None
        for own in waiting:
            if not own.called:
                own.callback(outcome)
