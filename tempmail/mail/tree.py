"""The parts of a message (RFC 2046), by the standard library's parser, within bounds.

The parser is used with ``compat32``, which keeps headers as they are: the structured headers
of ``policy.default`` raise on damaged mail.  Charsets, parameters and transfer encodings are
undone by this package, for the library's own ways of doing so raise as well.
"""

from __future__ import annotations

import re
from email.message import Message
from email.parser import BytesFeedParser
from typing import Any

from tempmail.mail.parameters import parameters
from tempmail.mail.transfer import decoded

MAX_PARTS = 1000
MAX_DEPTH = 50
MAX_HEADERS = 1000
MAX_HEADER_BYTES = 8 * 1024
MAX_BOUNDARY = 256

_FEED = 64 * 1024
_WORDS = re.compile("[A-Z][a-z0-9]*")


class _LimitReached(Exception):
    """Ends the parse; what was read so far stays readable."""


class _Tally:
    """What is counted over all parts of one message."""

    def __init__(self) -> None:
        self.root: Part | None = None
        self.parts = 0
        self.defects: dict[str, None] = {}


class Part(Message):
    """A part that takes no more than the bounds above, and notes what it left out.

    :ivar raw_headers: names, and values with their folds, in order.
    :ivar depth: 0 for the message itself.
    """

    _payload: str | list[Part] | None  # the library's reader of it decodes, and may raise

    def __init__(self, tally: _Tally, **policy: Any) -> None:
        super().__init__(**policy)
        self.raw_headers: list[tuple[str, bytes]] = []
        self.depth = 0
        self._tally = tally
        self._first: dict[str, bytes] = {}

    def set_raw(self, name: str, value: Any) -> None:
        """Called by the library for each header read."""
        if len(self.raw_headers) >= MAX_HEADERS:
            self._tally.defects[f"more than {MAX_HEADERS} headers"] = None
            return
        if len(name) + len(value) > MAX_HEADER_BYTES:
            self._tally.defects["header too long"] = None
            name = name[:256]
            value = value[: MAX_HEADER_BYTES - len(name)]
        self.raw_headers.append((name, octets(value)))
        self._first.setdefault(name.lower(), octets(value))
        super().set_raw(name, value)

    def attach(self, payload: Any) -> None:
        """Called by the library for each part begun within this one."""
        if self.depth == 0:
            self._tally.root = self
        self._tally.parts += 1
        if self._tally.parts > MAX_PARTS:
            self._tally.defects[f"more than {MAX_PARTS} parts"] = None
            raise _LimitReached
        if self.depth >= MAX_DEPTH:
            self._tally.defects[f"parts nested deeper than {MAX_DEPTH}"] = None
            raise _LimitReached
        payload.depth = self.depth + 1
        super().attach(payload)

    def get_content_type(self) -> str:
        """Called by the library to decide what to open: messages within stay closed.

        A forwarded mail is an attachment, byte for byte.
        """
        media = self.media_type
        return "application/octet-stream" if media.startswith("message/") else media

    def get_boundary(self, failobj: Any = None) -> Any:
        """Called by the library; RFC 2046 section 5.1.1 allows 70 characters."""
        boundary = parameters(self.first("content-type")).get("boundary", "")
        if not 0 < len(boundary) <= MAX_BOUNDARY:
            return failobj
        return boundary.encode().decode("ascii", "surrogateescape")

    @property
    def media_type(self) -> str:
        """Lower case; RFC 2045 section 5.2's default where none, or an impossible one, is given."""
        given = self.first("content-type").partition(b";")[0].strip().lower()
        if not given:
            return self.get_default_type()
        return given.decode("ascii", "replace") if given.count(b"/") == 1 else "text/plain"

    def first(self, name: str) -> bytes:
        """The raw value of the first header called ``name`` (lower case), or nothing."""
        return self._first.get(name, b"")

    def content(self) -> bytes:
        """The body without its transfer encoding; empty for one that has parts."""
        payload = self._payload
        if not isinstance(payload, str):
            return b""
        encoding = self.first("content-transfer-encoding").decode("ascii", "replace")
        return decoded(octets(payload), encoding)

    def children(self) -> list[Part]:
        """The parts within; empty where this is a leaf."""
        return self._payload if isinstance(self._payload, list) else []


def octets(text: str) -> bytes:
    """The bytes that the library's parser read as ``text``."""
    return text.encode("ascii", "surrogateescape")


def read(raw: bytes) -> tuple[Part, list[str]]:
    """The root of the tree, and what was wrong with the message, in words.

    Beyond a bound on parts or depth the rest of the message is left out.
    """
    tally = _Tally()
    parser: BytesFeedParser[Part] = BytesFeedParser(lambda **policy: Part(tally, **policy))
    try:
        for start in range(0, len(raw), _FEED):
            parser.feed(raw[start : start + _FEED])
        root = parser.close()
    except _LimitReached:
        assert tally.root is not None
        root = tally.root
    return root, [*tally.defects, *dict.fromkeys(_named(root))]


def _named(part: Part) -> list[str]:
    """The library's defects are classes: ``StartBoundaryNotFoundDefect`` and the like."""
    names = [
        " ".join(_WORDS.findall(type(defect).__name__.removesuffix("Defect"))).lower()
        for defect in part.defects
    ]
    return names + [name for child in part.children() for name in _named(child)]
