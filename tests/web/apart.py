"""A browser and the service that it visits, as if they were on two machines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def _family(pid: int) -> Iterator[int]:
    """A process, those that it started, theirs, and the threads of them all."""
    for task in Path(f"/proc/{pid}/task").glob("*"):
        yield int(task.name)
        with suppress(FileNotFoundError):  # it has ended
            for child in (task / "children").read_text().split():
                yield from _family(int(child))


def _keep(pid: int, processors: set[int]) -> None:
    for task in list(_family(pid)):
        with suppress(ProcessLookupError):
            os.sched_setaffinity(task, processors)


@contextmanager
def apart(*services: int) -> Iterator[None]:
    """Keep services, and whatever they start meanwhile, to one processor of several: their work
    does not hold up the page, as it would not where they are elsewhere.

    :param services: ids of their processes.
    """
    every = os.sched_getaffinity(0)
    for pid in services:
        _keep(pid, {min(every)})
    try:
        yield
    finally:
        for pid in services:
            _keep(pid, every)
