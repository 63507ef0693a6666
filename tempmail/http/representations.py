"""The shapes of what is asked and answered, as clients see them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from tempmail.core.matching import MAX_EXPRESSION
from tempmail.model import mailbox, message

_Minutes = Annotated[int, Meta(ge=1)]
_Name = Annotated[str, Meta(max_length=253)]
_Sequence = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Expression = Annotated[str, Meta(min_length=1, max_length=MAX_EXPRESSION)]


class CreateMailbox(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a new mailbox should be; what is left out is chosen."""

    ttl_minutes: _Minutes | None = None
    username: _Name | None = None
    domain: _Name | None = None
    style: _Name = "words"
    client_id: Annotated[str, Meta(min_length=1, max_length=128)] | None = None


class ListMailboxes(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which of an account's mailboxes to list."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(max_length=64)] | None = None


class ExtendMailbox(Struct, forbid_unknown_fields=True, kw_only=True):
    """How long from now a mailbox should live."""

    ttl_minutes: _Minutes


class ListMessages(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which messages to list: newest first, or oldest first from ``after`` on."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(max_length=64)] | None = None
    after: _Sequence | None = None
    unread: bool = False
    q: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")] | None = None


class WaitForMessages(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to wait for, and for how many seconds."""

    timeout: Annotated[int, Meta(ge=1, le=120)] = 30
    after: _Sequence = 0
    sender: _Expression | None = field(default=None, name="from")
    subject: _Expression | None = None
    body: _Expression | None = None
    has: Literal["code", "link"] | None = None
    count: Annotated[int, Meta(ge=1, le=20)] | None = None


class FollowEvents(Struct, forbid_unknown_fields=True, kw_only=True):
    """From where on to follow a mailbox; credentials for those who cannot set headers."""

    after: _Sequence | None = None
    token: str | None = None
    api_key: str | None = None


class Mailbox(Struct, kw_only=True):
    address: str
    expires_at: datetime
    created_at: datetime
    owner_type: str
    message_count: int
    last_seq: int
    session_token: str | UnsetType = UNSET


class MailboxList(Struct, kw_only=True):
    """``next`` is the cursor to go on with, null at the end."""

    mailboxes: list[Mailbox]
    next: str | None


def mailbox_of(kept: mailbox.Mailbox, token: str | None = None) -> Mailbox:
    """A mailbox, with its session token where it was made this moment."""
    return Mailbox(
        address=kept.address,
        expires_at=_utc(kept.expires_at),
        created_at=_utc(kept.created_at),
        owner_type=kept.owner_type.value,
        message_count=kept.message_count,
        last_seq=kept.last_seq,
        session_token=UNSET if token is None else token,
    )


class Code(Struct):
    value: str
    confidence: float
    context: str


class Link(Struct):
    href: str
    text: str
    kind: str


class Summary(Struct, kw_only=True):
    id: UUID
    seq: int
    from_address: str
    from_name: str
    to_address: str
    tag: str
    subject: str
    preview: str | None
    received_at: datetime
    size: int
    is_read: bool
    attachment_count: int | None
    codes: tuple[Code, ...]


class MessageList(Struct, kw_only=True):
    """``next`` is the cursor to go on with, null at the end."""

    messages: list[Summary]
    next: str | None


class Header(Struct):
    name: str
    value: str


class Attachment(Struct, kw_only=True):
    index: int
    filename: str
    content_type: str
    size: int
    content_id: str | None
    inline: bool
    blocked: bool


class Envelope(Struct, kw_only=True):
    mail_from: str
    rcpt_to: str
    helo: str
    peer_ip: str
    tls: str | None


class Message(Summary, kw_only=True):
    cc: tuple[str, ...]
    reply_to: tuple[str, ...]
    date: datetime | None
    body_text: str
    body_html: str
    html_url: str
    headers: list[Header]
    trace: list[str]
    attachments: list[Attachment]
    links: list[Link]
    envelope: Envelope
    defects: tuple[str, ...]


class CodeAlone(Struct):
    value: str
    confidence: float


class LinkAlone(Struct):
    href: str
    kind: str


class Codes(Struct, kw_only=True):
    """Of a message what a key of scope ``codes`` may see."""

    id: UUID
    seq: int
    from_address: str
    received_at: datetime
    codes: list[CodeAlone]
    links: list[LinkAlone]


def codes_of(kept: message.Message) -> Codes:
    """The codes and links of a message that has been parsed; no text of it."""
    summary, view = kept.summary, kept.view
    assert view is not None
    return Codes(
        id=summary.id,
        seq=summary.seq,
        from_address=summary.from_address,
        received_at=_utc(summary.received_at),
        codes=[CodeAlone(one.value, one.confidence) for one in view.codes],
        links=[LinkAlone(one.href, one.kind) for one in view.links],
    )


_TRACE_FIELDS = frozenset(("received", "return-path"))  # RFC 5321 section 4.4


def summary_of(kept: message.Summary) -> Summary:
    """A message as lists show it."""
    summary = msgspec.convert(kept, Summary, from_attributes=True)
    summary.received_at = _utc(kept.received_at)
    return summary


def _attachment_of(kept: message.Attachment) -> Attachment:
    return Attachment(
        index=kept.index,
        filename=kept.filename,
        content_type=kept.content_type,
        size=kept.size,
        content_id=kept.content_id,
        inline=kept.inline,
        blocked=kept.blocked is not None,
    )


def message_of(kept: message.Message, html_url: str) -> Message:
    """A message that has been parsed.

    :param html_url: where its document can be opened without a credential.
    """
    view = kept.view
    assert view is not None
    return Message(
        **msgspec.structs.asdict(summary_of(kept.summary)),
        cc=view.cc,
        reply_to=view.reply_to,
        date=None if view.date is None else _utc(view.date),
        body_text=view.body_text,
        body_html=view.body_html,
        html_url=html_url,
        headers=[Header(name, value) for name, value in view.headers],
        trace=[value for name, value in view.headers if name.lower() in _TRACE_FIELDS],
        attachments=[_attachment_of(one) for one in view.attachments],
        links=[Link(one.href, one.text, one.kind) for one in view.links],
        envelope=msgspec.convert(kept.trace, Envelope, from_attributes=True),
        defects=view.defects,
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
