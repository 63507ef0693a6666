"""How fast mail gets from its last byte to whoever watches, and how much there was today."""

from __future__ import annotations

from collections import deque

from twisted.internet.interfaces import IReactorTime

from tempmail.core.metrics import Metrics

_RECENT = 1000
_DAY = 24 * 60 * 60


class Arrivals:
    """Counts mails that were kept; one observation a mail, however many recipients it has.

    :param metrics: has the histogram of the seconds.
    :param clock: seconds since the epoch.
    """

    def __init__(self, metrics: Metrics, clock: IReactorTime) -> None:
        self._clock = clock
        self._seconds = metrics.arrival_seconds
        self._recent: deque[float] = deque(maxlen=_RECENT)
        self._started = clock.seconds()
        self._day = self._started // _DAY
        self._today = 0

    def now(self) -> float:
        """When a mail is complete, for :meth:`told`."""
        return self._clock.seconds()

    def told(self, complete: float) -> None:
        """A mail has been committed, and whoever watches its mailboxes has been told.

        :param complete: when its last byte was there.
        """
        now = self._clock.seconds()
        self._seconds.observe(now - complete)
        self._recent.append(now - complete)
        self._turn(now)
        self._today += 1

    def median(self) -> float | None:
        """Seconds from the last byte until watchers are told, of the last thousand mails; None
        before the first."""
        ordered = sorted(self._recent)
        return ordered[len(ordered) // 2] if ordered else None

    def today(self) -> tuple[int, float]:
        """How many mails were kept since midnight (UTC) or, where that was later, since the start;
        and when that was, in seconds since the epoch."""
        now = self._clock.seconds()
        self._turn(now)
        return self._today, max(self._started, self._day * _DAY)

    def _turn(self, now: float) -> None:
        day = now // _DAY
        if day != self._day:
            self._day, self._today = day, 0
