"""Which page of the guide somebody may have meant."""

from __future__ import annotations

import pytest

from tempmail.http.guide.pages import Guide


@pytest.fixture(scope="module")
def guide() -> Guide:
    return Guide({"metrics": "| a | b |\n| --- | --- |\n| c | d |\n"})


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("quickstart", "quick-start"),
        ("quick-start.html", "quick-start"),
        ("dns.md", "dns"),
        ("confguration", "configuration"),
        ("Reverse proxies", "proxies"),
        ("mcp", "mcp_tools"),
    ],
)
def test_a_mistake_in_a_name_is_seen_through(guide: Guide, asked: str, meant: str) -> None:
    assert meant in [one.name for one in guide.meant(asked)]


@pytest.mark.parametrize("asked", ["zzzz", "", "a" * 5000, "<script>"])
def test_what_means_nothing_suggests_little(guide: Guide, asked: str) -> None:
    assert len(guide.meant(asked)) <= 3


def test_one_goes_on_from_page_to_page_to_the_last(guide: Guide) -> None:
    names = [*guide.pages]
    assert guide.beside(names[0])[0] is None
    assert guide.beside(names[-1])[1] is None
    behind = guide.beside(names[0])[1]
    assert behind is not None
    assert guide.beside(behind.name)[0] is guide.pages[names[0]]


def test_what_the_program_says_stands_behind_the_pages_own_words(guide: Guide) -> None:
    body = guide.pages["metrics"].text.body
    assert body.index("<td>c</td>") > body.index("Prometheus")
