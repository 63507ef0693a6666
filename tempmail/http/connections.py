"""How many HTTP connections may be open, altogether and of one network."""

from __future__ import annotations

from collections import Counter

from prometheus_client import Gauge

from tempmail.http.problems import Problem

MOST = 10_000

_RETRY = {"Retry-After": "10"}
_FULL = Problem(503, "full", "there are as many connections as there can be; try again", _RETRY)
_CROWDED = Problem(
    429, "limit_reached", "your network has as many connections open as it may; end some", _RETRY
)


class Connections:
    """Counts them; whoever took a place must give it back.

    :param most: how many there may be.
    :param most_each: how many of one network; None for no bound.
    :param gauge: shows how many there are.
    """

    def __init__(
        self, most: int = MOST, most_each: int | None = None, gauge: Gauge | None = None
    ) -> None:
        self._most = most
        self._most_each = most_each
        self._open = 0
        self._of: Counter[str] = Counter()
        if gauge is not None:
            gauge.set_function(lambda: self._open)

    def open(self) -> Problem | None:
        """One more, of which nothing is known yet.

        :returns: why there cannot be; its place is taken all the same.
        """
        self._open += 1
        return _FULL if self._open > self._most else None

    def belongs(self, network: str) -> Problem | None:
        """One of those that are open turns out to be of ``network``."""
        self._of[network] += 1
        most = self._most_each
        return _CROWDED if most is not None and self._of[network] > most else None

    def close(self, network: str | None) -> None:
        """One has ended; ``network`` where :meth:`belongs` was told of it."""
        self._open -= 1
        if network is not None:
            self._of[network] -= 1
            if not self._of[network]:
                del self._of[network]
