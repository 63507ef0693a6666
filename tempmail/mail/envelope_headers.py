"""Subject and author of a mail, by a bounded scan that every arrival can afford."""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import frozen

from tempmail.mail.addresses import MAX_ADDRESS, MAX_NAME, Author, authors
from tempmail.mail.encoded_words import unstructured
from tempmail.mail.storable import one_line

MAX_SUBJECT = 998
"""Characters; RFC 5322 section 2.1.1 has no longer line."""

_BLOCK = 64 * 1024
_VALUE_BYTES = 4096
_VALUE = re.compile(rb"[^\n]*(?:\n[ \t][^\n]*)*")
_PLAIN_AUTHOR = re.compile(
    rb'(?:"([^"\\\x00-\x1f\x7f]*)" *|([^"\\<>(),:;@\x00-\x1f\x7f]*))<([!#-\'*+\--;=?-Z^-~]{1,320})>'
)


@frozen
class Scanned:
    """What lists show of a message that nobody has parsed yet; empty where there is none."""

    subject: str
    from_address: str
    from_name: str


def scan(chunks: Sequence[bytes]) -> Scanned:
    """The first Subject and From of a message given in pieces.

    Looks at no more than 64 KiB, up to the first blank line, and at 4 KiB of each value.
    Never raises; each result is one line of text that can be stored, of at most 998
    (subject), 320 (address) and 256 (name) characters.
    """
    block = _header_block(chunks)
    names = b"\n" + block.lower()
    author = author_of(_value(block, names, b"\nfrom:"))
    return Scanned(subject_of(_value(block, names, b"\nsubject:")), author.address, author.name)


def subject_of(value: bytes) -> str:
    """The text of a Subject header's raw value."""
    value = _cut(value)
    if value.isascii() and b"=?" not in value:
        return one_line(value.decode("ascii"), MAX_SUBJECT)
    return one_line(unstructured(value), MAX_SUBJECT)


def author_of(value: bytes) -> Author:
    """The first mailbox of a From header's raw value; both parts empty where there is none."""
    value = _cut(value).strip()
    if value.isascii() and b"=?" not in value and (plain := _PLAIN_AUTHOR.fullmatch(value)):
        quoted, phrase, address = plain.groups()
        name = (phrase if quoted is None else quoted).strip().decode("ascii")
        return Author(address.decode("ascii")[:MAX_ADDRESS], name[:MAX_NAME])
    return next(authors(value), Author("", ""))


def _header_block(chunks: Sequence[bytes]) -> bytes:
    head = chunks[0] if chunks else b""
    end = _blank_line(head)
    if end < 0 and len(chunks) > 1 and len(head) < _BLOCK:
        parts, size = [], 0
        for chunk in chunks:
            parts.append(chunk)
            size += len(chunk)
            if size >= _BLOCK:
                break
        head = b"".join(parts)
        end = _blank_line(head)
    return head[: end if end >= 0 else _BLOCK]


def _blank_line(head: bytes) -> int:
    """Where the header block ends, or -1; lines end with LF, with or without CR."""
    if head.startswith((b"\r\n", b"\n")):
        return 0
    crlf = head.find(b"\n\r\n", 0, _BLOCK)
    lf = head.find(b"\n\n", 0, crlf if crlf >= 0 else _BLOCK)
    return lf if lf >= 0 else crlf


def _value(block: bytes, names: bytes, name: bytes) -> bytes:
    at = names.find(name)
    if at < 0:
        return b""
    start = at + len(name) - 1  # names has one byte in front that block lacks
    found = _VALUE.match(block, start, start + _VALUE_BYTES + 1)
    return found[0] if found else b""


def _cut(value: bytes) -> bytes:
    """At most 4 KiB of ``value``, whole words: half an encoded-word is noise."""
    if len(value) <= _VALUE_BYTES:
        return value
    value = value[:_VALUE_BYTES]
    return value[: value.rfind(b" ")] if b" " in value else value
