"""One worker process as the daemon sees it: a mail in, a view or a failure out."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

import tempmail
from tempmail.model.message import View
from tempmail.workers.answers import EXIT_OUT_OF_MEMORY, LENGTH, InvalidAnswer, decode, frame

_MIB = 1024 * 1024
_BOOT = (
    "import sys; sys.path[:] = sys.argv[5:]; "
    "from tempmail.workers.main import main; main(*sys.argv[1:5])"
)
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
_MAX_COMPLAINT = 2000


@frozen
class Limits:
    """What parsing may cost.

    :ivar start_seconds: from the start of a worker until it is ready.
    :ivar wall_seconds: from handing a mail over until its answer is complete.
    :ivar cpu_seconds: processor time for one mail.
    :ivar memory_bytes: for one worker, beyond what an idle one has mapped.
    :ivar answer_bytes: size of a view on its way to the daemon.
    :ivar mails_per_worker: after so many a worker makes room for a fresh one.
    :ivar waiting_mails, waiting_bytes: what may wait for a worker.
    """

    start_seconds: float = 10
    wall_seconds: float = 5
    cpu_seconds: float = 2
    memory_bytes: int = 256 * _MIB
    answer_bytes: int = 16 * _MIB
    mails_per_worker: int = 500
    waiting_mails: int = 200
    waiting_bytes: int = 100 * _MIB


class ParseFailed(Exception):
    """A mail that cost a worker.

    :ivar outcome: ``killed`` or ``crashed``, as the metric has it.
    :ivar defect: what the reader of the mail is told.
    """

    def __init__(self, outcome: str, defect: str) -> None:
        super().__init__(defect)
        self.outcome = outcome
        self.defect = defect


TOO_LONG = ("killed", "parsing took too long")
TOO_MUCH = ("killed", "parsing took too much memory")
CRASHED = ("crashed", "the parser crashed")


def command(limits: Limits) -> list[str]:
    """The command line of a worker: the daemon's own Python and modules, wherever they lie.

    Isolated and without ``site``, it sees no environment variable and no working directory.
    """
    root = str(Path(tempmail.__file__).parent.parent)
    modules = dict.fromkeys([*(path for path in sys.path if Path(path).is_absolute()), root])
    figures = (os.getpid(), limits.memory_bytes, limits.cpu_seconds, limits.mails_per_worker)
    return [sys.executable, "-I", "-S", "-B", "-c", _BOOT, *map(str, figures), *modules]


class Worker(ProcessProtocol):
    """A process that parses one mail at a time; whatever goes wrong, it is killed.

    :param reactor: starts the process and calls later.
    :param command: as of :func:`command`.
    :param on_ready: called once, when the first mail can be handed over.
    :param on_end: called once, when the process is gone and its pipes are closed.
    :ivar ready: whether ``on_ready`` was called.
    :ivar mails: how many it was given.
    :ivar complaint: what it wrote to standard error before it was ready.
    :raises OSError: no process could be made.
    """

    def __init__(
        self,
        reactor: Any,
        limits: Limits,
        command: Sequence[str],
        on_ready: Callable[[], None],
        on_end: Callable[[Worker], None],
    ) -> None:
        self.ready = False
        self.mails = 0
        self.complaint = ""
        self._reactor = reactor
        self._limits = limits
        self._on_ready = on_ready
        self._on_end = on_end
        self._received = bytearray()
        self._view: Deferred[View] | None = None
        self._killed = False
        self._deadline = reactor.callLater(limits.start_seconds, self._give_up, *TOO_LONG)
        try:
            reactor.spawnProcess(self, command[0], list(command), _ENVIRONMENT)
        except OSError:
            self._deadline.cancel()
            raise

    @property
    def idle(self) -> bool:
        """Whether a mail can be handed over now."""
        return self.ready and self._view is None and not self._killed

    def parse(self, raw: bytes) -> Deferred[View]:
        """Hand a mail to this worker, which is idle.

        :raises ParseFailed: the worker is lost, and with it this mail's parse.
        """
        assert self.idle
        self.mails += 1
        view: Deferred[View] = Deferred()
        self._view = view
        self._deadline = self._reactor.callLater(
            self._limits.wall_seconds, self._give_up, *TOO_LONG
        )
        assert self.transport is not None
        self.transport.write(frame(raw))
        return view

    def kill(self) -> None:
        """End the process; a mail that it has is lost."""
        self._give_up(*CRASHED)

    def outReceived(self, data: bytes) -> None:
        if self._killed:
            return
        self._received += data
        if len(self._received) < LENGTH.size:
            return
        length = LENGTH.size + LENGTH.unpack_from(self._received)[0]
        if length > self._limits.answer_bytes or len(self._received) > length:
            self._give_up(*CRASHED)
        elif len(self._received) == length:
            answer = bytes(self._received[LENGTH.size :])
            self._received.clear()
            self._answered(answer)

    def errReceived(self, data: bytes) -> None:
        if not self.ready:
            self.complaint += data.decode(errors="replace")[: _MAX_COMPLAINT - len(self.complaint)]

    def processExited(self, reason: Failure) -> None:
        status = reason.value
        assert status is not None
        if getattr(status, "signal", None) in (signal.SIGPROF, signal.SIGXCPU):
            self._give_up(*TOO_LONG)
        elif getattr(status, "exitCode", None) == EXIT_OUT_OF_MEMORY:
            self._give_up(*TOO_MUCH)
        else:
            self._give_up(*CRASHED)
        assert self.transport is not None
        self.transport.loseConnection()  # whoever else has the pipes open is not waited for

    def processEnded(self, _reason: Failure) -> None:
        self._on_end(self)

    def _answered(self, answer: bytes) -> None:
        if not self.ready and not answer:
            self.ready = True
            self._deadline.cancel()
            self._on_ready()
            return
        view = self._view
        try:
            if view is None:
                raise InvalidAnswer("nobody asked")
            result = decode(answer)
        except InvalidAnswer:
            self._give_up(*CRASHED)
            return
        self._deadline.cancel()
        self._view = None
        view.callback(result)

    def _give_up(self, outcome: str, defect: str) -> None:
        if self._killed:
            return
        self._killed = True
        if self._deadline.active():
            self._deadline.cancel()
        assert self.transport is not None
        with suppress(ProcessExitedAlready):
            self.transport.signalProcess("KILL")
        view, self._view = self._view, None
        if view is not None:
            view.errback(ParseFailed(outcome, defect))
