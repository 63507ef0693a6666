"""The core's ports in memory, as honest about ownership and absence as the real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from attrs import define, evolve
from twisted.internet.defer import Deferred, fail, succeed

from tempmail.bus.local import LocalBus
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Page
from tempmail.core.signing import SigningKey
from tempmail.core.turns import Asker
from tempmail.mail.extracted import Extracted
from tempmail.model.account import Caller
from tempmail.model.authentication import Authentication
from tempmail.model.delivery import Attempt, Refused
from tempmail.model.errors import (
    AddressUnavailable,
    LimitReached,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from tempmail.model.event import Event, EventKind
from tempmail.model.mailbox import Made, Mailbox, NewMailbox, Owner, SessionOwner, UserOwner
from tempmail.model.message import (
    Attachment,
    Code,
    Envelope,
    Link,
    Message,
    Placement,
    Received,
    Summary,
    Trace,
    Verdict,
    View,
)

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
MAX_TTL_MINUTES = 1440


class Gate:
    """Lets asynchronous work be held in the middle."""

    def __init__(self) -> None:
        self._held: list[Deferred[None]] | None = None

    def close(self) -> None:
        self._held = []

    def open(self) -> None:
        held, self._held = self._held or [], None
        for waiting in held:
            waiting.callback(None)

    @property
    def waiting(self) -> int:
        return len(self._held or [])

    def passed(self) -> Deferred[None]:
        if self._held is None:
            return succeed(None)
        self._held.append(Deferred())
        return self._held[-1]


@define
class Stored:
    raw: bytes
    message: Message


@define
class Box:
    mailbox: Mailbox
    owner: Owner
    client: str
    messages: list[Stored]


class MemoryStorage:
    """Mailboxes and Messages, and a ping."""

    def __init__(self, limit: int = 10) -> None:
        self.boxes: dict[str, Box] = {}
        self.gate = Gate()
        self.broken: Exception | None = None
        self.fetched = 0
        self._limit = limit

    # Mailboxes

    async def create(self, new: NewMailbox) -> Made:
        await self._working()
        if new.address in self.boxes:
            raise AddressUnavailable(f"{new.address} is taken")
        if sum(box.client == new.client for box in self.boxes.values()) >= self._limit:
            raise LimitReached("no more mailboxes from this network", retry_after=77)
        ends = NOW + timedelta(minutes=min(new.ttl_minutes or 60, MAX_TTL_MINUTES))
        mailbox = Mailbox(len(self.boxes) + 1, new.address, new.owner_type, NOW, ends, ends, 0, 0)
        self.boxes[new.address] = Box(mailbox, new.owner, new.client, [])
        return Made(mailbox, None)

    async def of_user(
        self, owner: UserOwner, *, limit: int, below: int | None
    ) -> Sequence[Mailbox]:
        await self._working()
        found = [box.mailbox for box in self.boxes.values() if box.owner == owner]
        return [one for one in reversed(found) if below is None or one.id < below][:limit]

    async def extend(self, address: str, owner: Owner, ttl_minutes: int) -> Mailbox:
        await self._working()
        box = self._box(address, owner)
        ends = NOW + timedelta(minutes=min(ttl_minutes, MAX_TTL_MINUTES))
        box.mailbox = evolve(box.mailbox, expires_at=ends)
        return box.mailbox

    # Messages

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
        await self._working()
        found = [
            one
            for one in reversed(self._summaries(address, owner, unread, words))
            if before is None or one.seq < before
        ]
        return _page(found, limit, self.boxes[address].mailbox.id)

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
        await self._working()
        found = [one for one in self._summaries(address, owner, unread, words) if one.seq > after]
        return _page(found, limit, self.boxes[address].mailbox.id)

    async def arrivals(self, mailbox_id: int, after: int, limit: int) -> Sequence[Event]:
        await self._working()
        return [
            _arrival(one.message.summary)
            for one in self._living(mailbox_id).messages
            if one.message.summary.seq > after
        ][:limit]

    async def unparsed(
        self, address: str, owner: Owner, *, version: int, limit: int
    ) -> Sequence[Summary]:
        await self._working()
        messages = [one.message for one in self._box(address, owner).messages]
        return [
            one.summary
            for one in reversed(messages)
            if one.view is None or one.view.parser_version < version
        ][:limit]

    async def fetch(
        self, mailbox_id: int, which: UUID, version: int
    ) -> tuple[Message, bytes | None]:
        await self._working()
        self.fetched += 1
        for stored in self._living(mailbox_id).messages:
            if stored.message.summary.id == which:
                view = stored.message.view
                fresh = view is not None and view.parser_version >= version
                return stored.message, None if fresh else stored.raw
        raise NotFound("there is no such message")

    async def raw(self, address: str, owner: Owner, which: UUID | None) -> Received:
        await self._working()
        stored = self._stored(address, owner, which)
        summary = stored.message.summary
        return Received(summary.id, summary.seq, summary.mailbox_id, stored.raw)

    async def keep_view(self, message: Summary, view: View) -> None:
        await self._working()
        for box in self.boxes.values():
            for stored in box.messages:
                if stored.message.summary.id == message.id:
                    stored.message = evolve(stored.message, view=view)

    async def keep_authentication(self, message: Summary, found: Authentication) -> None:
        await self._working()
        for box in self.boxes.values():
            for stored in box.messages:
                if stored.message.summary.id == message.id:
                    stored.message = evolve(stored.message, authentication=found)

    async def empty(self, address: str, owner: Owner) -> Event:
        await self._working()
        box = self._box(address, owner)
        box.messages.clear()
        return Event(EventKind.DELETED, box.mailbox.id)

    # Both

    async def ping(self) -> datetime:
        await self._working()
        return NOW

    def arrive(self, address: str, raw: bytes, *, subject: str = "hello") -> UUID:
        """A mail has come in, of which nobody has been told."""
        box = self.boxes[address]
        seq = box.mailbox.last_seq + 1
        box.mailbox = evolve(box.mailbox, last_seq=seq, message_count=box.mailbox.message_count + 1)
        summary = Summary(
            id=uuid4(),
            seq=seq,
            mailbox_id=box.mailbox.id,
            bucket=NOW,
            to_address=address,
            tag="",
            subject=subject,
            from_address="ann@example.org",
            from_name="Ann",
            received_at=NOW,
            size=len(raw),
            is_read=False,
            preview=None,
            attachment_count=None,
            parser_version=None,
        )
        trace = Trace("bounce@example.org", address, "mx.example.org", "192.0.2.7", None)
        box.messages.append(Stored(raw, Message(summary, trace, None)))
        return summary.id

    async def _working(self) -> None:
        await self.gate.passed()
        if self.broken is not None:
            raise self.broken

    def _box(self, address: str, owner: Owner) -> Box:
        known = any(box.owner == owner for box in self.boxes.values())
        if isinstance(owner, SessionOwner) and not known:
            raise Unauthenticated("this token was never issued")
        box = self.boxes.get(address)
        if box is None or box.owner != owner:
            raise NotFound("there is no such mailbox")
        return box

    def _living(self, mailbox_id: int) -> Box:
        for box in self.boxes.values():
            if box.mailbox.id == mailbox_id:
                return box
        raise NotFound("the mailbox has ended")

    def _summaries(
        self, address: str, owner: Owner, unread: bool, words: str | None
    ) -> list[Summary]:
        messages = [one.message for one in self._box(address, owner).messages]
        return [
            one.summary
            for one in messages
            if not (unread and one.summary.is_read)
            and (words is None or words in (one.view.body_text if one.view else ""))
        ]

    def _stored(self, address: str, owner: Owner, which: UUID | None) -> Stored:
        for stored in reversed(self._box(address, owner).messages):
            if which is None or stored.message.summary.id == which:
                return stored
        raise NotFound("there is no such message")


class MemoryMailboxes:
    """The Mailboxes port over a :class:`MemoryStorage`."""

    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage
        self.create = storage.create
        self.of_user = storage.of_user
        self.extend = storage.extend

    async def get(self, address: str, owner: Owner) -> Mailbox:
        await self._storage._working()
        return self._storage._box(address, owner).mailbox

    async def was_issued(self, owner: SessionOwner) -> bool:
        return any(box.owner == owner for box in self._storage.boxes.values())

    async def delete(self, address: str, owner: Owner) -> Mailbox:
        await self._storage._working()
        mailbox = self._storage._box(address, owner).mailbox
        del self._storage.boxes[address]
        return mailbox


class MemoryMessages:
    """The Messages port over a :class:`MemoryStorage`."""

    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage
        self.newest = storage.newest
        self.since = storage.since
        self.arrivals = storage.arrivals
        self.unparsed = storage.unparsed
        self.fetch = storage.fetch
        self.raw = storage.raw
        self.keep_view = storage.keep_view
        self.keep_authentication = storage.keep_authentication
        self.empty = storage.empty

    async def get(
        self, address: str, owner: Owner, which: UUID | None, *, mark: bool = True
    ) -> Message:
        await self._storage._working()
        stored = self._storage._stored(address, owner, which)
        read = evolve(stored.message.summary, is_read=mark or stored.message.summary.is_read)
        stored.message = evolve(stored.message, summary=read)
        return stored.message

    async def delete(self, address: str, owner: Owner, which: UUID) -> Event:
        await self._storage._working()
        stored = self._storage._stored(address, owner, which)
        box = self._storage._box(address, owner)
        box.messages.remove(stored)
        return Event(EventKind.DELETED, box.mailbox.id, which)


class MemoryDoor:
    """Puts mail into the storage, of which each mailbox holds two.

    :ivar envelopes: what was handed in.
    """

    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage
        self.envelopes: list[Envelope] = []

    def deliver(self, envelope: Envelope) -> Deferred[list[Placement]]:
        self.envelopes.append(envelope)
        (recipient,) = envelope.recipients
        box = self._storage.boxes[recipient.address].mailbox
        if box.message_count >= 2:
            return succeed([Placement(Verdict.FULL, box.id)])
        message_id = self._storage.arrive(recipient.address, b"".join(envelope.chunks))
        return succeed([Placement(Verdict.STORED, box.id, message_id, box.last_seq + 1)])

    def turned_away(self, envelope: Envelope, reason: str, *, refused: bool) -> None:
        raise AssertionError(reason)


class MemoryBus(LocalBus):
    """Remembers what was published as well."""

    def __init__(self) -> None:
        super().__init__(Metrics())
        self.published: list[Event] = []
        self.state = "ok"

    def publish(self, event: Event) -> None:
        self.published.append(event)
        super().publish(event)

    def status(self) -> str:
        return self.state


class StubParser:
    """Sees the same parts in every message, and its text in the raw bytes."""

    version = 1

    def __init__(self) -> None:
        self.away = False
        self.parsed = 0

    def parse(self, asker: Asker, raw: bytes) -> Deferred[View]:
        self.parsed += 1
        if self.away:
            unavailable: Deferred[View] = Deferred()
            unavailable.errback(Unavailable("no worker"))
            return unavailable
        return succeed(
            View(
                codes=(Code("4711", 0.9, "It is 4711."),),
                links=(Link("https://shop.test/go?t=1", "Go", "confirm"),),
                subject="hello",
                from_address="ann@example.org",
                from_name="Ann",
                cc=("bob@example.org",),
                reply_to=(),
                date=NOW.astimezone(None),
                body_text=raw.decode("ascii"),
                body_html="<p>hi</p>",
                headers=(("Received", "from mx"), ("Subject", "hello"), ("Return-Path", "<>")),
                attachments=(Attachment(0, "a.pdf", "application/pdf", 12, None, False),),
                defects=("odd",),
                parser_version=1,
            )
        )


class StubRenderer:
    """Shows what it was given; takes the same attachment out of every message."""

    def __init__(self) -> None:
        self.attachment = b"GIF89a..."

    def document(
        self, asker: Asker, html: str, text: str, images: Mapping[str, str]
    ) -> Deferred[str]:
        return succeed(f"<title>{html}|{text}|{dict(images)}</title>")

    def text_instead(self, asker: Asker, text: str) -> Deferred[str]:
        return succeed(f"<title>|{text}|</title>")

    def extract(self, asker: Asker, raw: bytes, index: int) -> Deferred[Extracted]:
        if index:
            return fail(NotFound("no such attachment"))
        return succeed(Extracted("a", "text/html", None, self.attachment))


class MemoryApiKeys:
    """API keys by their digests."""

    def __init__(self) -> None:
        self.known: dict[bytes, Caller] = {}
        self.noted: list[int] = []

    async def used(self, keys: Sequence[int]) -> None:
        self.noted += keys

    async def callers(self, digests: Sequence[bytes]) -> Mapping[bytes, Caller]:
        return {digest: self.known[digest] for digest in digests if digest in self.known}


class MemoryKeys:
    """One key for ever."""

    async def signing_keys(self) -> list[SigningKey]:
        return [SigningKey(1, bytes(32))]


def _page(found: list[Summary], limit: int, mailbox_id: int) -> Page:
    return Page(found[:limit], found[limit - 1].seq if len(found) > limit else None, mailbox_id)


def _arrival(summary: Summary) -> Event:
    return Event(EventKind.NEW_MESSAGE, summary.mailbox_id, summary.id, summary.seq)


class MemoryDeliveries:
    """Notes of those mailboxes that are looked at.

    :param mailboxes: say whose each is.
    """

    def __init__(self, mailboxes: MemoryMailboxes) -> None:
        self._mailboxes = mailboxes
        self.notes: list[Refused] = []

    async def keep(self, notes: Sequence[Refused]) -> None:
        self.notes += notes

    async def recent(self, address: str, owner: Owner, limit: int) -> Sequence[Attempt]:
        await self._mailboxes.get(address, owner)
        found = [note for note in self.notes if address in note.addresses]
        return [
            Attempt(
                NOW,
                note.verdict,
                note.reason,
                note.mail_from,
                address,
                note.helo,
                note.peer_ip,
                note.tls,
                note.size,
                note.received_ms,
                0,
            )
            for note in reversed(found[-limit:])
        ]
