"""HTML as the lines that a reader sees, and the links among them.

Tags are found by searches that never go back, so the time is linear in the size; the standard
library's parser takes seconds for some inputs of this size.
"""

from __future__ import annotations

import re
from html.entities import html5

from attrs import define, field, frozen

from tempmail.mail.folding import MAX_TEXT

MAX_ANCHORS = 1000
MAX_ANCHOR_TEXT = 200

_MAX_TAG = 8192
_TAG = re.compile(r"""</?+([a-zA-Z][a-zA-Z0-9]*+)(?:[^"'>]++|"[^"]*+"|'[^']*+')*+>""")
_MARKUP = re.compile(r"<(?=[a-zA-Z/!?])")
_VALUE = r"""\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))"""
_HREF = re.compile(r"(?<![\w-])href" + _VALUE, re.IGNORECASE)
_ALT = re.compile(r"(?<![\w-])alt" + _VALUE, re.IGNORECASE)
_UNSEEN = {
    name: re.compile(f"</{name}[^>]*+>", re.IGNORECASE) for name in ("style", "script", "title")
}
_REFERENCE = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z][a-zA-Z0-9]{1,30}));")
_INLINE = frozenset(
    "abbr b bdi bdo big cite code em font i ins kbd label mark nobr q s samp small span strike"
    " strong sub sup tt u var wbr".split()
)
_BREAKS = str.maketrans("\r\n\t", "   ")


@frozen
class Anchor:
    """A link as written.

    :ivar href: without its character references; not yet judged.
    :ivar text: what is shown for it, or the alternative text of its image.
    :ivar start: where it begins in the text of the document.
    :ivar end: where it ends there.
    :ivar pictured: whether it shows no text.
    """

    href: str
    text: str
    start: int
    end: int
    pictured: bool


def read(html: str) -> tuple[str, tuple[Anchor, ...]]:
    """The text of a document, with a line for each block, and its first 1,000 links.

    Styles and scripts are left out, and all that follows the first 256 Ki characters.
    """
    document = _Document()
    html = html[:MAX_TEXT]
    position = 0
    while found := _MARKUP.search(html, position):
        bracket = found.start()
        document.say(html[position:bracket])
        tag = _TAG.match(html, bracket, bracket + _MAX_TAG)
        if tag is not None:
            position = tag.end()
            name = tag[1].lower()
            document.mark(name, tag[0])
            if name in _UNSEEN and tag[0][1] != "/":
                end = _UNSEEN[name].search(html, position)
                position = end.end() if end is not None else len(html)
        elif html.startswith("<!--", bracket):
            position = _after(html, "-->", bracket)
        else:
            position = _after(html, ">", bracket)
    document.say(html[position:])
    document.close_anchor()
    return "".join(document.pieces), tuple(document.anchors)


def unescape(text: str) -> str:
    """``text`` with its character references resolved, but only those that end in a semicolon.

    HTML section 13.2.5.73 says so for ``&copy=`` in a link; :func:`html.unescape` does not know.
    """
    return _REFERENCE.sub(_character, text) if "&" in text else text


@define
class _Document:
    pieces: list[str] = field(factory=list)
    anchors: list[Anchor] = field(factory=list)
    length: int = 0
    href: str | None = None
    first: int = 0
    start: int = 0
    alternative: str = ""

    def say(self, piece: str) -> None:
        if piece:
            shown = unescape(piece.translate(_BREAKS))
            self.pieces.append(shown)
            self.length += len(shown)

    def mark(self, name: str, tag: str) -> None:
        if name in ("a", "area"):
            self.close_anchor()
            if tag[1] != "/":
                self.href = _value(_HREF, tag)
                self.first, self.start, self.alternative = len(self.pieces), self.length, ""
        elif name == "img":
            self.alternative = self.alternative or _value(_ALT, tag)
        elif name not in _INLINE:
            self.pieces.append("\n")
            self.length += 1

    def close_anchor(self) -> None:
        if self.href and len(self.anchors) < MAX_ANCHORS:
            shown = " ".join("".join(self.pieces[self.first :]).split())
            text = (shown or self.alternative)[:MAX_ANCHOR_TEXT]
            self.anchors.append(Anchor(self.href, text, self.start, self.length, not shown))
        self.href = None


def _after(html: str, mark: str, start: int) -> int:
    found = html.find(mark, start)
    return found + len(mark) if found >= 0 else len(html)


def _value(attribute: re.Pattern[str], tag: str) -> str:
    found = attribute.search(tag)
    return unescape(found[1] or found[2] or found[3] or "").strip() if found else ""


def _character(reference: re.Match[str]) -> str:
    decimal, hexadecimal, name = reference.groups()
    if name:
        return html5.get(name + ";", reference[0])
    number = int(decimal) if decimal else int(hexadecimal, 16)
    return (
        chr(number)
        if number < 0x110000 and not 0xD800 <= number < 0xE000
        else "\N{REPLACEMENT CHARACTER}"
    )
