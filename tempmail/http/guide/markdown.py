"""From Markdown to HTML, with anchors for its headings; raw HTML in it stays text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from html import escape

from attrs import frozen
from markdown_it import MarkdownIt
from markdown_it.token import Token

_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")

Resolve = Callable[[str], str | None]
"""From the target of a link to an address; None where there is none here."""


@frozen
class Heading:
    """:ivar level: 2 for a section, 3 for what is below one."""

    level: int
    anchor: str
    text: str


@frozen
class Section:
    """What stands below one heading, up to the next one.

    :ivar anchor: of the heading; empty for what stands before the first.
    :ivar title: the heading; empty likewise.
    :ivar text: as one reads it, with single spaces.
    """

    anchor: str
    title: str
    text: str


@frozen
class Rendered:
    """A text as HTML.

    :ivar title: its first heading, as text.
    :ivar about: its first sentence, as text.
    :ivar body: everything but the first heading, as HTML.
    :ivar headings: of sections and what is below them.
    :ivar sections: all of it as text, to be searched.
    """

    title: str
    about: str
    body: str
    headings: Sequence[Heading]
    sections: Sequence[Section]


def render(text: str, resolve: Resolve) -> Rendered:
    """What a text looks like.

    :param text: CommonMark with tables; begins with its title.
    :param resolve: says where links lead.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    title, paragraphs = "", [""]
    headings: list[Heading] = []
    taken: set[str] = set()
    shown: list[Token] = []
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "paragraph_open" and after is not None and token.level == 0:
            paragraphs.append(_text(after))
        if token.type == "heading_open" and after is not None:
            name = _text(after)
            if token.tag == "h1":
                title = name
            anchor = _anchor(name, taken)
            token.attrSet("id", anchor)
            if token.tag in ("h2", "h3"):
                headings.append(Heading(int(token.tag[1]), anchor, name))
        if token.type == "inline":
            token.children = list(_linked(token.children or [], resolve))
        shown.append(token)
    body = markdown.renderer.render(_framed(_without_title(shown)), markdown.options, {})
    about, dot, _ = next(filter(None, paragraphs), "").partition(". ")
    return Rendered(title, about + dot.strip(), body, headings, _sections(tokens))


def _sections(tokens: Sequence[Token]) -> Sequence[Section]:
    """:param tokens: with anchors for their headings."""
    found: list[tuple[str, str, list[str]]] = [("", "", [])]
    opening: Token | None = None
    for token in tokens:
        if token.type == "heading_open":
            opening = token
        elif token.type == "inline" and opening is not None:
            if opening.tag != "h1":
                found.append((str(opening.attrGet("id")), _text(token), []))
            opening = None
        elif token.type == "inline":
            found[-1][2].append(_text(token))
        elif token.type == "fence":
            found[-1][2].append(token.content)
    return [
        Section(anchor, title, " ".join(" ".join(texts).split())) for anchor, title, texts in found
    ]


def _text(inline: Token) -> str:
    """What is read aloud of it."""
    return "".join(
        " " if one.type == "softbreak" else one.content
        for one in inline.children or ()
        if one.type in ("text", "code_inline", "softbreak")
    )


def _anchor(name: str, taken: set[str]) -> str:
    """As code hosts make them, so that a link works there and here."""
    plain = _NOT_IN_ANCHORS.sub("", name.lower()).replace(" ", "-")
    anchor, count = plain, 1
    while anchor in taken:
        anchor, count = f"{plain}-{count}", count + 1
    taken.add(anchor)
    return anchor


def _linked(tokens: Sequence[Token], resolve: Resolve) -> Iterator[Token]:
    """Links to where they lead here; of those that lead nowhere, the words."""
    dropped = 0
    for token in tokens:
        if token.type == "link_open":
            href = resolve(str(token.attrGet("href") or ""))
            if href is None:
                dropped += 1
                continue
            token.attrSet("href", href)
        elif token.type == "link_close" and dropped:
            dropped -= 1
            continue
        yield token


def _without_title(tokens: Sequence[Token]) -> Sequence[Token]:
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        return tokens[3:]
    return tokens


def _framed(tokens: Sequence[Token]) -> list[Token]:
    """With blocks of code and tables in frames that scroll by themselves, also by keys."""
    framed: list[Token] = []
    for token in tokens:
        if token.type == "fence":
            code = f"<code>{escape(token.content)}</code>"
            framed.append(
                _html(f'<tm-code class="code"><pre tabindex="0">{code}</pre></tm-code>\n')
            )
        elif token.type == "table_open":
            framed += [_html('<div class="wide" tabindex="0" role="group">\n'), token]
        elif token.type == "table_close":
            framed += [token, _html("</div>\n")]
        elif token.type == "heading_close":
            # The heading is a link to itself, for whoever wants to pass it on.
            framed[-1:] = [_html(_self_link(framed)), token]
        else:
            framed.append(token)
    return framed


def _self_link(framed: Sequence[Token]) -> str:
    opening, inline = framed[-2], framed[-1]
    return f'<a href="#{opening.attrGet("id")}">{escape(_text(inline))}</a>'


def _html(content: str) -> Token:
    return Token("html_block", "", 0, content=content)
