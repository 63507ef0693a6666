"""The parts of a message (RFC 2046 section 5.1), cut out of its bytes within bounds.

One pass over the lines that could be delimiters: nothing is copied, and neither very many
lines nor deep nesting cost more than the bytes themselves.
"""

from __future__ import annotations

import re

from attrs import define, field

from tempmail.mail.header_fields import header
from tempmail.mail.parameters import parameters
from tempmail.mail.transfer import decoded

MAX_PARTS = 1000
MAX_DEPTH = 50
MAX_BOUNDARY = 256
"""RFC 2046 section 5.1.1 allows 70 characters."""

_TOKEN = rb"[\w!#$%&'*+.^`|~-]+"
_MEDIA_TYPE = re.compile(rb"\s*(%b/%b)(?![^\s;(])" % (_TOKEN, _TOKEN))
_PREAMBLE = 64 * 1024
"""How far the first delimiter is looked for before another boundary than the declared is."""
_UNDECLARED = re.compile(
    rb"\n--([^\s\-](?:[^\r\n]{0,68}[^\s])?)[ \t]*\r?\ncontent-[a-z-]+[ \t]*:", re.IGNORECASE
)
_MBOX_LINE = re.compile(rb">?From [^\n]*\n")


@define(eq=False)
class Part:
    """A message or one of its parts.

    :ivar start, end: where its body lies in ``raw``.
    :ivar fields: names, and values with their folds, in order.
    :ivar depth: 0 for the message itself.
    :ivar within: the media type of the multipart that holds it, or empty.
    :ivar children: the parts within; empty where this is a leaf.
    """

    raw: bytes
    start: int
    end: int
    fields: tuple[tuple[bytes, bytes], ...]
    depth: int = 0
    within: str = ""
    children: list[Part] = field(factory=list)
    _first: dict[bytes, bytes] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        for name, value in self.fields:
            self._first.setdefault(name.lower(), value)

    def first(self, name: bytes) -> bytes:
        """The raw value of the first field called ``name`` (lower case), or nothing."""
        return self._first.get(name, b"")

    @property
    def media_type(self) -> str:
        """Lower case; RFC 2045 section 5.2's default where none, or an impossible one, is given."""
        given = self.first(b"content-type")
        if named := _MEDIA_TYPE.match(given):
            return named[1].lower().decode("ascii", "replace")
        return "text/plain" if given or self.within != "multipart/digest" else "message/rfc822"

    def content(self) -> bytes:
        """The body without its transfer encoding; empty for one that has parts."""
        if self.children:
            return b""
        encoding = self.first(b"content-transfer-encoding").decode("ascii", "replace")
        return decoded(self.raw[self.start : self.end], encoding)


def read(raw: bytes) -> tuple[Part, list[str]]:
    """The root of the tree, and what was wrong with the message, in words.

    Messages within stay closed: a forwarded mail is a leaf, byte for byte.  Beyond a bound on
    parts or depth the rest of the message is left out.
    """
    if b"\n" not in raw:  # lines end with a CR alone
        raw = raw.replace(b"\r", b"\n")
    reader = _Reader(raw)
    return reader.root, list(reader.defects)


