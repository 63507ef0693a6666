"""A bound on long answers that wait for their readers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from prometheus_client import Gauge

from tempmail.core.budget import ByteBudget
from tempmail.model.errors import Unavailable
from tempmail.model.network import network

MOST = 256 * 1024 * 1024
"""Bytes; of which one network may have a quarter."""


class Shelf:
    """Counts bytes of answers until their readers have taken them.

    :param gauge: shows how many there are.
    """

    def __init__(self, gauge: Gauge, most: int = MOST) -> None:
        self._budget = ByteBudget(most, gauge)
        self._each = most // 4
        self._of: Counter[str] = Counter()

    def hold(self, host: str, count: int) -> Callable[[], None]:
        """Hold ``count`` bytes for a client.

        :returns: what lets go of them; twice is once.
        :raises Unavailable: where that would pass a bound.
        """
        reader = network(host)
        if self._of[reader] + count > self._each or not self._budget.take(count):
            raise Unavailable("too much is being downloaded; try again when that is done")
        self._of[reader] += count
        held = [count]

        def let_go() -> None:
            if held:
                self._budget.give(held.pop())
                self._of[reader] -= count
                if not self._of[reader]:
                    del self._of[reader]

        return let_go
