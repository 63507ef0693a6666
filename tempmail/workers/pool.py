"""A few worker processes, and who gets one next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.core.metrics import Metrics
from tempmail.core.rendering import GivenUp
from tempmail.core.turns import Asker
from tempmail.mail.authenticity.answers import Answer, Question
from tempmail.mail.authenticity.header import head_of
from tempmail.mail.extracted import Extracted
from tempmail.mail.parser_version import PARSER_VERSION
from tempmail.mail.refused_kinds import REFUSED_KINDS
from tempmail.mail.unparsed import unparsed
from tempmail.model.authentication import Authentication, Finding
from tempmail.model.errors import NotFound, Unavailable
from tempmail.model.message import Trace, View
from tempmail.workers.answers import Examining, Rendering, Request
from tempmail.workers.examinations import Judgement, Lookups, SpfCheck, Survey
from tempmail.workers.waiting import Full, Line, Waiting
from tempmail.workers.worker import Limits, ParseFailed, Worker, command

_REASONS = {
    "stopping": "the server is stopping",
    "no_worker": "no parser could be started",
    "full": "too many mails wait; try again",
    "asker_full": "too many mails that you opened wait; try again",
    "put_out": "too many mails that you opened wait; try again",
}
"""Why a request gets no worker, for the metric and in words."""


class ParserPool:
    """Parses mail in processes that a mail may hang or kill at no cost to any other.

    Implements :class:`tempmail.core.ports.Parser`, :class:`tempmail.core.rendering.Renderer` and
    :class:`tempmail.core.authenticity.Examiner`.  Workers are started when they are first needed,
    and replaced when a mail took them along.

    Each request says for whom it is.  Askers are served in turn, whoever reads before
    examinations of where mails come from, and where there are several workers one is left to the
    others: so mails that cost their workers make whoever opens them wait, and hardly anybody else.

    :param reactor: starts processes and calls later.
    :param metrics: counts parses by outcome: ok, killed, crashed, refused; and these by reason.
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
        self._refused = metrics.parses_refused
        self._size = size
        self._each = max(1, size - 1)
        self._limits = limits or Limits()
        self._command = worker_command or command(self._limits, refused)
        self._readers = Line(self._limits)
        self._examinations = Line(self._limits)
        self._at_work: Counter[Asker] = Counter()  # workers, by who has them
        self._workers: set[Worker] = set()
        self._open = False
        self._stopped: list[Deferred[None]] = []

    def start(self) -> None:
        """Take mails from now on."""
        self._open = True

    def stop(self) -> Deferred[None]:
        """Kill the workers and let go of their mails; fires when no process is left."""
        self._open = False
        while waiting := self._readers.take() or self._examinations.take():
            self._refuse(waiting, "stopping")
        for worker in tuple(self._workers):
            worker.kill()
        if not self._workers:
            return succeed(None)
        stopped: Deferred[None] = Deferred()
        self._stopped.append(stopped)
        return stopped

    def parse(self, asker: Asker, raw: bytes) -> Deferred[View]:
        """The view of a mail, or what the envelope headers yield where its parse is given up.

        Cancelling drops a mail that waits; the answer to one that a worker has is ignored.

        :raises Unavailable: stopped, too many wait (of the asker or altogether), or no worker
            could be started.
        """
        return self._ask(asker, Request(raw))

    def extract(self, asker: Asker, raw: bytes, index: int) -> Deferred[Extracted]:
        """The attachment that the mail's view has at ``index``.

        :raises NotFound: the mail has no such attachment.
        :raises Unavailable: as for :meth:`parse`, and where taking it out was given up.
        """
        return self._ask(asker, Request(raw, index))

    def document(
        self, asker: Asker, html: str, text: str, images: Mapping[str, str]
    ) -> Deferred[str]:
        """A mail's HTML made safe; its text where it has no HTML.

        :param images: as for :func:`tempmail.mail.safe_html.safe_html`.
        :raises GivenUp: it cost its worker.
        :raises Unavailable: as for :meth:`parse`.
        """
        return self._ask(asker, Rendering(html, text, images))

    def text_instead(self, asker: Asker, text: str) -> Deferred[str]:
        """A mail's text, as the document of one whose HTML was given up.

        :raises Unavailable: as for :meth:`document`.
        """
        return self._ask(asker, Rendering("", text, {}, instead=True))

    def check_spf(
        self, asker: Asker, trace: Trace, answers: Mapping[Question, Answer]
    ) -> Deferred[Finding | list[Question]]:
        """The verdict of SPF, or what DNS has to be asked before there is one.

        :raises Unavailable: as for :meth:`parse`.
        """
        check = SpfCheck(trace.peer_ip, trace.helo, trace.mail_from, Lookups.of(answers))
        return self._ask(asker, Examining(check))

    def survey(self, asker: Asker, raw: bytes) -> Deferred[list[Question]]:
        """What DNS has to be asked for the other verdicts on a mail.

        :raises Unavailable: as for :meth:`parse`.
        """
        return self._ask(asker, Examining(Survey(head_of(raw))))

    def judge(
        self, asker: Asker, raw: bytes, spf: Finding, answers: Mapping[Question, Answer]
    ) -> Deferred[Authentication]:
        """All verdicts on a mail; an answer that is missing is one that could not be had.

        :raises Unavailable: as for :meth:`parse`.
        """
        return self._ask(asker, Examining(Judgement(raw, spf, Lookups.of(answers))))

    def _ask(self, asker: Asker, request: Request | Rendering | Examining) -> Deferred[Any]:
        waiting = Waiting(asker, request, self._forget)
        if not self._open:
            self._refuse(waiting, "stopping")
            return waiting.result
        try:
            put_out = self._line_of(waiting).add(waiting)
        except Full as full:
            self._refuse(waiting, full.reason)
            return waiting.result
        for one in put_out:
            self._refuse(one, "put_out")
        self._dispatch()
        return waiting.result

    def _line_of(self, waiting: Waiting) -> Line:
        return self._examinations if waiting.can_wait else self._readers

    def _forget(self, waiting: Waiting) -> None:
        self._line_of(waiting).forget(waiting)

    def _dispatch(self) -> None:
        for worker in tuple(self._workers):
            if worker.idle and (waiting := self._next()) is not None:
                self._at_work[waiting.asker] += 1
                worker.ask(waiting.request).addBoth(self._left, waiting).addCallbacks(
                    self._done, self._failed, callbackArgs=(waiting, worker), errbackArgs=(waiting,)
                )
        while len(self._workers) < self._size and self._starting() < self._startable():
            self._start_worker()

    def _starting(self) -> int:
        return sum(not worker.ready for worker in self._workers)

    def _startable(self) -> int:
        """How many more workers there would be work for."""
        counts = Counter(self._readers.counts()) + Counter(self._examinations.counts())
        return sum(min(count, self._each - self._at_work[asker]) for asker, count in counts.items())

    def _next(self) -> Waiting | None:
        return self._readers.take(self._may) or self._examinations.take(self._may)

    def _may(self, asker: Asker) -> bool:
        return self._at_work[asker] < self._each

    def _left(self, outcome: object, waiting: Waiting) -> object:
        """The asker has this worker no longer."""
        self._at_work[waiting.asker] -= 1
        if not self._at_work[waiting.asker]:
            del self._at_work[waiting.asker]
        return outcome

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
        waiting = self._next()
        if waiting is not None:
            self._refuse(waiting, "no_worker")

    def _done(self, result: object, waiting: Waiting, worker: Worker) -> None:
        self._parses.labels("ok").inc()
        if worker.mails >= self._limits.mails_per_worker:
            worker.kill()
        waiting.answer(NotFound("no such attachment") if result is None else result)
        self._dispatch()

    def _failed(self, failure: Failure, waiting: Waiting) -> None:
        failed = failure.value
        assert isinstance(failed, ParseFailed)
        if not self._open:
            self._refuse(waiting, "stopping")
            return
        self._parses.labels(failed.outcome).inc()
        self._log.warn("{defect}: a mail of {size} bytes", defect=failed.defect, size=waiting.size)
        if isinstance(waiting.request, Rendering):
            waiting.answer(
                GivenUp(f"{failed.defect}; the raw message holds the text", lasting=failed.lasting)
            )
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

    def _refuse(self, waiting: Waiting, reason: str) -> None:
        """:param reason: as the metric has it."""
        self._parses.labels("refused").inc()
        self._refused.labels(reason).inc()
        self._log.warn(
            "parse refused, {reason}: a mail of {size} bytes for {asker}",
            reason=reason,
            size=waiting.size,
            asker=waiting.asker,
        )
        waiting.answer(Unavailable(f"the mail cannot be parsed now: {_REASONS[reason]}"))
