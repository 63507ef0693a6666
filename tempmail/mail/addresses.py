"""Address lists as they stand in From, Cc and Reply-To (RFC 5322 section 3.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tempmail.mail.charsets import decode
from tempmail.mail.encoded_words import unstructured
from tempmail.mail.storable import one_line

MAX_ADDRESS = 320
"""Characters: 64 for the local part, one for ``@``, 255 for the domain."""
MAX_NAME = 256

_TOKEN = re.compile(
    rb"""
      " (?P<quoted> (?:[^"\\]|\\.)* ) (?P<closed> "? )
    | < (?P<angle> [^<>]* ) >?
    | \( (?P<comment> (?:[^()\\]|\\.|\((?:[^()\\]|\\.)*+\))*+ ) \)?
    | (?P<word> =\?[^?\s]+\?[bq]\?[^?\s]*\?= )
    | (?P<separator> [,;:] )
    | (?P<other> [^"<(=,;:]+ | . )
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_ROUTE = re.compile(rb"\A@[^:]*+:")  # obsolete, RFC 5322 section 4.4
_NO_SPACE = re.compile(rb"\s+")


class Author(NamedTuple):
    """A mailbox with its display name; either may be empty."""

    address: str
    name: str


def authors(value: bytes) -> Iterator[Author]:
    """The mailboxes of a header's raw value, in order, in time linear to its length.

    Made for what is really sent: names with bare 8-bit text, encoded-words within quotes,
    groups, comments for names, brackets and quotes that are never closed.
    """
    if any(token["closed"] == b"" for token in _TOKEN.finditer(value)):
        value = value.replace(b'"', b" ")
    phrase: list[bytes] = []
    angle = comment = b""
    for token in (*_TOKEN.finditer(value), None):
        if token is None or token["separator"] in (b",", b";"):
            author = _author(b"".join(phrase), angle, comment)
            if any(author):
                yield author
            phrase.clear()
            angle = comment = b""
            continue
        match token.lastgroup:
            case "closed":
                phrase.append(_QUOTED_PAIR.sub(rb"\1", token["quoted"]))
            case "angle":
                angle = angle or token["angle"]
            case "comment":
                comment = comment or token["comment"]
            case "separator":  # a colon: what stood before was a group's name
                phrase.clear()
            case _:
                phrase.append(token[0])


def _author(phrase: bytes, angle: bytes, comment: bytes) -> Author:
    if not angle and b"@" in phrase:
        words = phrase.split()
        angle = next(word for word in words if b"@" in word)
        words.remove(angle)
        phrase = b" ".join(words)
    name = unstructured(phrase.strip() or comment)
    address = decode(_ROUTE.sub(b"", _NO_SPACE.sub(b"", angle)))
    return Author(one_line(address, MAX_ADDRESS), one_line(name, MAX_NAME))
