"""The seams of the product: what ``core`` asks of storage, bus and workers, in its own words.

Everything asynchronous raises :class:`~tempmail.model.errors.Unavailable` where the trouble
is ours and may pass.  Every read and write of a mailbox carries its owner; what is another's
and what is not there raise the same :class:`~tempmail.model.errors.NotFound`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from attrs import frozen
from twisted.internet.defer import Deferred

from tempmail.core.turns import Asker
from tempmail.model.authentication import Authentication
from tempmail.model.delivery import Attempt, Refused
from tempmail.model.event import Event
from tempmail.model.mailbox import Made, Mailbox, NewMailbox, Owner, SessionOwner, UserOwner
from tempmail.model.message import Envelope, Message, Placement, Received, Summary, View


class Ingest(Protocol):
    """The durable door: what it answers has been committed with fsync on."""

    def store(self, envelope: Envelope) -> Deferred[list[Placement]]:
        """Keep ``envelope`` for each recipient that has room.

        :returns: one placement a recipient, in order, after COMMIT.
        :raises Unavailable: nothing was stored and nothing will be.
        :raises Undecided: the outcome cannot be learned; answer nothing.
        """


class Mailboxes(Protocol):
    """Mailboxes as their owners handle them."""

    async def create(self, new: NewMailbox) -> Made:
        """Make it, or find what the same wish made before.

        :raises AddressUnavailable: taken or released too recently.
        :raises LimitReached: the owner has as many as the plan allows."""

    async def of_user(
        self, owner: UserOwner, *, limit: int, below: int | None
    ) -> Sequence[Mailbox]:
        """A user's living mailboxes, newest first, those with an id below ``below``."""

    async def get(self, address: str, owner: Owner) -> Mailbox:
        """:raises NotFound: also where it is another's.
        :raises Unauthenticated: for a credential that was never issued."""

    async def was_issued(self, owner: SessionOwner) -> bool:
        """Whether somebody was given this session token, for a mailbox that lives or lived."""

    async def extend(self, address: str, owner: Owner, ttl_minutes: int) -> Mailbox:
        """Let it live ``ttl_minutes`` from now, clamped to the plan; its messages live as long."""

    async def delete(self, address: str, owner: Owner) -> Mailbox:
        """Make it unreadable at once; the sweeper frees the space."""


@frozen
class Page:
    """Messages asked for, and whether there are more.

    :ivar cursor: the sequence number to go on from, or None at the end.
    :ivar mailbox_id: whose they are.
    """

    messages: Sequence[Summary]
    cursor: int | None
    mailbox_id: int


class Messages(Protocol):
    """The messages of one mailbox; raw bytes are read only where they are asked for.

    ``which`` is a message's id, or None for the newest.
    """

    async def newest(
        self,
        address: str,
        owner: Owner,
        *,
        limit: int,
        before: int | None,
        unread: bool,
        words: str | None = None,
    ) -> Page:
        """Newest first, those with a sequence number below ``before``.

        :param words: that must be in subject, sender or text; None for any.
        """

    async def since(
        self,
        address: str,
        owner: Owner,
        *,
        limit: int,
        after: int,
        unread: bool,
        words: str | None = None,
    ) -> Page:
        """Oldest first, those with a sequence number above ``after``.

        :param words: that must be in subject, sender or text; None for any.
        """

    async def arrivals(self, mailbox_id: int, after: int, limit: int) -> Sequence[Event]:
        """One ``new_message`` event for each message above ``after``, oldest first.

        For a mailbox whose owner has been established already.

        :raises NotFound: the mailbox has ended.
        """

    async def unparsed(
        self, address: str, owner: Owner, *, version: int, limit: int
    ) -> Sequence[Summary]:
        """Those without a view of ``version`` or a later one, newest first."""

    async def fetch(
        self, mailbox_id: int, which: UUID, version: int
    ) -> tuple[Message, bytes | None]:
        """One message, not marked as read, and its raw bytes where its view is older than
        ``version``.

        For a mailbox whose owner has been established already.

        :raises NotFound: it is gone, or the mailbox has ended.
        """

    async def get(
        self, address: str, owner: Owner, which: UUID | None, *, mark: bool = True
    ) -> Message:
        """One message, which is marked as read by that unless ``mark`` is False."""

    async def raw(self, address: str, owner: Owner, which: UUID | None) -> Received:
        """The received bytes, verbatim."""

    async def keep_view(self, message: Summary, view: View) -> None:
        """Store the parse of ``message`` beside it, unless it is gone by now."""

    async def keep_authentication(self, message: Summary, found: Authentication) -> None:
        """Store where ``message`` comes from beside it, unless it is gone by now; what others
        found in its content stays as it is."""

    async def delete(self, address: str, owner: Owner, which: UUID) -> Event:
        """Remove one message for good; what to publish."""

    async def empty(self, address: str, owner: Owner) -> Event:
        """Remove every message; what to publish."""


