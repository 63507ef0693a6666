"""Files within text."""

from __future__ import annotations

import binascii
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tempmail.mail.uuencode import MAX_FILES, files


def encoded(name: bytes, content: bytes, end: bytes = b"\n") -> bytes:
    lines = [binascii.b2a_uu(content[i : i + 45])[:-1] for i in range(0, len(content), 45)]
    return end.join((b"begin 644 " + name, *lines, b"`", b"end"))


@given(st.binary(max_size=200), st.sampled_from([b"\n", b"\r\n"]))
def test_what_was_encoded_is_found_among_text(content: bytes, end: bytes) -> None:
    one, two = encoded(b"a.txt", content, end), encoded(b"b.txt", content, end)
    assert files(end.join((b"see", one, b"and", two, b"bye"))) == [
        (b"a.txt", content),
        (b"b.txt", content),
    ]


def test_talk_of_beginning_is_no_file() -> None:
    for text in (
        b"begin 644 x",
        b"begin 644 x\n#86)C\n",
        b"begin at 6\nend",
        b" begin 644 x\n`\nend",
    ):
        assert files(text) == []


def test_files_beyond_the_bound_are_text() -> None:
    assert len(files(b"begin 644 x\n#86)C\nend\n" * (MAX_FILES + 1))) == MAX_FILES


@pytest.mark.alone
def test_hostile_text_takes_linear_time() -> None:
    started = time.process_time()
    for text in (b"begin 644 x\n!\n" * 300_000, b"begin 644 x\n#86)C\nend\n" * 300_000):
        files(text)
    assert time.process_time() - started < 1
