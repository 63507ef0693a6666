"""One worker process as the daemon sees it: a request in, its result or a failure out."""

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
from tempmail.workers.answers import (
    EXIT_OUT_OF_MEMORY,
    LENGTH,
    Examining,
    InvalidAnswer,
    Rendering,
    Request,
)

_MIB = 1024 * 1024
_BOOT = (
    "import sys; sys.path[:] = sys.argv[6:]; "
    "from tempmail.workers.main import main; main(*sys.argv[1:6])"
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
    :ivar mails_per_worker: after so many a worker makes room for a fresh one.
    :ivar waiting_mails, waiting_bytes: what may wait for a worker; and twice that, for where mails
        come from is waited for in a line of its own.
    :ivar waiting_each, waiting_bytes_each: of those for one asker; one mail always may.
    """

    start_seconds: float = 10
    wall_seconds: float = 5
    cpu_seconds: float = 2
    memory_bytes: int = 256 * _MIB
    mails_per_worker: int = 500
    waiting_mails: int = 200
    waiting_bytes: int = 100 * _MIB
    waiting_each: int = 32
    waiting_bytes_each: int = 32 * _MIB


class ParseFailed(Exception):
    """A mail that cost a worker.

    :ivar outcome: ``killed`` or ``crashed``, as the metric has it.
    :ivar defect: what the reader of the mail is told.
    :ivar lasting: whether it was by the mail's own doing, so that another try would end the same.
    """

    def __init__(self, outcome: str, defect: str, *, lasting: bool) -> None:
        super().__init__(defect)
        self.outcome = outcome
        self.defect = defect
        self.lasting = lasting


def _too_long(*, lasting: bool) -> ParseFailed:
    """Lasting by processor time; by the clock it may have been a busy machine."""
    return ParseFailed("killed", "parsing took too long", lasting=lasting)


def _too_much() -> ParseFailed:
    return ParseFailed("killed", "parsing took too much memory", lasting=True)


def _crashed() -> ParseFailed:
    return ParseFailed("crashed", "the parser crashed", lasting=False)


def command(limits: Limits, refused: frozenset[str]) -> list[str]:
    """The command line of a worker: the daemon's own Python and modules, wherever they lie.

    Isolated and without ``site``, it sees no environment variable and no working directory.
    """
    root = str(Path(tempmail.__file__).parent.parent)
    modules = dict.fromkeys([*(path for path in sys.path if Path(path).is_absolute()), root])
    figures = (os.getpid(), limits.memory_bytes, limits.cpu_seconds, limits.mails_per_worker)
    arguments = (*map(str, figures), " ".join(sorted(refused)))
    return [sys.executable, "-I", "-S", "-B", "-c", _BOOT, *arguments, *modules]


class Worker(ProcessProtocol):
    """A process that answers one request at a time; whatever goes wrong, it is killed.

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
        self._asked: tuple[Request | Rendering | Examining, Deferred[Any]] | None = None
        self._killed = False
        self._deadline = reactor.callLater(
            limits.start_seconds, self._give_up, _too_long(lasting=False)
        )
        try:
            reactor.spawnProcess(self, command[0], list(command), _ENVIRONMENT)
        except OSError:
            self._deadline.cancel()
            raise

    @property
    def idle(self) -> bool:
        """Whether a mail can be handed over now."""
        return self.ready and self._asked is None and not self._killed

    def ask(self, request: Request | Rendering | Examining) -> Deferred[Any]:
        """Hand a request to this worker, which is idle; fires with its result.

        :raises ParseFailed: the worker is lost, and with it the answer.
        """
        assert self.idle
        self.mails += 1
        answer: Deferred[Any] = Deferred()
        self._asked = (request, answer)
        self._deadline = self._reactor.callLater(
            self._limits.wall_seconds, self._give_up, _too_long(lasting=False)
        )
        assert self.transport is not None
        self.transport.write(request.encoded())
        return answer

    def kill(self) -> None:
        """End the process; a mail that it has is lost."""
        self._give_up(_crashed())

    def outReceived(self, data: bytes) -> None:
        if self._killed:
            return
        self._received += data
        if len(self._received) < LENGTH.size:
            return
        length = LENGTH.unpack_from(self._received)[0]
        allowed = self._asked[0].answer_bytes if self._asked else 0
        have = len(self._received) - LENGTH.size
        if length > allowed or have > length:
            self._give_up(_crashed())
        elif have == length:
            received, self._received = self._received, bytearray()
            self._answered(memoryview(received)[LENGTH.size :])

    def errReceived(self, data: bytes) -> None:
        if not self.ready:
            self.complaint += data.decode(errors="replace")[: _MAX_COMPLAINT - len(self.complaint)]

    def processExited(self, reason: Failure) -> None:
        status = reason.value
        assert status is not None
        if getattr(status, "signal", None) in (signal.SIGPROF, signal.SIGXCPU):
            self._give_up(_too_long(lasting=True))
        elif getattr(status, "exitCode", None) == EXIT_OUT_OF_MEMORY:
            self._give_up(_too_much())
        else:
            self._give_up(_crashed())
        assert self.transport is not None
        self.transport.loseConnection()  # whoever else has the pipes open is not waited for

    def processEnded(self, _reason: Failure) -> None:
        self._on_end(self)

    def _answered(self, answer: memoryview) -> None:
        if not self.ready:
            self.ready = True
            self._deadline.cancel()
            self._on_ready()
            return
        if self._asked is None:
            self._give_up(_crashed())
            return
        request, waiting = self._asked
        try:
            result = request.result(answer)
        except InvalidAnswer:
            self._give_up(_crashed())
            return
        self._deadline.cancel()
        self._asked = None
        waiting.callback(result)

    def _give_up(self, failure: ParseFailed) -> None:
        if self._killed:
            return
        self._killed = True
        if self._deadline.active():
            self._deadline.cancel()
        assert self.transport is not None
        with suppress(ProcessExitedAlready):
            self.transport.signalProcess("KILL")
        asked, self._asked = self._asked, None
        if asked is not None:
            asked[1].errback(failure)
