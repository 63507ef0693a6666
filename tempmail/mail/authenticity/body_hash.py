"""Hashes of a message's body as signers canonicalize it (RFC 6376 section 3.4).

In steps, so that a body of many megabytes is never copied whole, and once for each way that a
message's signatures ask for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256

_STEP = 1024 * 1024
_SPACES = re.compile(rb"[ \t]+")
_BARE_LF = re.compile(rb"(?<!\r)\n")
MOST_WAYS = 8
"""Different hashes of one body, each of which passes over it once."""


class TooManyWays(Exception):
    """The signatures of one message want more different hashes than are made."""


class Body:
    """:param raw: a message.
    :param start: where its body begins.
    """

    def __init__(self, raw: bytes, start: int) -> None:
        self._raw = raw
        self._start = start
        self._made: dict[tuple[bool, int | None], tuple[bytes, int]] = {}

    def digest(self, *, relaxed: bool, length: int | None = None) -> tuple[bytes, int]:
        """SHA-256, and how long the canonical body is.

        :param length: how much of the canonical body counts; all where None.
        :raises TooManyWays: another one than the eight before.
        """
        way = (relaxed, length)
        if way not in self._made:
            if len(self._made) >= MOST_WAYS:
                raise TooManyWays
            self._made[way] = self._hashed(relaxed, length)
        return self._made[way]

    def _hashed(self, relaxed: bool, length: int | None) -> tuple[bytes, int]:
        digest, size, blank = sha256(), 0, 0  # blank: octets of empty lines not yet counted

        def add(octets: bytes) -> None:
            nonlocal size
            counted = octets if length is None else octets[: max(0, length - size)]
            digest.update(counted)
            size += len(octets)

        for piece in self._pieces(relaxed):
            content = piece.rstrip(b"\r\n")
            # A bare CR is content; what is taken off are whole line ends.
            tail = piece[len(content) :]
            ends = tail.rfind(b"\r\r") + 1 if tail.endswith(b"\n") else len(tail)
            kept = piece[: len(content) + ends]
            if kept:
                add(b"\r\n" * (blank // 2))
                add(kept)
                blank = 0
            blank += len(tail) - ends
        if size or not relaxed:  # a body that is there ends with one line end
            add(b"\r\n")
        return digest.digest(), size

    def _pieces(self, relaxed: bool) -> Iterator[bytes]:
        """The body in whole lines with CRLF, white space reduced where ``relaxed``."""
        position = self._start
        while position < len(self._raw):
            end = position + _STEP
            if end < len(self._raw):
                end = self._raw.rfind(b"\n", position, end) + 1 or self._raw.find(b"\n", end) + 1
                end = end or len(self._raw)
            piece = self._raw[position:end]
            position = end
            if piece.count(b"\n") != piece.count(b"\r\n"):
                piece = _BARE_LF.sub(b"\r\n", piece)
            if relaxed:
                piece = _SPACES.sub(b" ", piece).replace(b" \r\n", b"\r\n")
                if position >= len(self._raw):
                    # Without a line end the last line ends here all the same (section 3.4.4).
                    piece = piece if piece.endswith(b"\r\n") else piece.removesuffix(b" ")
            yield piece
