"""Finds sections of the guide by the words in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from attrs import frozen

from tempmail.http.guide.markdown import Section
from tempmail.http.guide.pages import Guide, Page

LONGEST = 100  # characters that are looked for

_MOST_WORDS = 8
_MOST_HITS = 20
_AROUND = 70  # characters of an excerpt on either side of the first word in it
_IN_HEADING, _IN_TITLE, _MOST_IN_TEXT = 20, 10, 5  # what a word counts for, by where it stands


@frozen
class Hit:
    """A section in which all words stand.

    :ivar excerpt: a piece of its text, in turns without and with what was looked for:
        ``("before ", "word", " behind")``.
    """

    page: Page
    section: Section
    excerpt: Sequence[str]

    @property
    def path(self) -> str:
        anchor = f"#{self.section.anchor}" if self.section.anchor else ""
        return self.page.path + anchor


def search(guide: Guide, wanted: str) -> Sequence[Hit]:
    """The sections with every one of these words, the best first.

    :param wanted: words, or beginnings of some; what is beyond ``LONGEST`` is not looked at.
    """
    words = _words(wanted)
    if not words:
        return []
    begins = [re.compile(rf"(?<![^\W_]){re.escape(one)}\w*", re.IGNORECASE) for one in words]
    found = [
        (weight, page, section)
        for page in guide.pages.values()
        for section in page.text.sections
        if (weight := _weight(page.text.title, section, begins))
    ]
    found.sort(key=lambda one: -one[0])  # those of one weight stay in the guide's order
    return [
        Hit(page, section, _excerpt(section.text, begins))
        for _, page, section in found[:_MOST_HITS]
    ]


def _words(text: str) -> Sequence[str]:
    return [*dict.fromkeys(re.findall(r"[\w.-]*\w", text[:LONGEST].lower()))][:_MOST_WORDS]


def _weight(title: str, section: Section, words: Iterable[re.Pattern[str]]) -> int:
    """0 where a word is missing."""
    total = 0
    for word in words:
        weight = _IN_HEADING * bool(word.search(section.title))
        if word.search(title):
            weight += 1 if section.anchor else _IN_TITLE
        weight += sum(1 for _ in islice(word.finditer(section.text), _MOST_IN_TEXT))
        if not weight:
            return 0
        total += weight
    return total


def _excerpt(text: str, words: Sequence[re.Pattern[str]]) -> Sequence[str]:
    any_word = re.compile("|".join(f"({one.pattern})" for one in words), re.IGNORECASE)
    first = any_word.search(text)
    at = first.start() if first else 0
    start, end = max(0, at - _AROUND), at + 2 * _AROUND
    piece = text[start:end]
    if start:  # whole words, as far as there are spaces
        piece = f"… {piece[piece.find(' ', 0, at - start) + 1 :]}"
    if end < len(text):
        piece = f"{piece.rpartition(' ')[0]} …"
    parts: list[str] = []
    behind = 0
    for match in any_word.finditer(piece):
        parts += [piece[behind : match.start()], match[0]]
        behind = match.end()
    return [*parts, piece[behind:]]
