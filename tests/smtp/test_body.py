from __future__ import annotations

import random
import tracemalloc

import pytest

from tempmail.core.budget import ByteBudget
from tempmail.core.metrics import Metrics
from tempmail.smtp.body import BodyFault, BodyReader

CONTENTS = [
    (b".\r\n", b""),
    (b"\r\n.\r\n", b"\r\n"),
    (b"hi\r\n.\r\n", b"hi\r\n"),
    (b"..\r\n.\r\n", b".\r\n"),
    (b".x\r\n.\r\n", b"x\r\n"),
    (b"..\r\n..\r\n...\r\n.\r\n", b".\r\n.\r\n..\r\n"),
    (b"a\r\n.b\r\n..c\r\n.\r\n", b"a\r\nb\r\n.c\r\n"),
    (b"a\n.\nb\r\n.\r\n", b"a\n.\nb\r\n"),
    (b"a\n.\r\nb\r\n.\r\n", b"a\n.\r\nb\r\n"),
    (b"a\r.\rb\r\n.\r\n", b"a\r.\rb\r\n"),
    (b"a\r.\r\nb\r\n.\r\n", b"a\r.\r\nb\r\n"),
    (b"a\r\n.\nb\r\n.\r\n", b"a\r\n\nb\r\n"),
    (b"a\r\n.\rb\r\n.\r\n", b"a\r\n\rb\r\n"),
    (b"a\r\n\n.\r\nb\r\n.\r\n", b"a\r\n\n.\r\nb\r\n"),
    (b"a\r\r\n.\r\n", b"a\r\r\n"),
    (b"a\r\n.\r\r\n.\r\n", b"a\r\n\r\r\n"),
    (b"a\r\n\r\n.\r\n", b"a\r\n\r\n"),
    (b"a\0b\xff\r\n.\r\n", b"a\0b\xff\r\n"),
    (b"x" * 5000 + b"\r\n.\r\n", b"x" * 5000 + b"\r\n"),
]


def budget(limit: int = 1 << 30) -> ByteBudget:
    return ByteBudget(limit, Metrics().bytes_in_flight)


def read(reader: BodyReader, pieces: list[bytes]) -> bytes:
    """Feed the pieces; what is left over behind the end."""
    for index, piece in enumerate(pieces):
        used = reader.feed(piece)
        if used >= 0:
            return piece[used:] + b"".join(pieces[index + 1 :])
    raise AssertionError("no end was found")


@pytest.mark.parametrize(("sent", "content"), CONTENTS)
def test_content_is_kept_byte_for_byte_however_it_is_split(sent: bytes, content: bytes) -> None:
    stream = sent + b"NOOP\r\n"
    splits = [[stream], [stream[n : n + 1] for n in range(len(stream))]]
    splits += [[stream[:n], stream[n:]] for n in range(1, min(len(stream), 40))]
    for pieces in splits:
        reader = BodyReader(1 << 20, budget())
        assert read(reader, pieces) == b"NOOP\r\n"
        assert b"".join(reader.chunks) == content
        assert reader.size == len(content)


def test_random_content_survives_stuffing_and_any_segmentation() -> None:
    seeded = random.Random(20)
    for _ in range(3000):
        content = bytes(seeded.choices(b"\r\n.x", k=seeded.randrange(30))) + b"\r\n"
        stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
        pieces, at = [], 0
        while at < len(stuffed):
            step = seeded.randrange(1, 6)
            pieces.append(stuffed[at : at + step])
            at += step
        reader = BodyReader(1 << 20, budget())
        assert read(reader, pieces) == b""
        assert b"".join(reader.chunks) == content, stuffed


def test_a_mail_over_the_limit_is_read_to_its_end_and_not_kept() -> None:
    held = budget()
    reader = BodyReader(10, held)
    assert reader.feed(b"12345678") == -1
    assert held.held == 8
    assert reader.feed(b"12345678") == -1
    assert reader.fault is BodyFault.TOO_LARGE
    assert held.held == 0
    assert read(reader, [b"more\r\n.", b"\r\nQUIT"]) == b"QUIT"
    assert reader.chunks == ()


def test_a_mail_of_just_the_limit_is_kept() -> None:
    reader = BodyReader(10, budget())
    read(reader, [b"12345678\r\n.\r\n"])
    assert reader.fault is None


def test_a_mail_over_the_budget_is_read_to_its_end_and_gives_back_what_it_took() -> None:
    held = budget(10)
    reader = BodyReader(1000, held)
    reader.feed(b"12345678")
    reader.feed(b"12345678")
    assert reader.fault is BodyFault.NO_ROOM
    assert held.held == 0
    assert read(reader, [b"\r\n.\r\n"]) == b""


def test_the_budget_is_held_until_release_and_given_back_once() -> None:
    held = budget()
    reader = BodyReader(1000, held)
    read(reader, [b"hi\r\n.\r\n"])
    assert held.held == 4
    reader.release()
    reader.release()
    assert held.held == 0


def test_tiny_segments_take_little_more_memory_than_their_octets() -> None:
    reader = BodyReader(1 << 30, budget())
    tracemalloc.start()
    try:
        for number in range(50_000):
            reader.feed(b"%02d" % (number % 100))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reader.size == 100_000
    assert len(reader.chunks) < 5
    assert peak < 300_000


def test_a_large_mail_takes_its_size_once() -> None:
    reader = BodyReader(1 << 30, budget())
    tracemalloc.start()
    try:
        for _ in range(160):
            reader.feed(bytes(65535) + b"\r")
            reader.feed(b"\n")
        reader.feed(b".\r\n")
        chunks = reader.chunks
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(map(len, chunks)) == reader.size == 160 * 65537
    assert peak < reader.size * 1.1
