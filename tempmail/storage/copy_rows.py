"""Rows for ``COPY messages FROM STDIN BINARY`` (PostgreSQL manual, COPY, "Binary Format").

On the path of every mail: the text columns that all recipients of an envelope share are encoded
once, and the raw bytes are passed on in the pieces in which they came.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence

from attrs import asdict

from tempmail.model.authentication import Authentication
from tempmail.model.message import Envelope

COLUMNS = (
    "id, mailbox_id, seq, bucket, expires_at, size,"
    " rcpt_to, tag, mail_from, helo, peer_ip, tls, from_address, from_name, subject,"
    " authentication, received_ms, queued_ms, raw"
)
COPY = f"COPY messages ({COLUMNS}) FROM STDIN BINARY"

COPY_PIECE = 256 * 1024
"""Bytes that COPY takes at a time."""

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_FIXED = struct.Struct(">hi16siqiqiqiqii")
_TIMES_AND_LENGTH = struct.Struct(">iiiii")
_LENGTH = struct.Struct(">i")
_NULL = _LENGTH.pack(-1)
_JSONB = b"\x01"  # the version that its binary form begins with


def _text(value: str) -> bytes:
    # PostgreSQL's text has neither NUL nor lone surrogates, whatever a client sends.
    encoded = value.encode("utf-8", "replace")
    if b"\0" in encoded:
        encoded = encoded.replace(b"\0", b"")
    return _LENGTH.pack(len(encoded)) + encoded


def _jsonb(value: Authentication | None) -> bytes:
    if value is None:
        return _NULL
    encoded = _JSONB + json.dumps(asdict(value)).encode()
    return _LENGTH.pack(len(encoded)) + encoded


class Rows:
    """The rows of one batch, readable as the file that psycopg2's ``copy_expert`` wants."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = [_HEADER]
        self._next = 0
        self._offset = 0

    def add(
        self,
        envelope: Envelope,
        headers: tuple[str, str, str],
        places: Sequence[tuple[int, bytes, int, int, int, int]],
        queued_ms: int = 0,
    ) -> None:
        """Add one row for each recipient that has room.

        :param headers: from_address, from_name and subject.
        :param places: index of the recipient, id, mailbox_id, seq, bucket and expires_at, the
            last two in microseconds since 2000-01-01.
        :param queued_ms: milliseconds that the envelope waited for its batch.
        """
        shared = b"".join(
            (
                _text(envelope.mail_from),
                _text(envelope.helo),
                _text(envelope.peer_ip),
                _NULL if envelope.tls is None else _text(envelope.tls),
                _text(headers[0]),
                _text(headers[1]),
                _text(headers[2]),
                _jsonb(envelope.authentication),
                _TIMES_AND_LENGTH.pack(4, envelope.received_ms, 4, queued_ms, envelope.size),
            )
        )
        append = self._pieces.append
        for index, identity, mailbox_id, seq, bucket, expires_at in places:
            recipient = envelope.recipients[index]
            append(
                _FIXED.pack(
                    19, 16, identity, 8, mailbox_id, 8, seq, 8, bucket, 8, expires_at,
                    4, envelope.size,
                )
            )  # fmt: skip
            append(_text(recipient.given))
            append(_text(recipient.tag))
            append(shared)
            self._pieces += envelope.chunks

    def close(self) -> None:
        """No more rows."""
        self._pieces.append(_TRAILER)
        if sum(map(len, self._pieces)) <= COPY_PIECE:
            self._pieces = [b"".join(self._pieces)]

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; empty at the end."""
        pieces, at = self._pieces, self._next
        while at < len(pieces) and not pieces[at]:  # an empty read would be the end
            at += 1
        if at == len(pieces):
            return b""
        piece = pieces[at]
        if self._offset or len(piece) > size:
            part = piece[self._offset : self._offset + size]
            self._offset += size
            if self._offset >= len(piece):
                self._next, self._offset = at + 1, 0
            return part
        length, end = len(piece), at + 1
        while end < len(pieces) and length + len(pieces[end]) <= size:
            length += len(pieces[end])
            end += 1
        self._next = end
        return piece if end == at + 1 else b"".join(pieces[at:end])
