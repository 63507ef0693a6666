"""What a server tells, as values.

Each class reads itself from JSON: members that it does not know are left out, and those that the
server leaves out have their defaults, so that client and server may differ in age.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

_Json = Mapping[str, Any]
_EVER = datetime.min.replace(tzinfo=UTC)
_Kind = TypeVar("_Kind", bound="_Read")


class _Read:
    """A dataclass that can be read from JSON.

    Its own ``_made`` says how members are read that are more than plain values.
    """

    @classmethod
    def read(cls, document: _Json) -> Self:
        """:raises (KeyError, TypeError, ValueError): it is not of this shape."""
        known = {one.name for one in fields(cls)}  # type: ignore[arg-type]  # of our subclasses
        values = {name: value for name, value in document.items() if name in known}
        return cls(**{**values, **cls._made(document)})

    @classmethod
    def _made(cls, document: _Json) -> _Json:  # noqa: ARG003  # for those below
        return {}


@dataclass(frozen=True)
class Code(_Read):
    """Something to type in.

    :ivar confidence: from 0 to 1.
    :ivar context: the words around it.
    """

    value: str
    confidence: float = 0.0
    context: str = ""


@dataclass(frozen=True)
class Link(_Read):
    """A link as the mail has it.

    :ivar kind: ``confirm``, ``sign_in``, ``reset``, ``invite``, ``unsubscribe`` or ``other``.
    """

    href: str
    text: str = ""
    kind: str = "other"


@dataclass(frozen=True)
class Header(_Read):
    """One header field, decoded."""

    name: str
    value: str = ""


@dataclass(frozen=True)
class Attachment(_Read):
    """What is known of an attachment; its bytes are asked for by its index.

    :ivar size: bytes.
    :ivar blocked: the server does not hand it out, because its kind is dangerous.
    """

    index: int
    filename: str = ""
    content_type: str = "application/octet-stream"
    size: int = 0
    content_id: str | None = None
    inline: bool = False
    blocked: bool = False


@dataclass(frozen=True)
class Envelope(_Read):
    """How a mail was handed over (RFC 5321)."""

    mail_from: str = ""
    rcpt_to: str = ""
    helo: str = ""
    peer_ip: str = ""
    tls: str | None = None


@dataclass(frozen=True)
class Summary(_Read):
    """A message as lists show it.

    :ivar seq: its place in its mailbox, from 1, in the order of arrival.
    :ivar preview: the beginning of the text; None, like ``attachment_count``, while the server
        has not parsed the mail, and until then there are no ``codes``.
    :ivar codes: the likeliest first.
    """

    id: str
    seq: int
    from_address: str = ""
    from_name: str = ""
    to_address: str = ""
    tag: str = ""
    subject: str = ""
    preview: str | None = None
    received_at: datetime = _EVER
    size: int = 0
    is_read: bool = False
    attachment_count: int | None = None
    codes: tuple[Code, ...] = ()

    @property
    def code(self) -> str | None:
        """The likeliest code, or None."""
        return self.codes[0].value if self.codes else None

    def __str__(self) -> str:
        codes = ", ".join(code.value for code in self.codes[:3])
        told = f"#{self.seq} {self.subject[:200]!r} from {self.from_address[:200]!r}"
        return f"{told} (code {codes})" if codes else told

    @classmethod
    def _made(cls, document: _Json) -> _Json:
        made: dict[str, Any] = {"codes": _all(Code, document, "codes")}
        if "received_at" in document:
            made["received_at"] = datetime.fromisoformat(document["received_at"])
        return made


@dataclass(frozen=True)
class Message(Summary):
    """A message with all that was found in it.

    :ivar html_url: where the mail can be looked at in a browser, as a safe document.
    :ivar trace: the Received and Return-Path fields.
    :ivar links: the likeliest to be waited for first.
    :ivar defects: what was wrong with the message, in words.
    """

    cc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    date: datetime | None = None
    body_text: str = ""
    body_html: str = ""
    html_url: str = ""
    headers: tuple[Header, ...] = ()
    trace: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    links: tuple[Link, ...] = ()
    envelope: Envelope = Envelope()
    defects: tuple[str, ...] = ()

    __str__ = Summary.__str__

    def link(self, kind: str | None = None) -> str | None:
        """The likeliest link, of a kind where one is given, else any but to unsubscribe."""
        fitting = (one for one in self.links if one.kind == (kind or one.kind))
        return next((one.href for one in fitting if kind or one.kind != "unsubscribe"), None)

    @classmethod
    def _made(cls, document: _Json) -> _Json:
        date = document.get("date")
        return {
            **super()._made(document),
            **{name: tuple(document.get(name, ())) for name in _TEXTS},
            "date": None if date is None else datetime.fromisoformat(date),
            "headers": _all(Header, document, "headers"),
            "attachments": _all(Attachment, document, "attachments"),
            "links": _all(Link, document, "links"),
            "envelope": Envelope.read(document.get("envelope", {})),
        }


_TEXTS = ("cc", "reply_to", "trace", "defects")


@dataclass(frozen=True)
class MailboxInfo(_Read):
    """A mailbox at the time it was asked for.

    :ivar last_seq: of its newest message, 0 where there was none.
    """

    address: str
    expires_at: datetime
    created_at: datetime
    owner_type: str = ""
    message_count: int = 0
    last_seq: int = 0

    @classmethod
    def _made(cls, document: _Json) -> _Json:
        moments = ("expires_at", "created_at")
        return {name: datetime.fromisoformat(document[name]) for name in moments}


@dataclass(frozen=True)
class Event(_Read):
    """Something that happened to a mailbox.

    :ivar kind: ``new_message``, ``deleted`` or ``expired``.
    :ivar message_id: None where the mailbox was emptied, or has expired.
    :ivar seq: of a new message.
    """

    kind: str
    message_id: str | None = None
    seq: int | None = None

    @classmethod
    def _made(cls, document: _Json) -> _Json:
        return {"kind": document["event"]}


def _all(kind: type[_Kind], document: _Json, name: str) -> tuple[_Kind, ...]:
    return tuple(kind.read(one) for one in document.get(name, ()))
