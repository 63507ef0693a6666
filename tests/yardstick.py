"""How fast this machine is at the moment: what shares its cores slows down what is measured."""

from __future__ import annotations

import time

_QUIET = 0.017
"""Seconds of processor time that :func:`_work` takes where nothing else runs."""


def within(seconds: float, bound: float) -> bool:
    """Whether what took ``seconds`` took no longer than ``bound``, which is of a quiet machine.

    Work that grows faster than its input passes such a bound by a hundred times.
    """
    if seconds < bound:
        return True
    began = time.process_time()
    _work()
    return seconds < bound * (time.process_time() - began) / _QUIET


def _work() -> None:
    text = "a.b@c, " * 40_000
    total = sum(len(part) for part in text.split(","))
    for number in range(400_000):
        total ^= number
