"""The shapes of what is answered, as clients see them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from tempmail.http.described import described
from tempmail.model import mailbox, message

_Next = Annotated[str, described("The `cursor` of the next page, null at the end")]
_Moment = Annotated[datetime, described("RFC 3339, in UTC", "2030-05-17T09:24:31Z", tz=True)]
_MessageId = Annotated[UUID, described("Names it in paths", "00000000-002a-8c1d-9f3b-6a0d5e7f1b24")]


class Mailbox(Struct, kw_only=True):
    address: Annotated[str, described("Where it receives mail", "happy-tiger-42@example.org")]
    expires_at: _Moment
    created_at: _Moment
    owner_type: Annotated[
        str,
        described(
            "`anonymous` (whoever has the token), `api` or `mcp` (an account), `public`",
            "anonymous",
        ),
    ]
    message_count: Annotated[int, described("Messages in it", 3)]
    last_seq: Annotated[
        int, described("The sequence number of the newest message ever, 0 for none", 42)
    ]
    session_token: (
        Annotated[
            str,
            described(
                "Opens this mailbox, and is shown this once",
                "q3Zr8GkYw1nB5tVx0cJmLs7uEoAiDfHpR2yXbN4vKeQ",
            ),
        ]
        | UnsetType
    ) = UNSET


class MailboxList(Struct, kw_only=True):
    """``next`` is the cursor to go on with, null at the end."""

    mailboxes: list[Mailbox]
    next: _Next | None


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
    value: Annotated[str, described("As its reader types it in", "482913")]
    confidence: Annotated[float, described("0 to 1", 0.97)]
    context: Annotated[str, described("What was written around it", "Your code is 482913.")]


class Link(Struct):
    href: Annotated[str, described("Where it leads", "https://shop.example/confirm?t=8fK2mQ")]
    text: Annotated[str, described("What is shown of it", "Confirm your address")]
    kind: Annotated[
        str,
        described("`confirm`, `sign_in`, `reset`, `invite`, `unsubscribe` or `other`", "confirm"),
    ]


class Summary(Struct, kw_only=True):
    id: _MessageId
    seq: Annotated[int, described("Its sequence number in the mailbox", 42)]
    from_address: Annotated[str, described("Who it says it is from", "noreply@shop.example")]
    from_name: Annotated[str, described("Their name in its header", "The Shop")]
    to_address: Annotated[
        str, described("As the sender gave it, with its tag", "happy-tiger-42@example.org")
    ]
    tag: Annotated[str, described("What stood behind a + in the address", "")]
    subject: Annotated[str, described("Empty where it has none", "Your code is 482913")]
    preview: Annotated[str, described("Its first words", "Your code is 482913.")] | None
    received_at: _Moment
    size: Annotated[int, described("Bytes", 2048)]
    is_read: Annotated[bool, described("Whether somebody has read it", False)]
    attachment_count: Annotated[int, described("Null before it was parsed", 1)] | None
    codes: tuple[Code, ...]


class MessageList(Struct, kw_only=True):
    """``next`` is the cursor to go on with, null at the end."""

    messages: list[Summary]
    next: _Next | None


class Header(Struct):
    name: Annotated[str, described("As the mail spells it", "List-Id")]
    value: Annotated[str, described("Decoded", "<news.shop.example>")]


class Attachment(Struct, kw_only=True):
    index: Annotated[int, described("Names it in paths", 0)]
    filename: Annotated[str, described("Safe to save under", "invoice.pdf")]
    content_type: Annotated[str, described("As the mail declares it", "application/pdf")]
    size: Annotated[int, described("Bytes", 48213)]
    content_id: Annotated[str, described("By which the HTML names it", "logo@shop.example")] | None
    inline: Annotated[bool, described("Whether it is part of the text", False)]
    blocked: Annotated[bool, described("Whether it is of a kind that is not handed out", False)]


class Envelope(Struct, kw_only=True):
    mail_from: Annotated[str, described("MAIL FROM; empty for a bounce", "bounce@shop.example")]
    rcpt_to: Annotated[str, described("RCPT TO", "happy-tiger-42@example.org")]
    helo: Annotated[str, described("What the sending host called itself", "mail.shop.example")]
    peer_ip: Annotated[str, described("The sending host's address", "192.0.2.17")]
    tls: Annotated[str, described("Version and cipher, null without TLS", "TLSv1.3")] | None


class Signature(Struct):
    domain: Annotated[str, described("Whose it is; may be empty", "shop.example")]
    selector: Annotated[str, described("Which of its keys; may be empty", "s1")]
    result: Annotated[str, described("In a word", "pass")]
    reason: Annotated[str, described("In a sentence", "the sending host may")]


class Finding(Struct):
    result: Annotated[str, described("In a word", "pass")]
    reason: Annotated[str, described("In a sentence", "the sending host may")]
    domain: Annotated[str, described("That it speaks of", "shop.example")] | None


class SignaturesFinding(Finding):
    signatures: tuple[Signature, ...]


class Scan(Struct):
    result: Annotated[str, described("In a word", "pass")]
    reason: Annotated[str, described("In a sentence", "the sending host may")]


class Authentication(Struct, kw_only=True):
    """The first four are null until they are known, or where DNS is off; the others where nobody
    looked."""

    spf: Finding | None = None
    dkim: SignaturesFinding | None = None
    dmarc: Finding | None = None
    arc: Finding | None = None
    spam: Scan | None = None
    virus: Scan | None = None


class Message(Summary, kw_only=True):
    cc: Annotated[tuple[str, ...], described("Its Cc header", ["ann@example.net"])]
    reply_to: Annotated[tuple[str, ...], described("Its Reply-To header", ["help@shop.example"])]
    date: _Moment | None
    body_text: Annotated[
        str, described("Its text, empty where it has HTML alone", "Your code is 482913.\n")
    ]
    body_html: Annotated[
        str,
        described(
            "Its HTML as it came but for control characters, for a sandbox alone; may be empty",
            "<p>Your code is 482913.</p>",
        ),
    ]
    html_url: Annotated[
        str, described("Its document for a sandboxed frame; good for ten minutes", "/m/AAAAAWoH")
    ]
    headers: list[Header]
    trace: Annotated[list[str], described("Received and Return-Path", ["<bounce@shop.example>"])]
    attachments: list[Attachment]
    links: list[Link]
    authentication: Authentication
    envelope: Envelope
    defects: Annotated[
        tuple[str, ...], described("What is wrong with its form, or was left out here", [])
    ]


class Messages(Struct, kw_only=True):
    """As many as were waited for."""

    messages: list[Message]


class CodeAlone(Struct):
    value: Annotated[str, described("As its reader types it in", "482913")]
    confidence: Annotated[float, described("0 to 1", 0.97)]


class LinkAlone(Struct):
    href: Annotated[str, described("Where it leads", "https://shop.example/confirm?t=8fK2mQ")]
    kind: Annotated[
        str,
        described("`confirm`, `sign_in`, `reset`, `invite`, `unsubscribe` or `other`", "confirm"),
    ]


class Codes(Struct, kw_only=True):
    """Of a message what a key of scope ``codes`` may see."""

    id: _MessageId
    seq: Annotated[int, described("Its sequence number in the mailbox", 42)]
    from_address: Annotated[str, described("Who it says it is from", "noreply@shop.example")]
    received_at: _Moment
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
        authentication=Authentication()
        if kept.authentication is None
        else msgspec.convert(kept.authentication, Authentication, from_attributes=True),
        envelope=msgspec.convert(kept.trace, Envelope, from_attributes=True),
        defects=view.defects,
    )


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
