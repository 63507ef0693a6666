"""What of a request may stand in a log."""

from __future__ import annotations

import re

from tempmail.core.documents import PATH

_LONGEST = 200
_SIGNED = re.compile(rb"\A(%s/)[^/]+" % PATH.encode())


def logged(text: bytes) -> str:
    """Part of a request line: bounded, printable, without its query and without a signature."""
    shown = _SIGNED.sub(rb"\1-", text.partition(b"?")[0])
    return shown[:_LONGEST].decode("ascii", "backslashreplace")
