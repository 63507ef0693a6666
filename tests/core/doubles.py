"""One mailbox's messages and a parser, as slow and as broken as a test wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from attrs import evolve
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from tempmail.core.turns import Asker
from tempmail.model.errors import NotFound
from tempmail.model.event import Event, EventKind
from tempmail.model.mailbox import Mailbox, OwnerType, SessionOwner
from tempmail.model.message import Message, Summary, Trace, View

MAILBOX_ID = 7
NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
OWNER = SessionOwner(b"o" * 32)
VIEW = View(
    subject="Your code",
    from_address="orders@shop.test",
    from_name="The Shop",
    cc=(),
    reply_to=(),
    date=None,
    body_text="It is 4711.",
    body_html="",
    headers=(),
    attachments=(),
    defects=(),
    parser_version=2,
)


def message(view: View | None = VIEW, seq: int = 1) -> Message:
    summary = Summary(
        id=UUID(int=seq),
        seq=seq,
        mailbox_id=MAILBOX_ID,
        bucket=NOW,
        to_address="box@mail.test",
        tag="",
        subject="scanned",
        from_address="scanned@shop.test",
        from_name="",
        received_at=NOW,
        size=4,
        is_read=False,
        preview=None,
        attachment_count=None,
        parser_version=None if view is None else view.parser_version,
    )
    return Message(summary, Trace("", "box@mail.test", "", "192.0.2.1", None), view)


def arrival(seq: int) -> Event:
    return Event(EventKind.NEW_MESSAGE, MAILBOX_ID, UUID(int=seq), seq)


def mailbox(last_seq: int = 0) -> Mailbox:
    return Mailbox(
        MAILBOX_ID, "box@mail.test", OwnerType.ANONYMOUS, NOW, NOW, NOW, last_seq, last_seq
    )


class Shelf:
    """The messages of one mailbox.

    :ivar raw_of: what each message is parsed from; without a view by now.
    :ivar fetched, kept: the sequence numbers asked for, and those whose view was stored.
    :ivar hold, hold_arrivals: where set, ``fetch`` or ``arrivals`` do not answer before it fires.
    :ivar trouble, trouble_keeping: where set, raised by ``fetch`` or ``keep_view``.
    """

    def __init__(self) -> None:
        self.raw_of: dict[int, bytes] = {}
        self.views: dict[int, View] = {}
        self.fetched: list[int] = []
        self.kept: list[int] = []
        self.hold: Deferred[None] | None = None
        self.hold_arrivals: Deferred[None] | None = None
        self.trouble: Exception | None = None
        self.trouble_keeping: Exception | None = None
        self.living = True

    def put(self, seq: int, subject: str = "Your code") -> Event:
        """A message that says its subject, and has not been parsed."""
        self.raw_of[seq] = subject.encode()
        return arrival(seq)

    async def arrivals(self, mailbox_id: int, after: int, limit: int) -> Sequence[Event]:
        await (self.hold_arrivals or succeed(None))
        if not self.living:
            raise NotFound("ended")
        return [arrival(seq) for seq in sorted(self.raw_of) if seq > after][:limit]

    async def fetch(
        self, mailbox_id: int, which: UUID, version: int
    ) -> tuple[Message, bytes | None]:
        self.fetched.append(which.int)
        await (self.hold or succeed(None))
        if self.trouble is not None:
            raise self.trouble
        if which.int not in self.raw_of:
            raise NotFound("gone")
        view = self.views.get(which.int)
        fresh = view is not None and view.parser_version >= version
        return message(view, which.int), None if fresh else self.raw_of[which.int]

    async def keep_view(self, message: Summary, view: View) -> None:
        if self.trouble_keeping is not None:
            raise self.trouble_keeping
        self.kept.append(message.seq)
        self.views[message.seq] = view


class SubjectParser:
    """Sees nothing but a subject.

    :ivar hold: where set, no view comes before it fires.
    """

    version = 2

    def __init__(self) -> None:
        self.parsed: list[bytes] = []
        self.hold: Deferred[None] | None = None
        self.trouble: Exception | None = None

    def parse(self, asker: Asker, raw: bytes) -> Deferred[View]:
        self.parsed.append(raw)
        return Deferred.fromCoroutine(self._view(raw))

    async def _view(self, raw: bytes) -> View:
        await (self.hold or succeed(None))
        if self.trouble is not None:
            raise self.trouble
        return evolve(VIEW, subject=raw.decode())


class _Threads:
    """Does at once what is for a thread, and counts it.

    :ivar held: where set, work is put here instead, for the test to do it.
    """

    def __init__(self) -> None:
        self.used = 0
        self.held: list[Callable[[], None]] | None = None

    def callInThreadWithCallback(self, done: Any, work: Any, *args: Any) -> None:
        self.used += 1
        if self.held is None:
            done(True, work(*args))
        else:
            self.held.append(lambda: done(True, work(*args)))


class Reactor(Clock):
    """Time, and threads that are none."""

    def __init__(self) -> None:
        super().__init__()
        self.threads = _Threads()

    def getThreadPool(self) -> _Threads:
        return self.threads

    def callFromThread(self, call: Any, *args: Any) -> None:
        call(*args)


class Desk:
    """Admits to the one mailbox.

    :ivar last_seq: as of the admission.
    :ivar hold: where set, nobody is admitted before it fires.
    """

    def __init__(self) -> None:
        self.last_seq = 0
        self.hold: Deferred[None] | None = None
        self.refusal: Exception | None = None

    async def get(self, address: str, owner: SessionOwner) -> Mailbox:
        await (self.hold or succeed(None))
        if self.refusal is not None:
            raise self.refusal
        return mailbox(self.last_seq)
