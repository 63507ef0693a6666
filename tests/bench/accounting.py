"""What processes have cost: CPU time of a process tree, memory of a process (proc(5))."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")


def cpu_seconds(roots: Iterable[int]) -> float:
    """Return user and system time of ``roots`` and all their descendants, living and ended.

    A process that has ended is in its parent's figure once it was waited for; the living are
    read one by one. Good to a hundredth of a second a process.

    :raises ProcessLookupError: one of ``roots`` is no more.
    """
    children: dict[int, list[int]] = {}
    used: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may hold anything: count fields behind it.
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        pid = int(path.parent.name)
        children.setdefault(int(fields[1]), []).append(pid)
        used[pid] = sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime
    pending, total = list(roots), 0
    while pending:
        pid = pending.pop()
        if pid not in used:
            raise ProcessLookupError(f"process {pid} has ended")
        total += used[pid]
        pending += children.get(pid, [])
    return total * _TICK


def memory(pid: int, field: str, source: str = "status") -> int:
    """Return a memory figure of a process in bytes.

    :param field: for example ``VmRSS`` or ``VmHWM``, or ``Rss`` or ``Pss`` of ``smaps_rollup``.
    :param source: the file under /proc/PID.
    """
    for line in Path(f"/proc/{pid}/{source}").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def forget_peak(pid: int) -> None:
    """Set the process's VmHWM back to what it uses now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
