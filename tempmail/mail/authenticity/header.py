"""A message as signatures see it: fields byte for byte, and where the body begins."""

from __future__ import annotations

import re

from attrs import frozen

MAX_HEAD_BYTES = 256 * 1024
MAX_FIELDS = 1000

_BLANK = re.compile(rb"(?:\A|\n)\r?\n")
_NAME = re.compile(rb"[!-9;-~]+[ \t]*(?=:)")
_LINE_END = re.compile(rb"\r?\n")


class Damaged(Exception):
    """A header that no signature can be checked against; says what is wrong."""


@frozen
class Head:
    """:ivar fields: names as they stand before the colon, and values with their folds, each ending
        with CRLF.
    :ivar body_start: where the body begins in the message.
    """

    fields: tuple[tuple[bytes, bytes], ...]
    body_start: int

    def all(self, name: bytes) -> list[bytes]:
        """The values of the fields called ``name`` (lower case), the topmost first."""
        return [value for known, value in self.fields if plain_name(known) == name]


def plain_name(name: bytes) -> bytes:
    """A field's name without case and the space that may follow it (RFC 5322 section 4.5)."""
    return name.rstrip(b" \t").lower()


def head_of(raw: bytes) -> bytes:
    """The header with the blank line behind it, and no more of it than is looked at."""
    blank = _BLANK.search(raw, 0, MAX_HEAD_BYTES + 4)
    return raw[: blank.end() if blank else MAX_HEAD_BYTES + 1]


def read_head(raw: bytes) -> Head:
    """The header of a message (RFC 5322 section 2.2), in time linear to its length.

    Takes what signers take and nothing else, unlike :mod:`tempmail.mail.header_fields`: what is
    repaired on reading was not signed like that.  Lines may end with LF alone.

    :raises Damaged: for a line that is neither a field nor a fold, and for one without bounds.
    """
    head = head_of(raw)
    if len(head) > MAX_HEAD_BYTES:
        raise Damaged(f"its header is longer than {MAX_HEAD_BYTES} bytes")
    fields: list[tuple[bytes, list[bytes]]] = []
    lines = _LINE_END.split(head)
    for number, line in enumerate(lines):
        if not line:
            break
        if line[:1] in b" \t":
            if not fields:
                raise Damaged("its header begins with a fold")
            fields[-1][1].append(line)
        elif name := _NAME.match(line):
            fields.append((name[0], [line[line.index(b":") + 1 :]]))
            if len(fields) > MAX_FIELDS:
                raise Damaged(f"it has more than {MAX_FIELDS} header fields")
        elif number or not line.startswith(b"From "):  # an mbox line
            raise Damaged("its header has a line that is no field")
    whole = ((name, b"\r\n".join((*values, b""))) for name, values in fields)
    return Head(tuple(whole), len(head))
