"""All words of the pages go through one function, so that another language could be put there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from markupsafe import Markup

from tempmail.http import words
from tempmail.http.guide.search import search
from tempmail.http.words import t
from tests.http.every_page import NOT_TO_BE_FOUND, SOUGHT, VERSION, WRITTEN, Pages

_BRAND = frozenset(("tempmail", f"tempmail {VERSION}"))
_HTTP = frozenset(("Authorization: Bearer", "GET", "POST", "PATCH", "DELETE"))
_NOT_TEXT = ("script", "style", "pre", "code")
_READ = ("aria-label", "title", "placeholder", "alt")
_NAME = re.compile(r"\{\w+\}")
_AROUND = ' \n,:<>"'


class _Bare(HTMLParser):
    """:ivar found: pieces of text in which letters stand outside brackets.
    :ivar depth: how many brackets are open.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._inside: list[str] = []
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _NOT_TEXT:
            self._inside.append(tag)
        for name, value in attrs:
            if name in _READ and value:
                assert self._look(value, 0) == 0, value

    def handle_endtag(self, tag: str) -> None:
        if self._inside[-1:] == [tag]:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.depth = self._look(data, self.depth)

    def _look(self, text: str, depth: int) -> int:
        for piece in re.split(r"([⟦⟧])", text):
            if piece in "⟦⟧":
                depth += {"⟦": 1, "⟧": -1}.get(piece, 0)
            elif depth == 0 and any(c.isalpha() for c in piece):
                self.found.add(piece.strip(_AROUND))
        return depth


def bare(page: str) -> set[str]:
    parser = _Bare()
    parser.feed(page)
    parser.close()
    assert parser.depth == 0, page
    return parser.found


def in_brackets(text: str) -> str:
    """What is put in for names stands outside, where it is seen whether it is in brackets."""
    return f"⟦{_NAME.sub(lambda name: f'⟧{name[0]}⟦', text)}⟧"


def of_description(document: Any) -> Iterator[str]:
    """What stands in the OpenAPI document, code apart, and how a credential is sent."""
    components = document["components"]
    yield from components["schemas"]
    for name, scheme in components["securitySchemes"].items():
        yield from (name, f"{scheme.get('in')} {scheme.get('name')}")
    for one in _leaves(document):
        yield from re.split(r"`[^`]+`|\n\n", one if isinstance(one, str) else json.dumps(one))


def _leaves(part: Any) -> Iterator[Any]:
    if isinstance(part, dict | list):
        for one in part.values() if isinstance(part, dict) else part:
            yield from _leaves(one)
    else:
        yield part


def of_guide(pages: Pages) -> Iterator[str]:
    """What stands in the guide's files."""
    for page in pages.guide.pages.values():
        yield from (page.text.title, page.text.about)
        yield from (one.text for one in page.text.headings)
    for wanted in SOUGHT:
        for hit in search(pages.guide, wanted):
            yield from hit.excerpt
            yield f"{hit.page.text.title}: {hit.section.title}"
        yield wanted


def _stripped(*texts: str) -> set[str]:
    return {one.strip(_AROUND) for one in texts}


def others(found: set[str], data: set[str]) -> list[str]:
    """Pieces that are neither data nor a list of it."""
    return [one for one in found if one not in data and not data.issuperset(one.split(", "))]


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Pages:
    monkeypatch.setattr(words, "spoken", in_brackets)
    return Pages()


def test_nothing_is_said_on_a_page_but_by_that_function(pages: Pages) -> None:
    description = json.loads(pages.ask("/openapi.json"))
    everywhere = _stripped(*_BRAND, *WRITTEN)
    of_docs = everywhere | _stripped(*of_guide(pages))
    of_reference = everywhere | _stripped(*_HTTP, *of_description(description))
    seen = {}
    for name, page in pages.all():
        data = of_docs if name.startswith(("/docs", "/abuse", "/privacy")) else everywhere
        seen[name] = others(bare(page), of_reference if name == "/docs/api" else data)
    assert len(seen) > 50
    assert {name: found for name, found in seen.items() if found} == {}


def test_a_page_shows_what_that_function_says(pages: Pages) -> None:
    several, one, none = (pages.ask(f"/docs?q={wanted}") for wanted in SOUGHT)
    assert "⟦ sections have that.⟧" in several
    assert "⟦One section has that.⟧" in one
    assert f"⟦No section has all of that: ⟧{NOT_TO_BE_FOUND}⟦⟧" in none
    assert f"<title>⟦⟧⟦⟧{NOT_TO_BE_FOUND}⟦ - Guide⟧⟦ - tempmail⟧</title>" in none
    assert 'placeholder="⟦Search the guide⟧"' in none
    assert "</a>⟦ or ⟧<a " in pages.ask("/docs/api")  # which is a word of descriptions too
    assert "⟦Everything works.⟧" in pages.ask("/status.json")


def test_a_letter_outside_of_brackets_is_seen() -> None:
    assert bare('<p title="Said">⟦Read <a>⟦this⟧</a>⟧ <b>now</b> 5 <code>x</code></p>') == {
        "Said",
        "now",
    }


def test_values_are_escaped_unless_they_are_html() -> None:
    link = Markup('<a href="/">{}</a>').format("a & b")
    assert t("{x} > {link}", x="<b>", link=link) == '&lt;b&gt; &gt; <a href="/">a &amp; b</a>'


def test_braces_are_only_braces_where_there_are_no_values() -> None:
    assert t("no {x.__class__}, {") == "no {x.__class__}, {"


def test_braces_in_a_value_are_only_braces() -> None:
    assert t("it is {x}", x="{y}") == "it is {y}"