class PlanRates(Protocol):
    """How many requests a minute a plan allows; -1 is no limit."""

    async def anonymous_requests_per_minute(self) -> int:
        """Of whoever has no account."""


class RecipientStore(Protocol):
    """Which addresses have a mailbox, for the ways to treat those that have none."""

    async def standing(self, address: str) -> str:
        """``open``, ``full`` or ``unknown``."""

    async def ensure_public(
        self, addresses: Sequence[str], *, create: bool
    ) -> tuple[Sequence[str], int]:
        """Make public mailboxes of those addresses that have none and are nobody's.

        :param create: False to look only.
        :returns: the addresses that have a mailbox now, and how many were made.
        """


class PublicStore(Protocol):
    """Public mailboxes, for whoever asks for one by its name."""

    async def claim(self, address: str, *, create: bool) -> bool:
        """See to it that ``address`` is a public mailbox.

        :param create: False where none may be made.
        :returns: whether it was made for this.
        :raises AddressUnavailable: it is somebody's, reserved, or not to be made.
        """

    async def prolong(self, address: str) -> None:
        """Let a public mailbox live for another hour; nothing where there is none."""


class DeliveryStore(Protocol):
    """The delivery log of mailboxes."""

    async def keep(self, notes: Sequence[Refused]) -> None:
        """Add notes to the logs of those mailboxes that exist."""

    async def recent(self, address: str, owner: Owner, limit: int) -> Sequence[Attempt]:
        """What was stored for a mailbox and what was not, newest first."""


class Subscription(Protocol):
    """A place in the bus."""

    def cancel(self) -> None:
        """Receive nothing from now on; twice is once."""


class Notices(Protocol):
    """Words for every daemon, this one included, such as to drop what was remembered.

    One that is not connected does not hear them: whatever is remembered ages out by itself.
    """

    def announce(self, topic: str, text: str) -> None:
        """Call everybody who observes ``topic``; never fails.

        :param topic: up to 20 of ``a`` to ``z`` and ``_``.
        :param text: up to 640 bytes.
        """

    def observe(self, topic: str, hear: Callable[[str], None]) -> None:
        """Call ``hear`` on the reactor's thread with each text that is announced."""


class Bus(Notices, Protocol):
    """Events to whoever watches, in this process or others.  Never fails the publisher."""

    def publish(self, event: Event) -> None:
        """Call every subscriber of the event's mailbox, each in isolation."""

    def subscribe(self, mailbox_id: int, receive: Callable[[Event], None]) -> Subscription:
        """Call ``receive`` on the reactor's thread for each event of that mailbox."""

    def status(self) -> str:
        """``ok``; ``polling`` where other daemons' events are read from the database because
        nothing connects them; ``unavailable`` where they are because the connection is lost."""


class Peers(Protocol):
    """How well this daemon and the others on its database hear each other.

    :ivar hears_all: whether what the others say reaches us now.
    :ivar tells_all: whether what we say reaches the others now.
    :ivar gaps: how many times we may have missed something, for good.
    """

    @property
    def hears_all(self) -> bool: ...

    @property
    def tells_all(self) -> bool: ...

    @property
    def gaps(self) -> int: ...


