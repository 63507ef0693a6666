"""From a server's bytes to its responses (RFC 9051 section 2.2.2), whatever it sends.

Literals, in which mails come, are kept in the pieces in which they arrive and never joined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import define, field

from tempmail.imap.errors import Violation

MAX_TEXT = 256 * 1024
"""Bytes of one response outside of its literals: ten thousand UIDs take less than half."""

_MAX_LITERALS = 8
_MAX_DIGITS = 15


@define
class Response:
    """One response.

    :ivar text: all of it but the line end, each literal standing as ``{}``.
    :ivar literals: each in pieces.
    """

    text: bytes = b""
    literals: list[list[bytes]] = field(factory=list)


class ResponseReader:
    """Cuts a stream into responses, holding one at a time.

    :param admit: called with the length of each literal before it is read; may raise.
    """

    def __init__(self, admit: Callable[[int], None]) -> None:
        self._admit = admit
        self._data, self._at = b"", 0  # what came last, and how far it has been looked at
        self._line = bytearray()  # the beginning of one whose end has not come
        self._response = Response()
        self._missing = 0  # of the literal under way

    @property
    def is_between(self) -> bool:
        """Whether nothing has come behind the last response."""
        return self._at == len(self._data) and not (
            self._line or self._missing or self._response.text
        )

    def feed(self, data: bytes) -> Iterator[Response]:
        """The responses that ``data`` completes; each is yielded before the next is looked at.

        :raises Violation: it is longer than any that was asked for.
        """
        self._data, self._at = data, 0
        while self._at < len(data):
            if self._missing:
                piece = data[self._at : self._at + self._missing]
                self._at += len(piece)
                self._missing -= len(piece)
                self._response.literals[-1].append(piece)
                continue
            end = data.find(b"\n", self._at)
            self._bound(len(self._line) + (len(data) if end < 0 else end) - self._at)
            if end < 0:
                self._line += data[self._at :]
                self._at = len(data)
                return
            line = (bytes(self._line) + data[self._at : end]).removesuffix(b"\r")
            self._line.clear()
            self._at = end + 1
            size = _literal(line)
            if size is None:
                self._response.text += line
                response, self._response = self._response, Response()
                yield response
            else:
                self._begin_literal(line, size)

    def _begin_literal(self, line: bytes, size: int) -> None:
        self._response.text += line[: line.rindex(b"{")] + b"{}"
        if len(self._response.literals) >= _MAX_LITERALS:
            raise Violation("too many literals in a response")
        self._admit(size)
        self._response.literals.append([])
        self._missing = size

    def _bound(self, length: int) -> None:
        if len(self._response.text) + length > MAX_TEXT:
            raise Violation("a response without an end")


def _literal(line: bytes) -> int | None:
    """The length of the literal that a line announces; None where it announces none."""
    if not line.endswith(b"}"):
        return None
    digits = line[line.rfind(b"{") + 1 : -1]
    if not digits.isdigit() or b"{" not in line:
        return None
    if len(digits) > _MAX_DIGITS:
        raise Violation("a literal of impossible length")
    return int(digits)
