"""Where a list goes on, in a form that clients hand back and never read."""

from __future__ import annotations

import binascii
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode

from attrs import frozen

from tempmail.model.errors import InvalidInput

_FORM = struct.Struct(">BQ")
_NEWEST_FIRST, _OLDEST_FIRST = 1, 2  # doubles as the version: another form gets another number
_MOST = 2**63 - 1


@frozen
class Cursor:
    """A place in one mailbox's messages.

    :ivar seq: the last sequence number listed.
    :ivar oldest_first: whether the list goes upward from there.
    """

    seq: int
    oldest_first: bool

    def text(self) -> str:
        """What clients are given: 12 URL-safe characters."""
        order = _OLDEST_FIRST if self.oldest_first else _NEWEST_FIRST
        return urlsafe_b64encode(_FORM.pack(order, self.seq)).decode("ascii")

    @classmethod
    def read(cls, text: str) -> Cursor:
        """:raises InvalidInput: for what :meth:`text` never made."""
        try:
            order, seq = _FORM.unpack(urlsafe_b64decode(text))
        except (binascii.Error, struct.error, ValueError):
            raise InvalidInput(_WRONG) from None
        cursor = cls(seq, order == _OLDEST_FIRST)
        if seq > _MOST or cursor.text() != text:
            raise InvalidInput(_WRONG)
        return cursor


_WRONG = "cursor: none of ours; give back what 'next' held, or leave it out"
