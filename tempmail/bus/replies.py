"""What a Redis says (RESP2), read piece by piece in bounded memory.

txredisapi's own reader takes a turn of the event loop for each part of a reply, and keeps parts
of any size.
"""

from __future__ import annotations

from typing import TypeAlias

LARGEST = 64 * 1024
"""Bytes of one string."""

_LINE = 4096
_MOST_ITEMS = 10_000
_DEEPEST = 4


class BadReply(Exception):
    """Not what a Redis says."""


class Refusal(Exception):
    """An error that Redis answered with."""


class Oversize(int):
    """The length of a string that was too long to be kept."""


Reply: TypeAlias = "str | bytes | int | Refusal | Oversize | list[Reply] | None"


class Replies:
    """:param largest: of a string; a longer one is skipped and becomes an :class:`Oversize`."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._rest = b""
        self._skip = 0
        self._skipped = 0
        self._open: list[
            tuple[int, list[Reply]]
        ] = []  # arrays that are not complete, outermost first

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that ``data`` completes, in order.

        :raises BadReply: the connection is of no use any more.
        """
        buffer = self._rest + data if self._rest else data
        at, end = 0, len(buffer)
        done: list[Reply] = []
        while at < end:
            if self._skip:
                step = min(self._skip, end - at)
                self._skip -= step
                at += step
                if not self._skip:
                    self._add(Oversize(self._skipped), done)
                continue
            stop = buffer.find(b"\r\n", at, at + _LINE)
            if stop < 0:
                if end - at >= _LINE:
                    raise BadReply("a line without an end")
                break
            kind, text, start = buffer[at : at + 1], buffer[at + 1 : stop], stop + 2
            if kind == b"$":
                length = _number(text)
                if length > self._largest:
                    self._skip, self._skipped = length + 2, length
                elif length < 0:
                    self._add(None, done)
                elif start + length + 2 > end:
                    break  # the line is read again with what follows it
                else:
                    self._add(buffer[start : start + length], done)
                    start += length + 2
            elif kind == b"*":
                self._array(_number(text), done)
            elif kind == b":":
                self._add(_number(text), done)
            elif kind == b"+":
                self._add(text.decode("utf-8", "replace"), done)
            elif kind == b"-":
                self._add(Refusal(text.decode("utf-8", "replace")), done)
            else:
                raise BadReply("a reply of no known kind")
            at = start
        self._rest = buffer[at:]
        return done

    def _array(self, length: int, done: list[Reply]) -> None:
        if length > _MOST_ITEMS or len(self._open) >= _DEEPEST:
            raise BadReply("an array that is too large")
        if length < 0:
            self._add(None, done)
        elif length == 0:
            self._add([], done)
        else:
            self._open.append((length, []))

    def _add(self, value: Reply, done: list[Reply]) -> None:
        while self._open:
            length, items = self._open[-1]
            items.append(value)
            if len(items) < length:
                return
            self._open.pop()
            value = items
        done.append(value)


def _number(text: bytes) -> int:
    if not text.removeprefix(b"-").isdigit() or len(text) > 20:
        raise BadReply("a number that is none")
    return int(text)
