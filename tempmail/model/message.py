"""A message: its envelope on the way in, what was decided for each recipient, and what is read."""

from __future__ import annotations

import enum
from datetime import datetime
from uuid import UUID

from attrs import define, frozen

from tempmail.model.address import Recipient
from tempmail.model.authentication import Authentication


@frozen
class Once:
    """The name of a mail that may be handed over again, so that it is kept once.

    :ivar source: who hands it over, such as an account.
    :ivar key: what the source calls it.
    :ivar keep_days: for how long it may come again.
    """

    source: str
    key: str
    keep_days: int = 3

    @property
    def name(self) -> tuple[str, str]:
        return self.source, self.key


@define
class Envelope:
    """A mail as it was handed over (RFC 5321 section 2.3.1), before anything was decided.

    :ivar mail_from: the reverse-path without angle brackets; empty for ``<>``.
    :ivar recipients: those under our domains; at least one.
    :ivar helo: what the client called itself.
    :ivar peer_ip: the client's address.
    :ivar tls: protocol and cipher, or None in clear.
    :ivar chunks: the content byte for byte (dot-stuffing undone), in pieces that are never joined.
    :ivar size: the sum of the pieces' lengths.
    :ivar received_ms: milliseconds from MAIL to the end of the content.
    :ivar once: set where the same mail may be handed over again.
    :ivar authentication: what those found out who had the mail before us.
    """

    mail_from: str
    recipients: tuple[Recipient, ...]
    helo: str
    peer_ip: str
    tls: str | None
    chunks: tuple[bytes, ...]
    size: int
    received_ms: int = 0
    once: Once | None = None
    authentication: Authentication | None = None


class Verdict(enum.StrEnum):
    """What became of a message for one recipient."""

    STORED = "stored"
    UNKNOWN = "unknown"
    FULL = "full"
    TOO_LARGE = "too_large"
    DUPLICATE = "duplicate"


@define
class Placement:
    """One recipient's verdict, in the order of the envelope's recipients.

    :ivar mailbox_id: None where there is no such mailbox.
    :ivar message_id: set, like ``seq``, only where the verdict is ``stored``.
    """

    verdict: Verdict
    mailbox_id: int | None = None
    message_id: UUID | None = None
    seq: int | None = None


@frozen
class Attachment:
    """What is known of an attachment without reading it.

    :ivar size: decoded bytes.
    :ivar blocked: the dangerous kind for which it is not handed out, or None.
    """

    index: int
    filename: str
    content_type: str
    size: int
    content_id: str | None
    inline: bool
    blocked: str | None = None


@frozen
class Code:
    """Something to type in.

    :ivar value: what the reader types, in ASCII.  Groups of digits are joined (``123 456`` and
        ``123-456`` are ``123456``), groups with letters keep their hyphens (``ABCD-EFGH``) and
        lose their spaces; one or two letters that sites print before their field for digits are
        left out (``G-123456`` is ``123456``).
    :ivar confidence: from 0 to 1.
    :ivar context: the sentence or lines around it; at most 120 characters.
    """

    value: str
    confidence: float
    context: str


@frozen
class Link:
    """A link as the mail has it.

    :ivar href: verbatim, without HTML's or a transfer encoding's escapes; http or https.
    :ivar text: the anchor's; empty for one that stands in plain text.
    :ivar kind: ``confirm`` (an address, an account, a subscription), ``sign_in``, ``reset`` (or
        first setting, of a password), ``invite``, ``unsubscribe``, or ``other``.  A link that
        carries nothing secret, such as that to a log-in page, is ``other``.
    """

    href: str
    text: str
    kind: str


@frozen
class View:
    """The cached parse of a message's raw bytes; remade when ``parser_version`` grows.

    :ivar headers: name and decoded value, in the order of the message.
    :ivar codes, links: the likeliest first.
    :ivar defects: what was wrong with the message, or with parsing it, in words.
    """

    subject: str
    from_address: str
    from_name: str
    cc: tuple[str, ...]
    reply_to: tuple[str, ...]
    date: datetime | None
    body_text: str
    body_html: str
    headers: tuple[tuple[str, str], ...]
    attachments: tuple[Attachment, ...]
    defects: tuple[str, ...]
    parser_version: int
    codes: tuple[Code, ...] = ()
    links: tuple[Link, ...] = ()


@define  # freezing each takes longer than making it, and a list has fifty
class Summary:
    """A stored message as a list shows it.

    :ivar seq: its place in the order of commit within its mailbox, from 1.
    :ivar bucket: names its partition, see :class:`tempmail.model.mailbox.Mailbox`.
    :ivar to_address: the forward-path as the sender wrote it, with its tag.
    :ivar subject, from_address, from_name: from a bounded scan at arrival.
    :ivar preview: the beginning of the text; None, like ``attachment_count`` and
        ``parser_version``, until the message has been parsed.  Only then there are ``codes``.
    """

    id: UUID
    seq: int
    mailbox_id: int
    bucket: datetime
    to_address: str
    tag: str
    subject: str
    from_address: str
    from_name: str
    received_at: datetime
    size: int
    is_read: bool
    preview: str | None
    attachment_count: int | None
    parser_version: int | None
    codes: tuple[Code, ...] = ()


@frozen
class Received:
    """The bytes of a message as they came.

    :ivar id, seq, mailbox_id: of the message, as in :class:`Summary`.
    """

    id: UUID
    seq: int
    mailbox_id: int
    content: bytes


@frozen
class Trace:
    """How a message was handed over: its envelope as kept beside the raw bytes."""

    mail_from: str
    rcpt_to: str
    helo: str
    peer_ip: str
    tls: str | None


@frozen
class Message:
    """A stored message as its owner reads it.

    :ivar view: None until somebody needed it.
    :ivar authentication: None until it was found out, or somebody before us did.
    """

    summary: Summary
    trace: Trace
    view: View | None
    authentication: Authentication | None = None
