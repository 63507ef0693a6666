"""Parameters of Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC 2231)."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from tempmail.mail.charsets import decode
from tempmail.mail.encoded_words import unstructured
from tempmail.mail.storable import one_line

_MAX_VALUE = 2048
# A first semicolon that was forgotten is not missed.
_PARAMETER = re.compile(
    rb"""
      (?: ; | \A\s*[^\s;="]+\s ) \s*
      ([^\s=;"]+) \s*=\s*
      (?: "((?:[^"\\]|\\.)*)"? | ([^;]*) )
    """,
    re.DOTALL | re.VERBOSE,
)
_SECTION = re.compile(r"(.+?)(?:\*(\d{1,3}))?(\*)?", re.DOTALL)
_QUOTED_PAIR = re.compile(rb'\\(["\\])')


def parameters(value: bytes) -> dict[str, str]:
    """The parameters of a header's raw value by lower-case name, the first of each name.

    Sections (``name*0``) are put together, extended values (``name*=charset'language'%41``)
    win over plain ones, and encoded-words in plain ones are decoded, though RFC 2047
    section 5 forbids them there.
    """
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[bool, bytes]]] = {}
    for found in _PARAMETER.finditer(value):
        quoted, token = found[2], found[3]
        text = token.strip() if quoted is None else _QUOTED_PAIR.sub(rb"\1", quoted)
        section = _SECTION.fullmatch(found[1].decode("ascii", "replace").lower())
        assert section is not None  # the group is never empty
        name, number, extended = section.groups()
        if number is None and extended is None:
            plain.setdefault(name, unstructured(text))
        else:
            kept = sections.setdefault(name, {})
            kept.setdefault(int(number or 0), (extended is not None, text))
    plain |= {name: _assembled(kept) for name, kept in sections.items()}
    return {name: one_line(text, _MAX_VALUE) for name, text in plain.items()}


def _assembled(kept: dict[int, tuple[bool, bytes]]) -> str:
    """RFC 2231 sections 3 and 4: the first section names the charset of the whole."""
    label, out = b"", []
    for place, number in enumerate(sorted(kept)):
        extended, text = kept[number]
        if extended:
            if place == 0 and text.count(b"'") >= 2:
                label, _, text = text.split(b"'", 2)
            text = unquote_to_bytes(text)
        out.append(text)
    return decode(b"".join(out), label.decode("ascii", "replace"))
