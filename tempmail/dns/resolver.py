"""DNS as one daemon asks it: remembered, shared, within a budget, and not at all when it is down.

A mail decides what is asked, so that none of it may cost much: one daemon asks no more than
:data:`BUDGET` altogether, whoever sends what, which makes it a poor amplifier against anybody's
name server.  Where no resolver answers a few times in a row, each is asked about the root, which
it always knows; until one answers nothing else is asked, and nobody waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import (
    CancelledError,
    Deferred,
    TimeoutError,  # noqa: A004  # Twisted's own
    succeed,
)
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.core.limits import Rate, TokenBuckets
from tempmail.core.metrics import Metrics
from tempmail.dns.cache import Cache
from tempmail.dns.exchange import NoAnswer, Server, ask
from tempmail.dns.reading import Read, failure, read
from tempmail.mail.authenticity.answers import Answer, Question

BUDGET = Rate(per_second=100, burst=300)
"""Questions of this daemon; some 20 mails a second from senders that nobody has seen before."""

TRY_SECONDS = 1.0
TRIES = 2
_SILENCES = 5
"""In a row, after which the resolvers themselves are in doubt."""
_PROBE_EVERY = 15.0
_AT_ONCE = 100

_OVER_BUDGET = Answer(failure="too much is being looked up at the moment")
_DOWN = Answer(failure="no resolver answers")


class DnsResolver:
    """Implements :class:`tempmail.core.authenticity.Resolver` with resolvers that recurse for us.

    :param reactor: makes connections and knows the time.
    :param servers: asked by turns; without any nothing is ever known.
    :param metrics: counts lookups by outcome.
    """

    _log = Logger()

    def __init__(
        self, reactor: Any, servers: Sequence[Server], metrics: Metrics, budget: Rate = BUDGET
    ) -> None:
        self._reactor = reactor
        self._servers = tuple(servers)
        self._lookups = metrics.dns_lookups
        self._budget = TokenBuckets(budget)
        self._cache = Cache()
        self._under_way: dict[Question, list[Deferred[Answer]]] = {}
        self._work: set[Deferred[Any]] = set()
        self._silences = _SILENCES  # in doubt until one has answered
        self._probing = False
        self._probed_at = float("-inf")
        self._open = False

    def start(self) -> None:
        """Find out whether a resolver answers."""
        self._open = True
        self._probe()

    def stop(self) -> None:
        """Ask nothing any more, and close what is open."""
        self._open = False
        for work in tuple(self._work):
            work.cancel()

    @property
    def ready(self) -> bool:
        """Whether some resolver answered lately."""
        if not self._servers:
            return False
        if self._silences < _SILENCES:
            return self._open
        if self._open and self._reactor.seconds() >= self._probed_at + _PROBE_EVERY:
            self._probe()
        return False

    def lookup(self, question: Question) -> Deferred[Answer]:
        """The answer; one that says why where there is none.

        Cancelling leaves the question to whoever else asks it, and to the cache.
        """
        now = self._reactor.seconds()
        known = self._cache.get(question, now)
        if known is not None:
            return self._counted("cached", known)
        if question in self._under_way:
            return self._shared(question)
        if not self.ready:
            return self._counted("not_asked", _DOWN)
        if len(self._under_way) >= _AT_ONCE or self._budget.wait("", 1, now):
            return self._counted("over_budget", _OVER_BUDGET)
        self._budget.take("", 1, now)
        self._under_way[question] = []
        answer = self._shared(question)
        self._run(self._resolve(question))
        return answer

    def _counted(self, outcome: str, answer: Answer) -> Deferred[Answer]:
        self._lookups.labels(outcome).inc()
        return succeed(answer)

    def _shared(self, question: Question) -> Deferred[Answer]:
        own: Deferred[Answer] = Deferred()
        self._under_way[question].append(own)
        return own

    def _run(self, work: Any) -> None:
        running = Deferred.fromCoroutine(work)
        self._work.add(running)

        def ended(outcome: object) -> None:
            self._work.discard(running)
            if isinstance(outcome, Failure) and not outcome.check(CancelledError):
                self._log.failure("DNS was not asked", outcome)

        running.addBoth(ended)

    async def _resolve(self, question: Question) -> None:
        found = failure("stopping")
        try:
            found = await self._asked(question)
            self._cache.keep(question, found, self._reactor.seconds())
        finally:
            self._lookups.labels("failed" if found.answer.failure else "answered").inc()
            for one in self._under_way.pop(question):
                if not one.called:
                    one.callback(found.answer)

    async def _asked(self, question: Question) -> Read:
        """Ask by turns; what the first says counts, unless it says that it cannot tell."""
        found = failure("no resolver answered in time")
        for number in range(max(TRIES, len(self._servers))):
            server = self._servers[number % len(self._servers)]
            try:
                message = await ask(
                    self._reactor,
                    server,
                    question.name,
                    question.kind,
                    seconds=TRY_SECONDS,
                    extended=number == 0,
                )
            except (TimeoutError, NoAnswer):
                continue
            self._heard()
            found = read(message, question)
            if not found.answer.failure:
                return found
        if found.answer.failure == "no resolver answered in time":
            self._silences += 1
            if self._silences == _SILENCES:
                self._log.warn("the resolvers are silent; asking whether they are there")
                self._probe()
        return found

    def _heard(self) -> None:
        if self._silences >= _SILENCES:
            self._log.info("a resolver answers")
        self._silences = 0

    def _probe(self) -> None:
        if not self._probing and self._open and self._servers:
            self._probing = True
            self._run(self._probe_all())

    async def _probe_all(self) -> None:
        """Whether a resolver answers at all: each knows about the root."""
        try:
            for server in self._servers:
                try:
                    await ask(self._reactor, server, "", "NS", seconds=TRY_SECONDS, extended=False)
                except (TimeoutError, NoAnswer):
                    continue
                self._heard()
                return
            if self._probed_at == float("-inf"):
                self._log.warn("no resolver answers: where mails are from stays unknown for now")
        finally:
            self._probed_at = self._reactor.seconds()
            self._probing = False
