"""Text that PostgreSQL takes always, whatever a mail held."""

from __future__ import annotations

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+ ?")


def storable(text: str) -> str:
    """``text`` with U+FFFD for NUL and lone surrogates, which neither text nor jsonb can hold."""
    return _UNSTORABLE.sub("\ufffd", text)


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
