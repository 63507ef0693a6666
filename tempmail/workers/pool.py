"""A few worker processes, and the mails that wait for one."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.core.metrics import Metrics
from tempmail.mail.attachments import Extracted
from tempmail.mail.authenticity.answers import Answer, Question
from tempmail.mail.authenticity.header import head_of
from tempmail.mail.parse import PARSER_VERSION, unparsed
from tempmail.mail.refused_kinds import REFUSED_KINDS
from tempmail.model.authentication import Authentication, Finding
from tempmail.model.errors import NotFound, TempmailError, Unavailable
from tempmail.model.message import Trace, View
from tempmail.workers.answers import Examining, Rendering, Request
from tempmail.workers.examinations import Judgement, Lookups, SpfCheck, Survey
from tempmail.workers.worker import Limits, ParseFailed, Worker, command


class _Waiting:
    """A request whose result somebody waits for."""

    def __init__(self, request: Request | Rendering | Examining, pool: ParserPool) -> None:
        self.request = request
        self.size = request.size
        self.result: Deferred[Any] = Deferred(lambda _: pool.forget(self))

    def answer(self, result: object) -> None:
        if self.result.called:  # cancelled while a worker had it
            return
        if isinstance(result, TempmailError):
            self.result.errback(result)
        else:
            self.result.callback(result)


class _GivenUp(Unavailable):
    """A document was too much for its worker."""


class ParserPool:
    """Parses mail in processes that a mail may hang or kill at no cost to any other.

    Implements :class:`tempmail.core.ports.Parser`.  Workers are started when they are first
    needed, and replaced when a mail took them along.

    :param reactor: starts processes and calls later.
    :param metrics: counts parses by outcome: ok, killed, crashed, refused.
    :param size: workers at once.
    :param limits: what a mail may cost, and how many may wait.
    :param refused: kinds of attachments that are not handed out.
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
        refused: frozenset[str] = REFUSED_KINDS,
        worker_command: Sequence[str] | None = None,
    ) -> None:
        self._reactor = reactor
        self._parses = metrics.parses
        self._size = size
        self._limits = limits or Limits()
        self._command = worker_command or command(self._limits, refused)
        self._waiting: deque[_Waiting] = deque()
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
        return self._ask(Request(raw))

    def extract(self, raw: bytes, index: int) -> Deferred[Extracted]:
        """The attachment that the mail's view has at ``index``.

        :raises NotFound: the mail has no such attachment.
        :raises Unavailable: as for :meth:`parse`, and where taking it out was given up.
        """
        return self._ask(Request(raw, index))

    def document(self, html: str, text: str, images: Mapping[str, str]) -> Deferred[str]:
        """A mail's HTML made safe; its text where it has no HTML, or where that is given up.

        :param images: as for :func:`tempmail.mail.safe_html.safe_html`.
        :raises Unavailable: as for :meth:`parse`.
        """
        made: Deferred[str] = self._ask(Rendering(html, text, images))
        return made.addErrback(self._text_instead, text)

    def check_spf(
        self, trace: Trace, answers: Mapping[Question, Answer]
    ) -> Deferred[Finding | list[Question]]:
        """The verdict of SPF, or what DNS has to be asked before there is one.

        :raises Unavailable: as for :meth:`parse`.
        """
        lookups = Lookups.of(answers)
        return self._ask(Examining(SpfCheck(trace.peer_ip, trace.helo, trace.mail_from, lookups)))

    def survey(self, raw: bytes) -> Deferred[list[Question]]:
        """What DNS has to be asked for the other verdicts on a mail.

        :raises Unavailable: as for :meth:`parse`.
        """
        return self._ask(Examining(Survey(head_of(raw))))

    def judge(
        self, raw: bytes, spf: Finding, answers: Mapping[Question, Answer]
    ) -> Deferred[Authentication]:
        """All verdicts on a mail; an answer that is missing is one that could not be had.

        :raises Unavailable: as for :meth:`parse`.
        """
        return self._ask(Examining(Judgement(raw, spf, Lookups.of(answers))))

    def _text_instead(self, failure: Failure, text: str) -> Deferred[str]:
        failure.trap(_GivenUp)
        return self._ask(Rendering("", text, {}, instead=True))

    def _ask(self, request: Request | Rendering | Examining) -> Deferred[Any]:
        waiting = _Waiting(request, self)
        if not self._open:
            return fail(self._refusal("stopping", waiting.size))
        if (
            len(self._waiting) >= self._limits.waiting_mails
            or self._waiting_bytes + waiting.size > self._limits.waiting_bytes
        ):
            return fail(self._refusal("too many mails wait", waiting.size))
        # Whoever reads comes first; where a mail is from can wait.
        last = len(self._waiting)
        if not isinstance(request, Examining):
            kinds = (isinstance(one.request, Examining) for one in self._waiting)
            last = next((place for place, later in enumerate(kinds) if later), last)
        self._waiting.insert(last, waiting)
        self._waiting_bytes += waiting.size
        self._dispatch()
        return waiting.result

    def forget(self, waiting: _Waiting) -> None:
        """Nobody wants the answer any more."""
        if waiting in self._waiting:
            self._waiting.remove(waiting)
            self._waiting_bytes -= waiting.size

    def _dispatch(self) -> None:
        for worker in tuple(self._workers):
            if self._waiting and worker.idle:
                waiting = self._next()
                worker.ask(waiting.request).addCallbacks(
                    self._done, self._failed, callbackArgs=(waiting, worker), errbackArgs=(waiting,)
                )
        while len(self._workers) < self._size and self._starting() < len(self._waiting):
            self._start_worker()

    def _starting(self) -> int:
        return sum(not worker.ready for worker in self._workers)

    def _next(self) -> _Waiting:
        waiting = self._waiting.popleft()
        self._waiting_bytes -= waiting.size
        return waiting

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

    def _done(self, result: object, waiting: _Waiting, worker: Worker) -> None:
        self._parses.labels("ok").inc()
        if worker.mails >= self._limits.mails_per_worker:
            worker.kill()
        waiting.answer(NotFound("no such attachment") if result is None else result)
        self._dispatch()

    def _failed(self, failure: Failure, waiting: _Waiting) -> None:
        failed = failure.value
        assert isinstance(failed, ParseFailed)
        if not self._open:
            self._refuse(waiting, "stopping")
            return
        self._parses.labels(failed.outcome).inc()
        self._log.warn("{defect}: a mail of {size} bytes", defect=failed.defect, size=waiting.size)
        if isinstance(waiting.request, Rendering):
            waiting.answer(_GivenUp(f"{failed.defect}; the raw message holds the text"))
        elif isinstance(waiting.request, Examining):
            waiting.answer(
                waiting.request.asked.given_up(failed.defect)
                if failed.lasting
                else Unavailable(f"{failed.defect}; the mail's origin was not found out")
            )
        elif waiting.request.index is None:
            waiting.answer(unparsed(waiting.request.raw, failed.defect, lasting=failed.lasting))
        else:
            waiting.answer(Unavailable(f"{failed.defect}; the raw message holds the attachment"))

    def _refuse(self, waiting: _Waiting, reason: str) -> None:
        waiting.answer(self._refusal(reason, waiting.size))

    def _refusal(self, reason: str, size: int) -> Unavailable:
        self._parses.labels("refused").inc()
        self._log.warn("parse refused, {reason}: a mail of {size} bytes", reason=reason, size=size)
        return Unavailable(f"the mail cannot be parsed now: {reason}")
