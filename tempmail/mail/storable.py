"""Text that PostgreSQL takes always, whatever a mail held."""

from __future__ import annotations

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_PAGES = re.compile("[\x0b\x0c]")
_SILENT = re.compile("[\x01-\x08\x0e-\x1f]")  # NUL is no more
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+ ?")


def storable(text: str) -> str:
    """``text`` with U+FFFD for NUL and lone surrogates, which neither text nor jsonb can hold."""
    return _UNSTORABLE.sub("\ufffd", text)


def legible(text: str) -> str:
    """``text`` without the C0 controls that no reader sees: all but tab, CR and LF.

    They only make it long, six bytes each in JSON.  The two that part words, as they do in HTML,
    leave a space.
    """
    return _SILENT.sub("", _PAGES.sub(" ", text))


def one_line(text: str, limit: int) -> str:
    """``text`` without control characters, trimmed, of at most ``limit`` characters.

    Each run of controls leaves one space, which also unfolds (RFC 5322 section 2.2.3).
    """
    if not text.isprintable():
        text = _CONTROLS.sub(" ", text)
    return text.strip()[:limit]


def within(text: str, limit: int) -> str:
    """The beginning of ``text`` that takes at most ``limit`` bytes of UTF-8."""
    if len(text) * 4 <= limit:
        return text
    return text.encode()[:limit].decode(errors="ignore")
