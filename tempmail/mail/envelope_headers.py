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
_LANDMARK = re.compile(
    rb"\n(?:(?:(subject)|from)[ \t]*+:([^\n]*(?:\n[ \t][^\n]*)*)|\r?\n)", re.IGNORECASE
)
"""Either header, or the blank line.  That it begins with one fixed byte is what makes it fast."""
_FIRST_BYTES = (b"s", b"S", b"f", b"F", b"\r", b"\n")
_PLAIN_AUTHOR = re.compile(
    rb'(?:"([^"\\\x00-\x1f\x7f]*)" *|([^"\\<>(),:;@\x00-\x1f\x7f]*))<([!#-\'*+\--;=?-Z^-~]{1,320})>'
)


@frozen
class Scanned:
    """What lists show of a message that nobody has parsed yet; empty where there is none."""

    subject: str
    from_address: str
    from_name: str


def scan(chunks: Sequence[bytes], reverse_path: str = "") -> Scanned:
    """The first Subject and From of a message given in pieces.

    :param reverse_path: of its envelope: who it is from where no From says so.

    Looks at no more than 64 KiB, up to the first blank line, and at 4 KiB of each value.
    Never raises; each result is one line of text that can be stored, of at most 998
    (subject), 320 (address) and 256 (name) characters.
    """
    head = chunks[0] if chunks else b""
    subject, author, complete = _values(head)
    if not complete and len(chunks) > 1 and len(head) < _BLOCK:
        subject, author, _ = _values(_joined(chunks))
    address, name = author_of(author or b"")
    if not address and not name:
        address = one_line(reverse_path, MAX_ADDRESS)
    return Scanned(subject_of(subject or b""), address, name)


def subject_of(value: bytes) -> str:
    """The text of a Subject header's raw value."""
    value = _cut(value).strip()
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


def _values(head: bytes) -> tuple[bytes | None, bytes | None, bool]:
    """The raw values, None where absent, and whether more of the message could add nothing."""
    if head[:1] in _FIRST_BYTES:  # the first line has no line end in front
        head = b"\n" + head[:_BLOCK]
    subject = author = None
    position = 0
    while found := _LANDMARK.search(head, position, _BLOCK):
        name, value = found.groups()
        position = found.end()
        if value is None:
            return subject, author, True
        if name is None:
            if author is None:
                author = value
        elif subject is None:
            subject = value
        if subject is not None and author is not None:
            break
    both = subject is not None and author is not None
    return subject, author, both and position + 1 < len(head)  # what follows is no fold


def _joined(chunks: Sequence[bytes]) -> bytes:
    parts, size = [], 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size >= _BLOCK:
            break
    return b"".join(parts)


def _cut(value: bytes) -> bytes:
    """At most 4 KiB of ``value``, whole words: half an encoded-word is noise."""
    if len(value) <= _VALUE_BYTES:
        return value
    value = value[:_VALUE_BYTES]
    return value[: value.rfind(b" ")] if b" " in value else value
