"""A bound on how many may wait at once, altogether and from one network."""

from __future__ import annotations

from collections import Counter

from prometheus_client import Counter as Metric
from prometheus_client import Gauge

from tempmail.model.errors import LimitReached, Unavailable

_RETRY_SECONDS = 10


class Places:
    """Counts those who are inside.

    Whoever takes a place must give it back, whatever happens in between.

    :param total: how many there may be.
    :param each: how many of one network, see :func:`tempmail.model.network.network`.
    :param gauge: shows how many there are.
    :param refused: counts whom we turned away, by reason.
    """

    def __init__(self, total: int, each: int, gauge: Gauge, refused: Metric) -> None:
        self._total = total
        self._each = each
        self._refused = refused
        self._taken = 0
        self._of: Counter[str] = Counter()
        gauge.set_function(lambda: self._taken)

    @property
    def full(self) -> bool:
        """Whether there are as many altogether as there can be."""
        return self._taken >= self._total

    def take(self, network: str) -> None:
        """Let one more of ``network`` in.

        :raises LimitReached: the network has as many inside as it may.
        :raises Unavailable: there are as many altogether as there can be.
        """
        if self._of[network] >= self._each:
            self._refused.labels("network_full").inc()
            raise LimitReached(
                f"your network has {self._each} of these open, as many as it may; end some",
                retry_after=_RETRY_SECONDS,
            )
        if self.full:
            self._refused.labels("full").inc()
            raise Unavailable("there are as many of these as there can be; try again")
        self._taken += 1
        self._of[network] += 1

    def give(self, network: str) -> None:
        """One of ``network`` has left."""
        self._taken -= 1
        self._of[network] -= 1
        if not self._of[network]:
            del self._of[network]
