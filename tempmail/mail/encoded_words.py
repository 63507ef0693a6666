"""Header text with encoded-words (RFC 2047, language suffix of RFC 2231 section 5)."""

from __future__ import annotations

import binascii
import re

from tempmail.mail.charsets import decode
from tempmail.mail.transfer import from_base64

_BEGIN = re.compile(rb"=\?([^?\s]{1,60})\?([bq])\?", re.IGNORECASE)


def unstructured(value: bytes) -> str:
    """The text of a header's raw value, in time linear to its length.

    White space between encoded-words goes (section 6.2).  Neighbours of one charset are
    decoded together: many senders split a character between two of them.  Text outside of
    encoded-words may be raw UTF-8 (RFC 6532) or any 8-bit charset.
    """
    if b"=?" not in value:
        return decode(value)
    out: list[str] = []
    label, pending, position = b"", b"", 0
    while begin := _BEGIN.search(value, position):
        end = value.find(b"?=", begin.end())
        if end < 0:
            break
        gap = value[position : begin.start()]
        charset = begin[1].partition(b"*")[0].lower()
        together = bool(label) and (not gap or gap.isspace())
        if not together or charset != label:
            out.append(_text(pending, label))
            pending = b""
        if not together:
            out.append(decode(gap))
        label, position = charset, end + 2
        pending += _octets(begin[2], value[begin.end() : end])
    return "".join((*out, _text(pending, label), decode(value[position:])))


def _octets(encoding: bytes, text: bytes) -> bytes:
    return from_base64(text) if encoding in b"bB" else binascii.a2b_qp(text, header=True)


def _text(data: bytes, label: bytes) -> str:
    return decode(data, label.decode("ascii", "replace")) if data else ""
