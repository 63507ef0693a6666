"""Paragraphs in format=flowed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tempmail.mail.flowed import unflowed


@pytest.mark.parametrize(
    ("text", "paragraphs"),
    [
        ("one \ntwo\nthree", "one two\nthree"),
        ("one \ntwo \n", "one two "),
        ("fixed\n\nfixed", "fixed\n\nfixed"),
        (" stuffed\n >not a quote", "stuffed\n>not a quote"),
        (">one \n>two\nthree", "> one two\nthree"),
        (">one \n>>two", "> one \n>> two"),
        ("> one \n> two", "> one two"),
        ("text \n-- \nname ", "text \n-- \nname "),
        (">> a \n>> b\n> c", ">> a b\n> c"),
        ("", ""),
    ],
)
def test_flowed_lines_are_joined(text: str, paragraphs: str) -> None:
    assert unflowed(text) == paragraphs


def test_the_space_that_marks_a_flowed_line_may_be_no_text() -> None:
    assert unflowed("日本 \n語\n> a \n> b", delete_space=True) == "日本語\n> ab"


@given(st.text(alphabet=">-a \n"))
def test_nothing_but_marks_is_lost(text: str) -> None:
    assert unflowed(text).count("a") == text.count("a")
