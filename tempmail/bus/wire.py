"""Events as they travel between daemons: signed, so that only daemons of one database can speak.

A payload is one line that says from whom it is and proves it, then a line for each thing that
happened::

    1 ORIGIN KEY MAC
    n MAILBOX MESSAGE SEQ          a new message
    d MAILBOX MESSAGE-or-- ORDINAL a message was deleted, or - all of them
    x MAILBOX                      a mailbox has ended
    a TOPIC TEXT-IN-HEX            whoever observes the topic is to hear the text
    r                              something could not be said before
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from hashlib import blake2b
from hmac import compare_digest
from uuid import UUID

from attrs import frozen

from tempmail.core.signing import SigningKey
from tempmail.model.event import Event, EventKind

MOST_LINES = 200
LONGEST_TEXT = 640
"""Bytes of what is announced."""

_LONGEST = 20 * 1024  # MOST_LINES events have room; fewer announcements have
_ID, _UUID = rb"[0-9]{1,19}", rb"[0-9a-f]{32}"
_LINE = rb"(?:n %b %b %b|d %b (?:%b|-) %b|x %b|a [a-z_]{1,20} (?:[0-9a-f]{2}){0,%d}|r)\n" % (
    _ID,
    _UUID,
    _ID,
    _ID,
    _UUID,
    _ID,
    _ID,
    LONGEST_TEXT,
)
_PAYLOAD = re.compile(
    rb"1 [0-9a-f]{16} ([0-9]{1,10}) ([0-9a-f]{64})\n((?:%b){1,%d})" % (_LINE, MOST_LINES)
)

RESYNC = b"r\n"


@frozen
class Announcement:
    topic: str
    text: str


@frozen
class Resync:
    """Something could not be said before: look for yourselves."""


class UnknownKey(Exception):
    """A payload signed with a key that we do not know, perhaps not yet."""


Item = Event | Announcement | Resync


def event_line(event: Event) -> bytes:
    """What tells of ``event``."""
    kind, message_id = event.kind, event.message_id
    if kind is EventKind.NEW_MESSAGE and message_id is not None:  # in the way of every mail
        return b"n %d %032x %d\n" % (event.mailbox_id, message_id.int, event.seq)
    if kind is EventKind.EXPIRED:
        return b"x %d\n" % event.mailbox_id
    message = message_id.hex.encode() if message_id is not None else b"-"
    return b"d %d %b %d\n" % (event.mailbox_id, message, event.seq)


def announcement_line(topic: str, text: str) -> bytes:
    """What makes those hear ``text`` who observe ``topic``.

    :raises ValueError: it is too long, or the topic is none.
    """
    line = b"a %b %b\n" % (topic.encode(), text.encode().hex().encode())
    if not re.fullmatch(_LINE, line):
        raise ValueError("this cannot be announced")
    return line


def payload(origin: bytes, key: SigningKey, lines: Sequence[bytes]) -> bytes:
    """Lines, signed; see :func:`pieces` for how many go into one."""
    body = b"".join(lines)
    return b"1 %b %d %b\n%b" % (origin, key.id, _mac(origin, key, body), body)


def pieces(lines: Sequence[bytes]) -> int:
    """How many of the first ``lines`` one payload has room for."""
    room, count = _LONGEST - 128, 0
    for line in lines[:MOST_LINES]:
        room -= len(line)
        if room < 0:
            break
        count += 1
    return count


def items(
    data: bytes, keys: Mapping[int, SigningKey], followed: Container[int]
) -> list[Item] | None:
    """What a payload says, in order; None where it is none, or is not ours.

    :param followed: the mailboxes whose events are of interest, the others are left out.
    :raises UnknownKey: it is well-formed, and signed with a key that is not among ``keys``.
    """
    match = _PAYLOAD.fullmatch(data) if len(data) <= _LONGEST else None
    if match is None:
        return None
    number, mac, body = match.groups()
    key = keys.get(int(number))
    if key is None:
        raise UnknownKey
    if not compare_digest(mac, _mac(data[2:18], key, body)):
        return None
    found = (_item(line.split(b" "), followed) for line in body.split(b"\n")[:-1])
    return [item for item in found if item is not None]


def _mac(origin: bytes, key: SigningKey, body: bytes) -> bytes:
    # BLAKE2 has a key built in (RFC 7693), and costs less than HMAC on OpenSSL.
    return blake2b(origin + body, key=key.secret, digest_size=32).hexdigest().encode()


def _item(fields: list[bytes], followed: Container[int]) -> Item | None:
    kind, *rest = fields
    if kind == b"r":
        return Resync()
    if kind == b"a":
        text = bytes.fromhex(rest[1].decode())
        return Announcement(rest[0].decode(), text.decode("utf-8", "replace"))
    mailbox_id = int(rest[0])
    if mailbox_id not in followed:
        return None
    if kind == b"x":
        return Event(EventKind.EXPIRED, mailbox_id)
    message = None if rest[1] == b"-" else UUID(rest[1].decode())
    happened = EventKind.NEW_MESSAGE if kind == b"n" else EventKind.DELETED
    return Event(happened, mailbox_id, message, int(rest[2]))
