"""A bound on how many bytes of mail the process holds at once."""

from __future__ import annotations

from prometheus_client import Gauge


class ByteBudget:
    """Counts bytes that are held against a fixed limit.

    Whoever takes must give back the same amount, whatever happens in between.

    :param limit: bytes that may be held at once.
    :param gauge: shows what is held.
    """

    def __init__(self, limit: int, gauge: Gauge) -> None:
        self.limit = limit
        self.held = 0
        gauge.set_function(lambda: self.held)

    def take(self, count: int) -> bool:
        """Hold ``count`` bytes more.

        :returns: False, with nothing taken, where that would pass the limit.
        """
        if self.held + count > self.limit:
            return False
        self.held += count
        return True

    def give(self, count: int) -> None:
        """Hold ``count`` bytes fewer."""
        self.held -= count
