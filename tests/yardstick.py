"""How fast this machine is at the moment: what shares its cores slows down what is measured."""

from __future__ import annotations

import time

_QUIET = 0.017
"""Seconds of processor time that the same work takes where nothing else runs."""


def slowness() -> float:
    """By what to multiply a bound on processor time that was set on a quiet machine; at least 1.

    Work that grows faster than its input passes such a bound by a hundred times.
    """
    began = time.process_time()
    text = "a.b@c, " * 40_000
    total = sum(len(part) for part in text.split(","))
    for number in range(400_000):
        total ^= number
    return max(1.0, (time.process_time() - began) / _QUIET)