class _Reader:
    """The state of the pass.

    A multipart stays open behind its last delimiter until one of an outer multipart comes:
    parts that were put behind it by mistake are parts.
    """

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._open: list[tuple[bytes, Part]] = []  # multiparts with their boundaries, outer first
        self._closed: set[bytes] = set()  # boundaries whose last delimiter was seen
        self._levels: dict[bytes, int] = {}  # boundaries by their index in _open, inner ones first
        self._needle = b""  # how every delimiter of these begins
        self._leaf: Part | None = None  # whose body is being passed
        self.defects: dict[str, None] = {}
        mbox_line = _MBOX_LINE.match(raw)
        self.root = self._begin(mbox_line.end() if mbox_line else 0, None)
        self._pass(self.root.start)

    def _pass(self, position: int) -> None:
        """Go from delimiter to delimiter until the end, or until a bound is reached."""
        parts, rest = 0, len(self._raw)
        while self._open and (at := self._raw.find(self._needle, max(position - 1, 0))) >= 0:
            line_end = self._raw.find(b"\n", at + 1)
            position = line_end + 1 if line_end >= 0 else len(self._raw)
            level, last = self._delimited(self._raw[at + 1 : position])
            if level is None:
                continue
            self._end(at, level + 1)
            boundary, parent = self._open[level]
            if last:
                self._closed.add(boundary)
                continue
            parts += 1
            if parts > MAX_PARTS or parent.depth >= MAX_DEPTH:
                bound = (
                    f"more than {MAX_PARTS} parts"
                    if parts > MAX_PARTS
                    else f"parts nested deeper than {MAX_DEPTH}"
                )
                self.defects[bound] = None
                rest = at
                break
            position = self._begin(position, parent).start
        self._end(rest, 0)

    def _delimited(self, line: bytes) -> tuple[int | None, bool]:
        """Which open multipart ``line`` delimits, if any, and whether for the last time."""
        if len(line) > MAX_BOUNDARY + 100:
            return None, False
        boundary = line[2:].rstrip()
        if boundary in self._levels:
            return self._levels[boundary], False
        return self._levels.get(boundary[:-2]) if boundary.endswith(b"--") else None, True

    def _begin(self, position: int, parent: Part | None) -> Part:
        """Read a header; what comes next is a multipart's preamble, or a leaf's content."""
        head = header(self._raw, position, lambda line: self._delimited(line)[0] is not None)
        self.defects.update(dict.fromkeys(head.defects))
        part = Part(self._raw, head.end, len(self._raw), head.fields)
        if parent is not None:
            part.depth, part.within = parent.depth + 1, parent.media_type
            parent.children.append(part)
        self._leaf = part
        if part.media_type.startswith("multipart/") and (boundary := self._boundary(part)):
            self._leaf = None
            self._open.append((boundary, part))
            self._closed.discard(boundary)
            self._look_for_open()
        return part

    def _boundary(self, part: Part) -> bytes:
        """As declared; where no such delimiter is near, as it looks to be."""
        declared = parameters(part.first(b"content-type")).get("boundary", "")
        boundary = declared.rstrip().encode()[:MAX_BOUNDARY]
        near = max(part.start - 1, 0), part.start + _PREAMBLE
        if boundary and self._raw.find(b"\n--" + boundary, *near) >= 0:
            return boundary
        undeclared = _UNDECLARED.search(self._raw, *near)
        if undeclared and undeclared[1] not in self._levels:
            self.defects["wrong boundary" if boundary else "no boundary in multipart"] = None
            return undeclared[1]
        if not boundary:
            self.defects["no boundary in multipart"] = None
        return boundary

    def _end(self, at: int, level: int) -> None:
        """The leaf, and the multiparts from ``level`` on, end before the line break at ``at``."""
        at -= self._raw[at - 1 : at + 1] == b"\r\n"
        if self._leaf is not None:
            self._leaf.end = at
            self._leaf = None
        if level >= len(self._open):
            return
        for boundary, part in self._open[level:]:
            part.end = at
            if not part.children:
                self.defects["boundary not found"] = None
            elif boundary not in self._closed:
                self.defects["multipart not closed"] = None
        del self._open[level:]
        self._look_for_open()

    def _look_for_open(self) -> None:
        self._levels = {boundary: level for level, (boundary, _) in enumerate(self._open)}
        self._needle = b"\n--" + _common_beginning([boundary for boundary, _ in self._open])


def _common_beginning(texts: list[bytes]) -> bytes:
    if not texts:
        return b""
    first, last = min(texts), max(texts)  # whatever these two share, all between them share
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), None)
    return first[:length]
