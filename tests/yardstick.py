"""Whether work that is linear in its input stays so, told by the processor time that it takes."""

from __future__ import annotations

import time
from collections.abc import Callable

_ATTEMPTS = 3
"""What shares the cores slows down what is measured; it does so to few of several attempts."""


def within(seconds: float, work: Callable[[], object]) -> bool:
    """Whether one of a few attempts takes less than ``seconds`` of processor time.

    Bounds are some ten times what a quiet machine takes, and little beside what the same input
    costs where the work grows faster than it.
    """
    return any(_took(work) < seconds for _ in range(_ATTEMPTS))


def _took(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
