"""Files that stand in a text by uuencode (POSIX.1, uuencode: "Historical Algorithm")."""

from __future__ import annotations

import binascii
import re

MAX_FILES = 100

_BEGIN = re.compile(
    rb"^begin [0-7]{3,4} ([^\r\n]+)\r?\n(?=[!-`][^\r\n]+\r?\n|[ `]?\r?\n?end)", re.MULTILINE
)
_END = re.compile(rb"^(?:[ `]?\r?\n)?end[ \t]*\r?$", re.MULTILINE)


def files(text: bytes) -> list[tuple[bytes, bytes]]:
    """Names and contents of the first files in ``text``, in linear time.

    What has no end is no file.
    """
    found: list[tuple[bytes, bytes]] = []
    position = 0
    while len(found) < MAX_FILES and (begin := _BEGIN.search(text, position)):
        end = _END.search(text, begin.end())
        if end is None:
            break
        found.append((begin[1].strip(), _content(text[begin.end() : end.start()])))
        position = end.end()
    return found


def whole(body: bytes) -> bytes:
    """The first file of a body that was declared as one; the body itself where none begins."""
    begin = _BEGIN.search(body)
    if begin is None:
        return body
    end = _END.search(body, begin.end())
    return _content(body[begin.end() : end.start() if end else len(body)])


def _content(lines: bytes) -> bytes:
    out = bytearray()
    for line in lines.splitlines():
        if line:
            length = ((line[0] - 32) & 63) * 4 // 3 + 2  # some encoders add a checksum
            try:
                out += binascii.a2b_uu(line[:length])
            except binascii.Error:
                continue
    return bytes(out)
