from __future__ import annotations

import tracemalloc

import pytest

from tempmail.core.budget import ByteBudget
from tempmail.core.metrics import Metrics
from tempmail.smtp.content import Content, ContentFault


def budget(limit: int = 1 << 30) -> ByteBudget:
    return ByteBudget(limit, Metrics().bytes_in_flight)


def test_a_mail_over_the_limit_is_counted_and_not_kept() -> None:
    held = budget()
    content = Content(10, held)
    content.add(b"12345678")
    assert held.held == 8
    content.add(b"12345678")
    content.add(b"more")
    assert content.fault is ContentFault.TOO_LARGE
    assert held.held == 0
    assert content.chunks == ()
    assert content.size == 20


def test_a_mail_of_just_the_limit_is_kept() -> None:
    content = Content(10, budget())
    content.add(b"12345678\r\n")
    assert content.fault is None


def test_a_mail_over_the_budget_gives_back_what_it_took() -> None:
    held = budget(10)
    content = Content(1000, held)
    content.add(b"12345678")
    content.add(b"12345678")
    assert content.fault is ContentFault.NO_ROOM
    assert held.held == 0


def test_the_budget_is_held_until_release_and_given_back_once() -> None:
    held = budget()
    content = Content(1000, held)
    content.add(b"hi\r\n")
    assert held.held == 4
    content.release()
    content.release()
    assert held.held == 0


def test_tiny_pieces_take_little_more_memory_than_their_octets() -> None:
    content = Content(1 << 30, budget())
    tracemalloc.start()
    try:
        for number in range(50_000):
            content.add(b"%02d" % (number % 100))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert content.size == 100_000
    assert len(content.chunks) < 5
    assert peak < 300_000


@pytest.mark.parametrize(
    ("octets", "bare"),
    [
        (b"a\r\nb\r\n", False),
        (b"", False),
        (b"a\nb\r\n", True),
        (b"a\rb\r\n", True),
        (b"a\n\rb", True),
        (b"a\r\r\n", True),
        (b"a\r\n\n", True),
        (b"\na\r", True),
        (b"a\r", True),
    ],
)
def test_a_bare_newline_is_found_however_it_is_split(octets: bytes, bare: bool) -> None:
    held = budget()
    for size in (1, 2, 3, 100):
        content = Content(1000, held, reject_bare_newlines=True)
        for at in range(0, len(octets), size):
            content.add(octets[at : at + size])
        content.end()
        assert content.fault is (ContentFault.BARE_NEWLINE if bare else None)
        content.release()
        assert held.held == 0


def test_bare_newlines_are_kept_verbatim_where_nobody_minds() -> None:
    content = Content(1000, budget())
    content.add(b"a\nb\rc")
    content.end()
    assert content.chunks == (b"a\nb\rc",)
