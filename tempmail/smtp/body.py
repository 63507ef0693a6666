"""The content of a mail as DATA carries it (RFC 5321 section 4.1.1.4), read in chunks.

Only CR LF ``.`` CR LF ends it; a bare CR or LF is data like any other octet, so that no other
server's idea of a line end can hide a second mail in it.  Dot-stuffing is undone (section
4.5.2).  Nothing here looks at lines, and no chunk is ever joined with another, small ones
apart: a mail of 25 MB takes 25 MB.
"""

from __future__ import annotations

import enum

from tempmail.core.budget import ByteBudget

_END = b"\r\n.\r\n"
_DOT_LINE = b"\r\n."
_SMALL = 4096
_GATHER = 65536


class BodyFault(enum.Enum):
    """Why a mail's content was not kept."""

    TOO_LARGE = enum.auto()
    NO_ROOM = enum.auto()


class BodyReader:
    """Takes one mail's content piece by piece and finds its end.

    :param limit: octets of content that are kept at most; a longer mail is read to its end
        and dropped.
    :param budget: charged for what is kept until :meth:`release`.
    :ivar fault: why nothing is kept, or None.
    :ivar size: octets of content so far, kept or not.
    """

    __slots__ = (
        "_budget",
        "_carry",
        "_chunks",
        "_gathered",
        "_held",
        "_limit",
        "_skip",
        "fault",
        "size",
    )

    def __init__(self, limit: int, budget: ByteBudget) -> None:
        self._limit = limit
        self._budget = budget
        self._held = 0
        self._chunks: list[bytes] = []
        self._gathered: bytearray | None = None
        self._carry: bytes | None = None  # what may be the beginning of the end; None at first
        self._skip = 0
        self.fault: BodyFault | None = None
        self.size = 0

    def feed(self, data: bytes) -> int:
        """Take ``data``, at least one octet.

        :returns: how much of it belongs to this mail where its end was found, else -1.
        """
        carry = self._carry
        if carry is None:
            carry = b""
            if data[0] == 0x2E:  # DATA's own CR LF stands before the first line
                carry = b"\r\n"
                self._skip = 2
        if carry:
            data = carry + data
        end = -1
        stuffed = False
        # Most content has no line that begins with a dot, and one look says so: rfind, which
        # takes a third of the time that find takes over 50 KB of text.
        if data[-5:] == _END and data.rfind(_DOT_LINE, 0, len(data) - 3) < 0:
            end = len(data) - 5
        elif data.rfind(_DOT_LINE) >= 0:
            end = data.find(_END)
            stuffed = True
        content = data
        self._carry = b""
        if end >= 0:
            content = data[: end + 2]
        elif held_back := _beginning_of_end(data):
            content, self._carry = data[:-held_back], data[-held_back:]
        if stuffed:  # the CR LF before such a dot is always in the same piece: see held_back
            content = content.replace(_DOT_LINE, b"\r\n")
        if content and self._skip:
            content = content[self._skip :]
            self._skip = 0
        if content:
            self._keep(content)
        return end + 5 - len(carry) if end >= 0 else -1

    @property
    def chunks(self) -> tuple[bytes, ...]:
        """The content byte for byte, in pieces."""
        self._settle()
        return tuple(self._chunks)

    def release(self) -> None:
        """Give the budget back what was held; whoever has the chunks has dropped them."""
        self._budget.give(self._held)
        self._held = 0

    def _keep(self, content: bytes) -> None:
        length = len(content)
        self.size += length
        if self.fault is not None:
            return
        if self.size > self._limit:
            self._drop(BodyFault.TOO_LARGE)
        elif not self._budget.take(length):
            self._drop(BodyFault.NO_ROOM)
        else:
            self._held += length
            if self.size == length or length >= _SMALL:
                self._settle()
                self._chunks.append(content)
            else:
                # Segments of a few octets must not become millions of objects.
                if self._gathered is None:
                    self._gathered = bytearray()
                self._gathered += content
                if len(self._gathered) >= _GATHER:
                    self._settle()

    def _settle(self) -> None:
        if self._gathered:
            self._chunks.append(bytes(self._gathered))
            self._gathered = None

    def _drop(self, fault: BodyFault) -> None:
        self.fault = fault
        self._chunks = []
        self._gathered = None
        self.release()


def _beginning_of_end(data: bytes) -> int:
    """How many last octets of ``data`` may be the first of CR LF ``.`` CR LF."""
    for length in (4, 3, 2, 1):
        if data.endswith(_END[:length]):
            return length
    return 0
