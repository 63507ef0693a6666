"""Token buckets that several daemons share, without a wait for any of them.

Each daemon decides at once, by what it knows.  What was taken is added to what all took in the
background, some ten times a second, and the answer says what is left.  So a client that comes
to a daemon where it has not been lately may take, until the first answer, what others had already:
less than one more bucket for each daemon.  That is a debt, which it then waits off everywhere, so
over time it gets no more than from one.  Where there is nobody to share with, each daemon's buckets
are its own.

Only moments are exchanged, as seconds from now: the shared clock is the other side's.
"""

from __future__ import annotations

import math
from itertools import islice

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from tempmail.core.limits import MOST_CLIENTS, Rate, TokenBuckets
from tempmail.core.metrics import Metrics
from tempmail.core.ports import BucketExchange
from tempmail.model.errors import TempmailError

INTERVAL = 0.1
"""Seconds for which what was taken is added up."""

_AT_ONCE = 500
"""Clients of each kind in one exchange."""

_MOST = 20_000
"""Clients of each kind whose takings wait for their exchange; those of others stay here."""

_FULL = -math.inf
"""Stands for what makes a bucket full, whatever is taken right after."""


class SharedBuckets(TokenBuckets):
    """As :class:`~tempmail.core.limits.TokenBuckets`, and the other daemons hear of it.

    :param name: of the kind.
    :param shared: carries what was taken.
    """

    def __init__(
        self, name: str, rate: Rate, shared: SharedLimits, most_clients: int = MOST_CLIENTS
    ) -> None:
        super().__init__(rate, most_clients)
        self.name = name
        self._shared = shared
        self._behind = 0.0
        self._taken: dict[str, float] = {}  # seconds of each client that are not shared yet

    def take(self, client: str, count: float, now: float) -> None:
        super().take(client, count, now)
        if client in self._taken:
            self._taken[client] += count * self._interval
        elif self._shared.may_wait(self):
            self._behind = self._shared.seconds() - now  # the caller's clock is its own
            self._taken[client] = count * self._interval

    def give(self, client: str, count: float, now: float) -> None:
        """What the others have heard of already they do not give back: time does."""
        super().give(client, count, now)
        if self._taken.get(client, _FULL) != _FULL:
            self._taken[client] = max(0.0, self._taken[client] - count * self._interval)

    def forget(self, client: str) -> None:
        super().forget(client)
        if client in self._taken or self._shared.may_wait(self):
            self._taken[client] = _FULL

    @property
    def debt(self) -> float:
        """By how many seconds a bucket can be from full, at the most."""
        return 2 * self._capacity

    def waiting(self) -> int:
        """How many clients' takings are not shared yet."""
        return len(self._taken)

    def collect(self, most: int) -> list[tuple[str, float]]:
        """What is to be shared now: clients, and the seconds by which each is full later."""
        clients = list(islice(self._taken, most))
        return [(client, self._taken.pop(client)) for client in clients]

    def learn(self, client: str, seconds: float) -> None:
        """The client's bucket is full in so many seconds."""
        if self._taken.get(client) != _FULL:
            now = self._shared.seconds() - self._behind
            self.delay(client, now + seconds, now)


class SharedLimits:
    """All the buckets that are shared, and their exchange; no exception can end it.

    :param exchange: knows what everybody took.
    :param clock: for the interval.
    """

    _log = Logger()

    def __init__(self, exchange: BucketExchange, metrics: Metrics, clock: IReactorTime) -> None:
        self._exchange = exchange
        self._clock = clock
        self._failures = metrics.shared_limit_failures
        self._kinds: list[SharedBuckets] = []
        self._timer: IDelayedCall | None = None
        self._exchanging = False
        self._failing = False
        self._stopped = False

    def buckets(self, name: str, rate: Rate) -> SharedBuckets:
        """Those of one kind; a :data:`~tempmail.core.limits.MakeBuckets`."""
        made = SharedBuckets(name, rate, self)
        self._kinds.append(made)
        return made

    def stop(self) -> None:
        """Exchange no more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def seconds(self) -> float:
        """Of the clock."""
        return self._clock.seconds()

    def may_wait(self, buckets: SharedBuckets) -> bool:
        """Whether one client more can have its takings shared, which happens soon then."""
        if self._stopped or buckets.waiting() >= _MOST:
            self._failures.inc()
            return False
        if self._timer is None and not self._exchanging:
            self._timer = self._clock.callLater(INTERVAL, self._begin)
        return True

    def _begin(self) -> None:
        self._timer = None
        self._exchanging = True
        Deferred.fromCoroutine(self._share()).addErrback(
            lambda failure: self._log.failure("limits cannot be shared", failure)
        )

    async def _share(self) -> None:
        taken = [
            (buckets, client, seconds)
            for buckets in self._kinds
            for client, seconds in buckets.collect(_AT_ONCE)
        ]
        try:
            moments = await self._exchange.take(
                [
                    (buckets.name, client, max(seconds, -1.0), buckets.debt)
                    for buckets, client, seconds in taken
                ]
            )
        except Exception as why:
            self._failures.inc(len(taken))
            if not self._failing:  # once an outage
                self._failing = True
                if isinstance(why, TempmailError):
                    self._log.warn("limits are this daemon's own: {why}", why=why.detail)
                else:
                    self._log.failure("limits are this daemon's own")
        else:
            self._failing = False
            for (buckets, client, _), seconds in zip(taken, moments, strict=True):
                buckets.learn(client, seconds)
        finally:
            self._exchanging = False
            if not self._stopped and any(buckets.waiting() for buckets in self._kinds):
                self._timer = self._clock.callLater(INTERVAL, self._begin)
