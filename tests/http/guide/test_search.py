"""Sections of the guide are found by the words in them."""

from __future__ import annotations

import pytest

from tempmail.http.guide.markdown import Section
from tempmail.http.guide.pages import Guide
from tempmail.http.guide.search import LONGEST, Hit, search


@pytest.fixture(scope="module")
def guide() -> Guide:
    return Guide({"metrics": "## Generated\n\nabracadabra\n"})


def first(guide: Guide, words: str) -> str:
    return search(guide, words)[0].path


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("DMARC", "/docs/dns#"),
        ("starttls certificate", "/docs/tls"),
        ("abracadabra", "/docs/metrics#generated"),
        ("dump restore", "/docs/backup"),
        ("playwright", "/docs/recipes#playwright"),
    ],
)
def test_the_section_that_has_all_of_the_words_is_found(
    guide: Guide, words: str, path: str
) -> None:
    assert any(one.path.startswith(path) for one in search(guide, words)), words


def test_a_heading_goes_before_a_mention(guide: Guide) -> None:
    assert first(guide, "cypress") == "/docs/recipes#cypress"


def test_beginnings_of_words_are_enough_but_not_their_middle(guide: Guide) -> None:
    assert first(guide, "abraca") == "/docs/metrics#generated"
    assert search(guide, "racadabra") == []


def test_every_word_has_to_be_there(guide: Guide) -> None:
    assert search(guide, "abracadabra playwright") == []


def test_an_excerpt_is_text_around_the_words_that_were_looked_for(guide: Guide) -> None:
    for hit in search(guide, "port"):
        assert "".join(hit.excerpt).strip("… ") in hit.section.text
        assert all(one.lower().startswith("port") for one in hit.excerpt[1::2])
        assert len("".join(hit.excerpt)) < 300


@pytest.mark.parametrize("words", ["", " ", "...", "<>", "\x00", "(", "[", "*", "\\"])
def test_what_has_no_words_finds_nothing(guide: Guide, words: str) -> None:
    assert search(guide, words) == []


def test_what_is_long_is_cut(guide: Guide) -> None:
    assert first(guide, "abracadabra" + " " * LONGEST + "nowhere") == "/docs/metrics#generated"
    assert search(guide, "word " * 10_000) is not None


def test_a_section_says_where_it_is(guide: Guide) -> None:
    page = guide.pages["tls"]
    assert Hit(page, Section("", "", ""), [""]).path == "/docs/tls"
    assert Hit(page, Section("a", "A", ""), [""]).path == "/docs/tls#a"