@frozen
class News:
    """What became of a followed mailbox.

    :ivar ended: whether it is over; nothing else counts then.
    :ivar last_seq: of its newest message so far.
    :ivar deletions: how many messages are gone.
    :ivar deleted: the events of deletions that were not known, oldest first.
    """

    mailbox_id: int
    ended: bool
    last_seq: int
    deletions: int
    deleted: Sequence[Event]


@frozen
class Place:
    """How much of a mailbox somebody knows.

    :ivar last_seq: the last message that was told.
    :ivar deletions: how many messages were deleted, as far as was told.
    """

    mailbox_id: int
    last_seq: int
    deletions: int


class RoundStore(Protocol):
    """What a daemon asks of storage about the others, and what they did."""

    async def meet(self, tells_all: bool) -> tuple[frozenset[str], bool]:
        """Say that we are here, and whether we are heard.

        :returns: the other daemons that were here within seconds, and whether they are all heard.
        """

    async def leave(self) -> None:
        """Say that we are not here any more."""

    async def news(self, places: Sequence[Place]) -> Sequence[News]:
        """Of those mailboxes in which more happened than is known."""


class BucketExchange(Protocol):
    """Token buckets that the daemons share."""

    async def take(self, taken: Sequence[tuple[str, str, float, float]]) -> Sequence[float]:
        """Add to what was taken from buckets.

        :param taken: of each bucket its kind and client, the seconds by which it is full later,
            and how many at most; to make it full, a negative number.
        :returns: of each in how many seconds it is full.
        :raises Unavailable: nobody knows.
        """


class Parser(Protocol):
    """From raw bytes to a view, in a process that may be killed."""

    version: int

    def parse(self, asker: Asker, raw: bytes) -> Deferred[View]:
        """Never fails for what the message holds: a mail that kills its worker gets a view
        with the defect named.

        :param asker: for whom it is; askers are served in turn.
        :raises Unavailable: no worker could be had.
        """


class Housekeeping(Protocol):
    """What the sweeper asks of storage; each call is one short piece of work."""

    async def prepare_partitions(self) -> None:
        """Make the partitions of the hours ahead."""

    async def expire_mailboxes(self, limit: int) -> Sequence[int]:
        """Mark up to ``limit`` mailboxes past their time; the ids of those marked."""

    async def free_messages(self, limit: int) -> int:
        """Delete up to ``limit`` messages that nobody may read any more; how many it did."""

    async def release_mailboxes(self, limit: int) -> int:
        """Turn up to ``limit`` ended, empty mailboxes into tombstones; how many it did."""

    async def forget_deletions(self, limit: int) -> int:
        """Forget up to ``limit`` deletions that every daemon knows of by now; how many it did."""

    async def drop_partitions(self) -> int:
        """Drop the partitions that lie wholly behind; how many it did."""

    async def forget_deliveries(self, limit: int) -> int:
        """Forget up to ``limit`` mails that cannot be handed over again; how many it did."""

    async def forget_credentials(self, limit: int) -> int:
        """Forget what opens nothing any more, up to ``limit`` of each kind; how many it did."""


class Health(Protocol):
    """Whether storage answers."""

    async def ping(self) -> datetime:
        """The database's clock.

        :raises Unavailable: it does not answer in time.
        """


@frozen
class Block:
    """A client that is, or not long ago was, shut out.

    :ivar network: as :func:`tempmail.model.network.network` says it.
    :ivar reason: one word.
    :ivar level: 1 for a first block, 2 for a second ...
    :ivar seconds: until it ends; negative where it has ended, which still counts for the next.
    """

    network: str
    reason: str
    level: int
    seconds: float


class BlockStore(Protocol):
    """Blocks as all daemons and the operator see them."""

    async def exchange(self, made: Sequence[Block]) -> Sequence[Block]:
        """Add ``made``; then all that hold or are not yet forgiven."""
