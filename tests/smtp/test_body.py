from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable

import pytest

from tempmail.core.budget import ByteBudget
from tempmail.core.metrics import Metrics
from tempmail.smtp.body import ChunkReader, DataReader, Reader
from tempmail.smtp.content import Content

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


def read(reader: Reader, pieces: list[bytes]) -> bytes:
    """Feed the pieces; what is left over behind the end."""
    for index, piece in enumerate(pieces):
        end = reader.feed(piece, 0)
        if end >= 0:
            return piece[end:] + b"".join(pieces[index + 1 :])
    raise AssertionError("no end was found")


def everywhere(stream: bytes) -> list[list[bytes]]:
    """The stream whole, octet by octet, and in two at each of its first borders."""
    splits = [[stream], [stream[n : n + 1] for n in range(len(stream))]]
    return splits + [[stream[:n], stream[n:]] for n in range(1, min(len(stream), 40))]


@pytest.mark.parametrize(("sent", "content"), CONTENTS)
def test_content_is_kept_byte_for_byte_however_it_is_split(sent: bytes, content: bytes) -> None:
    stream = sent + b"NOOP\r\n"
    for pieces in everywhere(stream):
        kept = Content(1 << 20, budget())
        assert read(DataReader(kept), pieces) == b"NOOP\r\n"
        assert b"".join(kept.chunks) == content
        assert kept.size == len(content)


@pytest.mark.parametrize("chunk", [b"x", b".\r\n", b"\r\n.\r\n", b"a\0\xff\n..\r", b"y" * 5000])
def test_a_chunk_is_as_long_as_it_says_whatever_is_in_it(chunk: bytes) -> None:
    for pieces in everywhere(chunk + b"NOOP\r\n"):
        kept = Content(1 << 20, budget())
        assert read(ChunkReader(len(chunk), kept), pieces) == b"NOOP\r\n"
        assert b"".join(kept.chunks) == chunk


def test_a_chunk_that_was_refused_is_swallowed() -> None:
    for pieces in everywhere(b"QUIT\r\nNOOP\r\n"):
        assert read(ChunkReader(6, None), pieces) == b"NOOP\r\n"


@pytest.mark.parametrize("reader", [DataReader, lambda content: ChunkReader(3, content)])
def test_a_reader_begins_where_it_is_told(reader: Callable[[Content], Reader]) -> None:
    kept = Content(100, budget())
    assert reader(kept).feed(b"DATA\r\n.\r\nNOOP\r\n", 6) == 9


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
        kept = Content(1 << 20, budget())
        assert read(DataReader(kept), pieces) == b""
        assert b"".join(kept.chunks) == content, stuffed


def test_a_large_mail_takes_its_size_once() -> None:
    content = Content(1 << 30, budget())
    reader = DataReader(content)
    tracemalloc.start()
    try:
        for _ in range(160):
            reader.feed(bytes(65535) + b"\r", 0)
            reader.feed(b"\n", 0)
        reader.feed(b".\r\n", 0)
        chunks = content.chunks
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(map(len, chunks)) == content.size == 160 * 65537
    assert peak < content.size * 1.1
