"""Waiting for messages that match, for as long as a client is ready to wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from attrs import evolve, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from tempmail.core.answering import Answering
from tempmail.core.matching import Matcher
from tempmail.core.metrics import Metrics
from tempmail.core.places import Places
from tempmail.core.turns import Room
from tempmail.core.views import Views
from tempmail.core.waiting import Following, Watching
from tempmail.model.errors import NotFound, Unavailable
from tempmail.model.event import Event, EventKind
from tempmail.model.mailbox import Mailbox, Owner
from tempmail.model.message import Message

MOST = 10_000
MOST_EACH = 2_000
"""Those who wait, altogether and of one network; each takes some 20 KB and a descriptor."""

_AFTER_ITS_END = 0.5
"""Seconds that a wait looks again after a mailbox's time: the database's clock counts."""


@frozen
class Wanted:
    """What somebody waits for.

    :ivar count: messages that match.
    :ivar after: those with a sequence number above it count; 0 for all that are there.
    :ivar seconds: how long.
    """

    matcher: Matcher
    count: int
    after: int
    seconds: float


@frozen
class Caught:
    """How a wait ended.

    :ivar messages: as many as were wanted, oldest first, not marked as read; none where time
        was up.  They are as :class:`tempmail.core.answering.Answering` makes them fit.
    :ivar after: the sequence number to go on from.  Where time was up with too few, it lies
        before the first of these, so that they count again.
    """

    messages: Sequence[Message]
    after: int


class LongPolls:
    """Everybody who waits.  No thread and no database connection is held for them.

    :param watching: admits followers of mailboxes.
    :param views: messages as they are matched and answered.
    :param metrics: counts them, and whom we refused.
    :param reactor: for the end of the wait, and for a thread in which costly patterns are matched,
        one after another; networks take turns at it.
    :param most, most_each: how many there may be, altogether and of one network.
    """

    def __init__(
        self,
        watching: Watching,
        views: Views,
        metrics: Metrics,
        reactor: Any,
        *,
        most: int = MOST,
        most_each: int = MOST_EACH,
    ) -> None:
        self.watching = watching
        self.views = views
        self.metrics = metrics
        self._reactor = reactor
        self.clock: IReactorTime = reactor
        self._matching = Room(1)
        self._places = Places(most, most_each, metrics.long_polls, metrics.followers_refused)
        self._open: set[_Wait] = set()
        self._stopping = False

    async def wait(self, address: str, owner: Owner, wanted: Wanted, network: str) -> Caught:
        """Wait until there is what is wanted, or time is up, or the daemon stops.

        Cancelling frees everything that was held for it.

        :param network: that asks, see :func:`tempmail.model.network.network`.
        :raises NotFound: there is no such mailbox, or it ends meanwhile.
        :raises Unauthenticated: a credential that was never issued.
        :raises LimitReached: the network waits for as much as it may.
        :raises Unavailable: too many wait, storage cannot be read, or the daemon stops.
        """
        if self._stopping:
            raise Unavailable("the server is stopping; try again")
        end = self.clock.seconds() + wanted.seconds
        self._places.take(network)
        try:
            while True:
                mailbox = await self.watching.admit(address, owner)  # it may have been extended
                now = self.clock.seconds()
                left = 0 if self._stopping else end - now
                life = mailbox.expires_at.timestamp() - now + _AFTER_ITS_END
                seconds = max(0, min(left, life))
                caught = await self._wait(mailbox, wanted, seconds, network)
                if caught.messages or life >= left:
                    return caught
                wanted = evolve(wanted, after=caught.after)
        finally:
            self._places.give(network)

    async def _wait(self, mailbox: Mailbox, wanted: Wanted, seconds: float, network: str) -> Caught:
        wait = _Wait(self, wanted, mailbox, network)
        self._open.add(wait)
        timer = self.clock.callLater(seconds, wait.time_is_up)
        try:
            wait.start(mailbox)
            return await wait.outcome
        finally:
            self._open.discard(wait)
            wait.stop()
            if timer.active():
                timer.cancel()

    def matches(self, matcher: Matcher, message: Message, network: str) -> Deferred[bool]:
        """Whether ``message`` is as ``matcher`` says, found out beside the reactor.

        :param network: whose turn it takes.
        """
        return self._matching.run(
            network,
            deferToThreadPool,
            self._reactor,
            self._reactor.getThreadPool(),
            matcher.matches,
            message,
        )

    def stop(self) -> None:
        """Let everybody go, as if time were up, and nobody else begin."""
        self._stopping = True
        for wait in tuple(self._open):
            wait.time_is_up()


class _Wait:
    """One who waits; looks at one message after another, in the order of commit.

    :ivar outcome: fires once.
    """

    def __init__(self, polls: LongPolls, wanted: Wanted, mailbox: Mailbox, network: str) -> None:
        self.outcome: Deferred[Caught] = Deferred()
        self._polls = polls
        self._wanted = wanted
        self._network = network
        self._matching: Deferred[bool] | None = None
        self._after = polls.watching.start_of(mailbox, wanted.after)
        self._candidates: deque[Event] = deque()
        self._found: list[Event] = []  # not the messages: thousands may wait for many large ones
        self._considering = False
        self._considered: Event | None = None
        self._following: Following | None = None

    def start(self, mailbox: Mailbox) -> None:
        self._following = self._polls.watching.follow(
            mailbox, self._wanted.after, self._receive, self._lost
        )

    def stop(self) -> None:
        self._candidates.clear()
        if self._matching is not None:
            self._matching.cancel()
        if self._following is not None:
            self._following.stop()

    def time_is_up(self) -> None:
        if not self.outcome.called:
            first = self._found[0].seq - 1 if self._found else self._after
            self.outcome.callback(Caught((), first))

    def _receive(self, event: Event) -> None:
        if event.kind is EventKind.EXPIRED:
            self._fail(NotFound("the mailbox has ended"))
        elif event.kind is EventKind.DELETED:
            gone = event.message_id
            self._found = [one for one in self._found if gone and one.message_id != gone]
            if self._considered is not None and gone in (None, self._considered.message_id):
                self._considered = None
        elif event.kind is EventKind.NEW_MESSAGE:
            self._candidates.append(event)
            if self._following is not None:
                self._following.pause()
            if not self._considering:
                self._considering = True
                # Soon, but not before whoever handed the mail over is answered.
                self._polls.clock.callLater(0, self._begin_to_consider)

    def _begin_to_consider(self) -> None:
        Deferred.fromCoroutine(self._consider()).addErrback(self._fail)

    def _lost(self) -> None:
        self._fail(Unavailable("the mailbox cannot be read; try again"))

    def _fail(self, why: Failure | Exception) -> None:
        if not self.outcome.called:
            self.outcome.errback(why)

    async def _consider(self) -> None:
        """Look at the candidates; those that come meanwhile wait in the table."""
        while self._candidates and not self.outcome.called:
            event = self._considered = self._candidates.popleft()
            assert event.message_id is not None
            with suppress(NotFound):  # deleted meanwhile
                message = await self._polls.views.read(
                    event.mailbox_id, event.message_id, self._network
                )
                if await self._matches(message) and self._considered is event:
                    self._found.append(event)
            if len(self._found) == self._wanted.count and not self.outcome.called:
                await self._answer(message)
            self._after = event.seq
        self._considering = False
        if self._following is not None:
            self._following.resume()

    async def _answer(self, last: Message) -> None:
        """Read again what was found before the last one, unless it was deleted since."""
        messages = []
        answering = Answering(self._polls.metrics)
        for event in tuple(self._found):
            assert event.message_id is not None
            if event.message_id == last.summary.id:
                messages.append(answering.fit(last))
                continue
            try:
                message = await self._polls.views.read(
                    event.mailbox_id, event.message_id, self._network
                )
                messages.append(answering.fit(message))
            except NotFound:  # deleted since it was found
                self._found.remove(event)
        complete = len(messages) == len(self._found) == self._wanted.count
        if complete and not self.outcome.called:
            self.outcome.callback(Caught(messages, last.summary.seq))

    async def _matches(self, message: Message) -> bool:
        matcher = self._wanted.matcher
        if not matcher.is_costly:
            return matcher.matches(message)
        self._matching = self._polls.matches(matcher, message, self._network)
        matches = await self._matching
        self._matching = None
        return matches
