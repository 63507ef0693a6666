"""What of a request may stand in a log."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from tempmail.core.documents import PATH

_LONGEST = 200
_SIGNED = re.compile(rb"\A(/*%s/+)[^/]+" % PATH.strip("/").encode())
_SECRET = re.compile(rb"[A-Za-z0-9_-]{40,}")
"""As long as a token, wherever it stands."""


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""What would begin a line of its own, or steer the terminal of whoever reads it."""


def logged(part: bytes) -> str:
    """Part of a request line: bounded, printable, without its query and without a signature."""
    path = unquote_to_bytes(part.partition(b"?")[0])
    shown = _SECRET.sub(b"-", _SIGNED.sub(rb"\1-", path))
    text = shown[:_LONGEST].decode("ascii", "backslashreplace")
    return _CONTROL.sub(lambda one: f"\\x{ord(one[0]):02x}", text)
