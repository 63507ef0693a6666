"""Finding out where messages come from: once for each, beside its way, and kept.

Nothing of this lies on the way to a sender's 250, nor to a list's or a wait's answer: a message is
looked into once its view has been made, which is where somebody reads, waits or watches, so soon
after its arrival that the keys in DNS are still those it was signed with.  Only who reads one full
message waits for what is being found out, and no longer than :data:`PATIENCE`.  Without that
nearly everybody's first look would show nothing, and they would have to come again; with it the
wait is a few round trips to a resolver near by, once in a message's life.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol
from uuid import UUID

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.core.metrics import Metrics
from tempmail.core.ports import Messages
from tempmail.mail.authenticity.answers import Answer, Question
from tempmail.model.authentication import Authentication, Finding
from tempmail.model.errors import TempmailError
from tempmail.model.message import Message, Trace

PATIENCE = 3.0
"""Seconds that a reader waits at most."""
DNS_SECONDS = 2.5
"""For all questions of one message."""
MOST_QUESTIONS = 80
"""Of one message, whatever a worker says: SPF 40, DKIM 8, ARC 16, DMARC 2, and some room."""

_AT_ONCE = 16
_AT_ONCE_EACH = 8
"""Messages that are looked into, altogether and of one mailbox."""
_BYTES_AT_ONCE = 32 * 1024 * 1024
_EVERY_VERSION = 2**31 - 1
_LATE = 2 * 24 * 3600
"""Seconds after which a key may have been replaced: what is not known by then stays unknown."""
_AGAIN = 60
"""Seconds before what failed is tried again."""
_MOST_REMEMBERED = 1000
_TOO_LATE = Answer(failure="it took too long")
_TOO_MANY = Answer(failure="the mail needs too many lookups")


class Resolver(Protocol):
    """DNS, as far as it can be asked now."""

    @property
    def ready(self) -> bool:
        """Whether there is a point in asking."""

    def lookup(self, question: Question) -> Deferred[Answer]:
        """Never fails: what cannot be learned now is an answer that says so."""


class Examiner(Protocol):
    """What is found out in processes that a mail may kill; none of it opens a connection.

    Each says for which mailbox it is; these are served in turn.  All raise
    :class:`~tempmail.model.errors.Unavailable` where no worker could be had.
    """

    def check_spf(
        self, mailbox_id: int, trace: Trace, answers: Mapping[Question, Answer]
    ) -> Deferred[Finding | list[Question]]:
        """The verdict of SPF, or what has to be asked before there is one."""

    def survey(self, mailbox_id: int, raw: bytes) -> Deferred[list[Question]]:
        """What has to be asked for the other verdicts."""

    def judge(
        self, mailbox_id: int, raw: bytes, spf: Finding, answers: Mapping[Question, Answer]
    ) -> Deferred[Authentication]:
        """All verdicts; an answer that is missing is one that could not be had."""


@define(eq=False)
class _Evaluation:
    """A message that is being looked into.

    :ivar raw: its bytes; None where they have to be read.
    :ivar deadline: for DNS.
    :ivar waiting: those who read it.
    """

    message: Message
    raw: bytes | None
    deadline: float
    asked: int = 0
    waiting: list[Deferred[Authentication | None]] = field(factory=list)


class Authenticity:
    """:param messages: stored ones.
    :param examiner: judges them.
    :param resolver: asks DNS.
    :param metrics: counts evaluations and verdicts.
    :param clock: for the deadlines.
    """

    _log = Logger()

    def __init__(
        self,
        messages: Messages,
        examiner: Examiner,
        resolver: Resolver,
        metrics: Metrics,
        clock: IReactorTime,
    ) -> None:
        self._messages = messages
        self._examiner = examiner
        self._resolver = resolver
        self._evaluations = metrics.authentications
        self._verdicts = metrics.authentication_verdicts
        self._clock = clock
        self._under_way: dict[UUID, _Evaluation] = {}
        self._bytes = 0
        self._tried: OrderedDict[UUID, float] = OrderedDict()  # the longest ago first

    def begin(self, message: Message, raw: bytes) -> None:
        """Look into a message whose bytes are at hand, unless that was done or is too much now."""
        if self._wanted(message) and message.summary.id not in self._under_way:
            self._start(message, raw)

    async def of(self, message: Message) -> Authentication | None:
        """What is known of a message within :data:`PATIENCE`; None or the old where that is not
        enough, which the next reader sees."""
        known = message.authentication
        if not self._wanted(message):
            return known
        own: Deferred[Authentication | None] = Deferred()
        evaluation = self._under_way.get(message.summary.id)
        if evaluation is not None:
            evaluation.waiting.append(own)
        elif not self._start(message, None, own):
            return known
        if known is not None and known.evaluated:
            return known
        return await own.addTimeout(PATIENCE, self._clock, lambda _, __: known)

    def _wanted(self, message: Message) -> bool:
        known = message.authentication
        if known is not None and known.evaluated and not known.unsettled:
            return False
        if message.summary.id in self._under_way:
            return True
        tried = self._tried.get(message.summary.id)
        if tried is not None and self._clock.seconds() < tried + _AGAIN:
            return False
        if known is not None and known.evaluated and self._age(message) > _LATE:
            return False
        return self._resolver.ready

    def _start(
        self, message: Message, raw: bytes | None, *waiting: Deferred[Authentication | None]
    ) -> bool:
        """Begin to look into a message, for those who wait; whether there is room for it."""
        identity, size = message.summary.id, message.summary.size
        of_mailbox = sum(
            one.message.summary.mailbox_id == message.summary.mailbox_id
            for one in self._under_way.values()
        )
        if (
            len(self._under_way) >= _AT_ONCE
            or of_mailbox >= _AT_ONCE_EACH
            or self._bytes + size > _BYTES_AT_ONCE
        ):
            self._evaluations.labels("left_out").inc()
            return False
        deadline = self._clock.seconds() + DNS_SECONDS
        evaluation = _Evaluation(message, raw, deadline, waiting=list(waiting))
        self._under_way[identity] = evaluation
        self._bytes += size
        Deferred.fromCoroutine(self._evaluate(evaluation)).addBoth(self._ended, evaluation)
        return True

    def _ended(self, outcome: Authentication | Failure, evaluation: _Evaluation) -> None:
        message = evaluation.message
        found = message.authentication
        if not isinstance(outcome, Failure):
            found = outcome
            self._evaluations.labels("done").inc()
        elif isinstance(outcome.value, TempmailError):
            self._evaluations.labels("failed").inc()
            self._log.info(
                "message {message} was not looked into: {why}",
                message=message.summary.id,
                why=outcome.value.code,
            )
        else:
            self._evaluations.labels("failed").inc()
            self._log.failure(
                "message {message} was not looked into", outcome, message=message.summary.id
            )
        del self._under_way[message.summary.id]
        self._bytes -= message.summary.size
        self._remember(message.summary.id)
        for one in evaluation.waiting:
            if not one.called:
                one.callback(found)

    def _remember(self, identity: UUID) -> None:
        self._tried[identity] = self._clock.seconds()
        self._tried.move_to_end(identity)
        if len(self._tried) > _MOST_REMEMBERED:
            self._tried.popitem(last=False)

    async def _evaluate(self, evaluation: _Evaluation) -> Authentication:
        message, raw = evaluation.message, evaluation.raw
        if raw is None:
            summary = message.summary
            _, raw = await self._messages.fetch(summary.mailbox_id, summary.id, _EVERY_VERSION)
            assert raw is not None
        surveyed = Deferred.fromCoroutine(self._surveyed(evaluation, raw))
        told = message.authentication or Authentication()
        # What is settled stays: it may be the word of those who saw the client, as we did not.
        kept = {
            method: finding
            for method in ("spf", "dmarc")
            if (finding := getattr(told, method)) is not None and finding.result != "temperror"
        }
        try:
            spf = kept.get("spf") or await self._spf(evaluation)
        except TempmailError:
            surveyed.addErrback(lambda _: None)  # there is no worker for that either
            raise
        questions = await surveyed
        judged = await self._examiner.judge(message.summary.mailbox_id, raw, spf, questions)
        found = evolve(self._dated(judged, message), **kept)
        for method in ("spf", "dkim", "dmarc", "arc"):
            self._verdicts.labels(method, getattr(found, method).result).inc()
        found = evolve(found, spam=told.spam, virus=told.virus)
        with suppress(TempmailError):  # the next reader has it found out again
            await self._messages.keep_authentication(message.summary, found)
        return found

    async def _spf(self, evaluation: _Evaluation) -> Finding:
        answers: dict[Question, Answer] = {}
        message = evaluation.message
        for _ in range(MOST_QUESTIONS):
            found = await self._examiner.check_spf(
                message.summary.mailbox_id, message.trace, answers
            )
            if isinstance(found, Finding):
                return found
            answers |= await self._asked(evaluation, found)
        return Finding("permerror", "it takes too many lookups")

    async def _surveyed(self, evaluation: _Evaluation, raw: bytes) -> dict[Question, Answer]:
        mailbox_id = evaluation.message.summary.mailbox_id
        return await self._asked(evaluation, await self._examiner.survey(mailbox_id, raw))

    async def _asked(
        self, evaluation: _Evaluation, questions: Sequence[Question]
    ) -> dict[Question, Answer]:
        """Answers within the evaluation's bounds of time and number."""
        answers = await gatherResults([self._answer(evaluation, one) for one in questions])
        return dict(zip(questions, answers, strict=True))

    def _answer(self, evaluation: _Evaluation, question: Question) -> Deferred[Answer]:
        left = evaluation.deadline - self._clock.seconds()
        evaluation.asked += 1
        answer: Deferred[Answer] = Deferred()
        if evaluation.asked > MOST_QUESTIONS or left <= 0:
            answer.callback(_TOO_LATE if left <= 0 else _TOO_MANY)
            return answer
        lookup = self._resolver.lookup(question)
        lookup.addTimeout(left, self._clock, lambda _, __: _TOO_LATE)
        return lookup

    def _age(self, message: Message) -> float:
        return self._clock.seconds() - message.summary.received_at.timestamp()

    def _dated(self, found: Authentication, message: Message) -> Authentication:
        """Says where DNS may not be any more what it was when the message came."""
        age = self._age(message)
        if age < _LATE:
            return found
        behind = f" (looked up {age / 86400:.0f} days after it came)"

        def dated(finding: Finding | None) -> Any:
            assert finding is not None
            if finding.result in ("pass", "none"):
                return finding
            return evolve(finding, reason=finding.reason + behind)

        return evolve(
            found,
            spf=dated(found.spf),
            dkim=dated(found.dkim),
            dmarc=dated(found.dmarc),
            arc=dated(found.arc),
        )
