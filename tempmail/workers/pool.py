"""A few worker processes, and the mails that wait for one."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.core.metrics import Metrics
from tempmail.mail.parse import PARSER_VERSION, unparsed
from tempmail.model.errors import Unavailable
from tempmail.model.message import View
from tempmail.workers.worker import Limits, ParseFailed, Worker, command


class _Mail:
    """A mail whose view somebody waits for."""

    def __init__(self, raw: bytes, pool: ParserPool) -> None:
        self.raw = raw
        self.view: Deferred[View] = Deferred(lambda _: pool.forget(self))

    def answer(self, result: View | Unavailable) -> None:
        if self.view.called:  # cancelled while a worker had it
            return
        if isinstance(result, Unavailable):
            self.view.errback(result)
        else:
            self.view.callback(result)


class ParserPool:
    """Parses mail in processes that a mail may hang or kill at no cost to any other.

    Implements :class:`tempmail.core.ports.Parser`.  Workers are started when they are first
    needed, and replaced when a mail took them along.

    :param reactor: starts processes and calls later.
    :param metrics: counts parses by outcome: ok, killed, crashed, refused.
    :param size: workers at once.
    :param limits: what a mail may cost, and how many may wait.
    :param worker_command: another command line for the workers.
    """

    version = PARSER_VERSION
    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        metrics: Metrics,
        *,
        size: int = 2,
        limits: Limits | None = None,
        worker_command: Sequence[str] | None = None,
    ) -> None:
        self._reactor = reactor
        self._parses = metrics.parses
        self._size = size
        self._limits = limits or Limits()
        self._command = worker_command or command(self._limits)
        self._waiting: deque[_Mail] = deque()
        self._waiting_bytes = 0
        self._workers: set[Worker] = set()
        self._open = False
        self._stopped: list[Deferred[None]] = []

    def start(self) -> None:
        """Take mails from now on."""
        self._open = True

    def stop(self) -> Deferred[None]:
        """Kill the workers and let go of their mails; fires when no process is left."""
        self._open = False
        while self._waiting:
            self._refuse(self._next(), "stopping")
        for worker in tuple(self._workers):
            worker.kill()
        if not self._workers:
            return succeed(None)
        stopped: Deferred[None] = Deferred()
        self._stopped.append(stopped)
        return stopped

    def parse(self, raw: bytes) -> Deferred[View]:
        """The view of a mail, or what the envelope headers yield where its parse is given up.

        Cancelling drops a mail that waits; the answer to one that a worker has is ignored.

        :raises Unavailable: stopped, too many wait, or no worker could be started.
        """
        if not self._open:
            return fail(self._refusal("stopping", len(raw)))
        if (
            len(self._waiting) >= self._limits.waiting_mails
            or self._waiting_bytes + len(raw) > self._limits.waiting_bytes
        ):
            return fail(self._refusal("too many mails wait", len(raw)))
        mail = _Mail(raw, self)
        self._waiting.append(mail)
        self._waiting_bytes += len(raw)
        self._dispatch()
        return mail.view

    def forget(self, mail: _Mail) -> None:
        """Nobody wants ``mail`` any more."""
        if mail in self._waiting:
            self._waiting.remove(mail)
            self._waiting_bytes -= len(mail.raw)

    def _dispatch(self) -> None:
        for worker in tuple(self._workers):
            if self._waiting and worker.idle:
                mail = self._next()
                worker.parse(mail.raw).addCallbacks(
                    self._parsed, self._failed, callbackArgs=(mail, worker), errbackArgs=(mail,)
                )
        while len(self._workers) < self._size and self._starting() < len(self._waiting):
            self._start_worker()

    def _starting(self) -> int:
        return sum(not worker.ready for worker in self._workers)

    def _next(self) -> _Mail:
        mail = self._waiting.popleft()
        self._waiting_bytes -= len(mail.raw)
        return mail

    def _start_worker(self) -> None:
        try:
            worker = Worker(
                self._reactor, self._limits, self._command, self._dispatch, self._worker_ended
            )
        except OSError as why:
            self._no_worker(str(why))
        else:
            self._workers.add(worker)

    def _worker_ended(self, worker: Worker) -> None:
        self._workers.discard(worker)
        if self._open:
            if not worker.ready:
                self._no_worker(worker.complaint)
            self._dispatch()
        elif not self._workers:
            stopped, self._stopped = self._stopped, []
            for one in stopped:
                one.callback(None)

    def _no_worker(self, complaint: str) -> None:
        """Each failed start is one mail's loss, so that a hopeless queue empties."""
        self._log.error("no parser could be started: {complaint}", complaint=complaint)
        if self._waiting:
            self._refuse(self._next(), "no parser could be started")

    def _parsed(self, view: View, mail: _Mail, worker: Worker) -> None:
        self._parses.labels("ok").inc()
        if worker.mails >= self._limits.mails_per_worker:
            worker.kill()
        mail.answer(view)
        self._dispatch()

    def _failed(self, failure: Failure, mail: _Mail) -> None:
        failed = failure.value
        assert isinstance(failed, ParseFailed)
        if not self._open:
            self._refuse(mail, "stopping")
            return
        self._parses.labels(failed.outcome).inc()
        self._log.warn("{defect}: a mail of {size} bytes", defect=failed.defect, size=len(mail.raw))
        mail.answer(unparsed(mail.raw, failed.defect))

    def _refuse(self, mail: _Mail, reason: str) -> None:
        mail.answer(self._refusal(reason, len(mail.raw)))

    def _refusal(self, reason: str, size: int) -> Unavailable:
        self._parses.labels("refused").inc()
        self._log.warn("parse refused, {reason}: a mail of {size} bytes", reason=reason, size=size)
        return Unavailable(f"the mail cannot be parsed now: {reason}")
