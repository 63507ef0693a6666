"""The worker process: answers one request after another, and may be killed at any moment.

Imports only what parsing needs, so that a fresh one is there at once.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
from pathlib import Path

from tempmail.mail import attachments, document, parse  # noqa: F401  here before the limits are
from tempmail.workers.answers import EXIT_OUT_OF_MEMORY, LENGTH, frame, request

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_OPEN_FILES = 16  # codecs are imported when a charset first needs them


def main(parent: str, memory_bytes: str, cpu_seconds: str, mails: str, refused: str) -> None:
    """Serve until standard input ends.

    :param parent: process id of the daemon, without which no worker lives.
    :param memory_bytes: what parsing may take beyond what is loaded now.
    :param cpu_seconds: processor time for one mail.
    :param mails: how many the daemon will send at most.
    :param refused: kinds of attachments that are not handed out, with spaces between.
    """
    _confine(int(parent), int(memory_bytes), math.ceil(int(mails) * float(cpu_seconds)))
    try:
        _serve(float(cpu_seconds), frozenset(refused.split()))
    except MemoryError:
        os._exit(EXIT_OUT_OF_MEMORY)


def _confine(parent: int, memory_bytes: int, cpu_seconds: int) -> None:
    os.setsid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it was gone before the line above
        os._exit(1)
    os.chdir("/")
    loaded = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # a traceback could quote the mail
    for limit, value in (
        (resource.RLIMIT_AS, loaded + memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds + 10),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))


def _serve(cpu_seconds: float, refused: frozenset[str]) -> None:
    with open(0, "rb") as requests, open(1, "wb") as answers:  # descriptors, not paths
        answers.write(frame(b""))
        answers.flush()
        while length := requests.read(LENGTH.size):
            asked = request(requests.read(LENGTH.unpack(length)[0]))
            # RLIMIT_CPU counts whole seconds of the process's life; SIGPROF ends one mail.
            signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
            answer = asked.answer(refused)
            signal.setitimer(signal.ITIMER_PROF, 0)
            answers.write(frame(answer))
            answers.flush()
            del asked, answer  # they count for the next mail's memory
