"""What became of a mail on its way to a mailbox: an entry of the mailbox's delivery log."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen


@frozen
class Refused:
    """A mail that did not reach a mailbox, on its way into the log.

    :ivar addresses: the mailboxes it was for, canonical; those that do not exist are ignored.
    :ivar verdict: ``full``, ``too_large``, ``refused`` or ``deferred`` (the sender was told to
        try again).
    :ivar reason: in words, for the mailbox's owner.
    :ivar size: octets of content that were seen.
    :ivar received_ms: milliseconds from MAIL to the end of the content, or to where it broke off.
    """

    addresses: tuple[str, ...]
    verdict: str
    reason: str
    mail_from: str
    helo: str
    peer_ip: str
    tls: str | None
    size: int
    received_ms: int


@frozen
class Attempt:
    """One entry of the log: something that came for a mailbox.

    :ivar verdict: ``stored``, or one of those of :class:`Refused`.
    :ivar received_ms: milliseconds from MAIL to the end of the content.
    :ivar queued_ms: from there to the start of the commit; 0 where none was tried.
    """

    at: datetime
    verdict: str
    reason: str
    mail_from: str
    rcpt_to: str
    helo: str
    peer_ip: str
    tls: str | None
    size: int
    received_ms: int
    queued_ms: int
