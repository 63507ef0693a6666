"""Address lists as they are sent."""

from __future__ import annotations

import time

import pytest

from tempmail.mail.addresses import authors


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a@b, C <c@d>", [("a@b", ""), ("c@d", "C")]),
        (b"a@b; c@d", [("a@b", ""), ("c@d", "")]),
        (b"x <a@b>,,, y <c@d>,", [("a@b", "x"), ("c@d", "y")]),
        (b'"A, B" <a@b>, c@d', [("a@b", "A, B"), ("c@d", "")]),
        (b"team: a@b, c@d; e@f", [("a@b", ""), ("c@d", ""), ("e@f", "")]),
        (b"a@b (Ann)", [("a@b", "Ann")]),
        (b"Ann (of (the) house) Lee <a@b>", [("a@b", "Ann  Lee")]),
        (b"Ann (never closed", [("", "Ann")]),
        (b"<@route,@other:a@b>", [("a@b", "")]),
        (b"a@b <a@b>", [("a@b", "a@b")]),
        (b"Ann Lee a@b", [("a@b", "Ann Lee")]),
        (b"=?utf-8?q?Lee=2C_Ann?= <a@b>", [("a@b", "Lee, Ann")]),
        ('"Lee, 张" <a@b>'.encode(), [("a@b", "Lee, 张")]),
        (b"<>, ", []),
    ],
)
def test_lists_are_read(value: bytes, expected: list[tuple[str, str]]) -> None:
    assert list(authors(value)) == expected


@pytest.mark.alone
@pytest.mark.parametrize("filler", [b"(", b"((", b"(a(", b"(a)", b"\\(", b"<", b'"', b"<@", b"@:"])
def test_hostile_lists_take_linear_time(filler: bytes) -> None:
    started = time.process_time()
    list(authors(filler * (200_000 // len(filler))))
    assert time.process_time() - started < 1
