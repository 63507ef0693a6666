"""Cutting a header into its fields (RFC 5322 section 2.2), whatever stands there instead."""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import frozen

MAX_FIELDS = 1000
MAX_FIELD_BYTES = 8 * 1024

_MAX_NAME = 256
# Space in front of the colon is obsolete (section 4.5), 8-bit names are none; both are sent.
_FIELD = re.compile(rb"([!-9;-~\x80-\xff]++)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)(?:\n|\Z)")
_USUAL = re.compile(
    rb"(?:from|to|b?cc|subject|date|sender|references|received|[a-z]{1,30}+-[!-9;-~]{1,60}+)"
    rb"[ \t]*+:",
    re.IGNORECASE,
)
"""What hardly any text's second line begins with."""
_BLANK = re.compile(rb"\n\r?(?:\n|\Z)")


@frozen
class Header:
    """The header of a message or of a part.

    :ivar fields: names, and values with their folds, in order.
    :ivar end: where the body begins.
    :ivar defects: what was wrong, in words.
    """

    fields: tuple[tuple[bytes, bytes], ...]
    end: int
    defects: tuple[str, ...]


def header(raw: bytes, start: int, is_delimiter: Callable[[bytes], bool]) -> Header:
    """The header that begins at ``start``, in time linear to its length.

    A line that is no field ends the header, which needs no blank line then; unless a field that
    is usual in mail follows at once: then it is left out.

    :param is_delimiter: tells lines beginning with ``--`` that end a part (RFC 2046), and so
        its header too.
    """
    fields: list[tuple[bytes, bytes]] = []
    defects: dict[str, None] = {}
    position = start
    while position < len(raw):
        if len(fields) >= MAX_FIELDS:
            defects[f"more than {MAX_FIELDS} headers"] = None
            blank = _BLANK.search(raw, position - 1)
            position = blank.end() if blank else len(raw)
            break
        line_end = _end_of_line(raw, position)
        if line_end - position <= 2 and not raw[position:line_end].strip(b"\r\n"):
            position = line_end
            break
        if raw.startswith(b"--", position) and is_delimiter(raw[position:line_end]):
            break
        field = _FIELD.match(raw, position)
        if field is not None:
            fields.append(_bounded(field[1], field[2], defects))
            position = field.end()
        elif (fields or raw[position] in b" \t") and _USUAL.match(raw, line_end):
            defects["header line without a colon"] = None
            position = line_end
        else:
            defects["no blank line behind the header"] = None
            break
    return Header(tuple(fields), position, tuple(defects))


def _end_of_line(raw: bytes, position: int) -> int:
    end = raw.find(b"\n", position)
    return len(raw) if end < 0 else end + 1


def _bounded(name: bytes, value: bytes, defects: dict[str, None]) -> tuple[bytes, bytes]:
    value = value.strip()
    if len(name) + len(value) > MAX_FIELD_BYTES:
        defects["header too long"] = None
        name = name[:_MAX_NAME]
        value = value[: MAX_FIELD_BYTES - len(name)]
    return name, value
