"""Following a mailbox from a sequence number on: nothing is missed and nothing comes twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.core.mailboxes import MailboxDesk
from tempmail.core.ports import Bus, Mailboxes, Messages, News, Place, Subscription
from tempmail.model.errors import NotFound, TempmailError
from tempmail.model.event import Event, EventKind
from tempmail.model.mailbox import Mailbox, Owner

_PAGE = 200

_ASKED_AT_ONCE = 300
"""Questions to storage, which turns more away: followers come in crowds, after a restart."""


class Following:
    """One follower's place in a mailbox.

    An event from the bus is taken at its word only where it continues the sequence; at any
    gap the table is read, because between two nodes events can overtake each other or be lost.
    What no event tells of, :mod:`tempmail.core.rounds` finds.

    :param arrivals: reads the table, see :meth:`tempmail.core.ports.Messages.arrivals`.
    :param mailbox_id: whose events.
    :param after: the last sequence number that the follower knows.
    :param deletions: how many messages had been deleted by then.
    :param receive: called on the reactor's thread with each event, messages in order.
    :param lost: called once where the table cannot be read: the follower is to come again
        with the last sequence number it got.
    :param arrived: called with each event as the bus brings it, whoever has seen it already.
    :param left: called where it stops.
    """

    _log = Logger()

    def __init__(
        self,
        arrivals: Callable[[int, int, int], Awaitable[Sequence[Event]]],
        mailbox_id: int,
        after: int,
        deletions: int,
        receive: Callable[[Event], None],
        lost: Callable[[], None],
        arrived: Callable[[Event], None],
        left: Callable[[Following], None],
    ) -> None:
        self._arrivals = arrivals
        self._mailbox_id = mailbox_id
        self._last = after
        self._deletions = deletions
        self._receive = receive
        self._lost = lost
        self._arrived = arrived
        self._left = left
        self._subscription: Subscription | None = None
        self._looking = False
        self._look_again = False
        self._resumed: Deferred[None] | None = None
        self._stopped = False

    def start(self, bus: Bus) -> None:
        """Subscribe, then look: in this order nothing slips between."""
        self._subscription = bus.subscribe(self._mailbox_id, self._heard)
        self._look()

    def stop(self) -> None:
        """Receive nothing from now on; twice is once."""
        self._stopped = True
        if self._subscription is not None:
            self._subscription.cancel()
            self._subscription = None
        self._left(self)
        self.resume()

    def pause(self) -> None:
        """Receive no further messages until resumed, but for what was read already."""
        if self._resumed is None:
            self._resumed = Deferred()

    def resume(self) -> None:
        """Go on where it paused: the table has what came meanwhile."""
        resumed, self._resumed = self._resumed, None
        if resumed is not None:
            resumed.callback(None)

    @property
    def place(self) -> Place:
        """How much was told."""
        return Place(self._mailbox_id, self._last, self._deletions)

    def learn(self, news: News) -> None:
        """Catch up with what was found in the table, where it is not known already."""
        if news.ended:
            self._heard(Event(EventKind.EXPIRED, self._mailbox_id))
            return
        for event in news.deleted:
            if event.seq > self._deletions:
                self._heard(event)
        self._deletions = max(self._deletions, news.deletions)
        if news.last_seq > self._last and not self._stopped:
            self._look()

    def _heard(self, event: Event) -> None:
        if self._stopped:
            return
        self._arrived(event)
        if event.kind is not EventKind.NEW_MESSAGE:
            if event.kind is EventKind.DELETED:
                self._deletions = max(self._deletions, event.seq)
            self._receive(event)
        elif not self._looking and self._resumed is None and event.seq == self._last + 1:
            self._tell(event)
        elif event.seq > self._last:
            self._look()

    def _tell(self, event: Event) -> None:
        if not self._stopped:  # a receiver may stop following on any event
            self._last = event.seq
            self._receive(event)

    def _look(self) -> None:
        self._look_again = self._looking
        if not self._looking:
            self._looking = True
            Deferred.fromCoroutine(self._read_table()).addErrback(self._cannot_look)

    async def _read_table(self) -> None:
        more = True
        while more:
            if self._resumed is not None:
                await self._resumed
            if self._stopped:
                return
            self._look_again = False
            events = await self._arrivals(self._mailbox_id, self._last, _PAGE)
            for event in events:
                self._tell(event)
            more = self._look_again or len(events) == _PAGE
        self._looking = False

    def _cannot_look(self, failure: Failure) -> None:
        if self._stopped:
            return
        self.stop()
        if isinstance(failure.value, NotFound):
            self._receive(Event(EventKind.EXPIRED, self._mailbox_id))
            return
        if not isinstance(failure.value, TempmailError):
            self._log.failure(
                "a follower of mailbox {mailbox} failed", failure, mailbox=self._mailbox_id
            )
        self._lost()


class Watching:
    """Lets the owner of a mailbox be told of its events.

    :param mailboxes: says whose a mailbox is; the desk knows it by any spelling of its address.
    :param messages: says what has arrived.
    :param bus: says that something did.
    :param arrived: called with each event of a mailbox that is followed, as it happens.
    :ivar followings: all that are under way.
    """

    def __init__(
        self,
        mailboxes: Mailboxes | MailboxDesk,
        messages: Messages,
        bus: Bus,
        arrived: Callable[[Event], None] = lambda _: None,
    ) -> None:
        self._mailboxes = mailboxes
        self._messages = messages
        self._bus = bus
        self._arrived = arrived
        self._asking = DeferredSemaphore(_ASKED_AT_ONCE)
        self.followings: set[Following] = set()

    async def admit(self, address: str, owner: Owner) -> Mailbox:
        """The mailbox, where ``owner`` may follow it.

        :raises NotFound: gone, never made, or another's.
        :raises Unauthenticated: a credential that was never issued.
        """
        return await self._asking.run(self._mailboxes.get, address, owner)

    @staticmethod
    def start_of(mailbox: Mailbox, after: int | None) -> int:
        """The sequence number from which :meth:`follow` tells of messages."""
        return mailbox.last_seq if after is None else min(after, mailbox.last_seq)

    def follow(
        self,
        mailbox: Mailbox,
        after: int | None,
        receive: Callable[[Event], None],
        lost: Callable[[], None],
    ) -> Following:
        """Start to follow an admitted mailbox; the result's ``stop`` ends it.

        :param after: the last sequence number known; None, like one that is still to come, for
            what comes from now on.
        """
        following = Following(
            self._ask,
            mailbox.id,
            self.start_of(mailbox, after),
            mailbox.last_seq - mailbox.message_count,
            receive,
            lost,
            self._arrived,
            self.followings.discard,
        )
        self.followings.add(following)
        following.start(self._bus)
        return following

    def _ask(self, mailbox_id: int, after: int, limit: int) -> Awaitable[Sequence[Event]]:
        return self._asking.run(self._messages.arrivals, mailbox_id, after, limit)
