"""The bytes that COPY reads, however they are asked for; and those that it writes."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from tempmail.model.message import Envelope
from tempmail.storage.copy_rows import Rows
from tempmail.storage.raw_content import Fields
from tests.storage.case import envelope

HEADERS = ("ann@sender.test", "Ann", "Hello")


def places(count: int) -> list[tuple[int, bytes, int, int, int, int]]:
    return [(index, bytes(18), 10 + index, 1, 2, 3) for index in range(count)]


def rows_of(*mails: Envelope) -> Rows:
    rows = Rows()
    for mail in mails:
        rows.add(mail, HEADERS, places(len(mail.recipients)))
    rows.close()
    return rows


def everything(rows: Rows, size: int) -> bytes:
    pieces = []
    while piece := rows.read(size):
        assert len(piece) <= size
        pieces.append(piece)
    return b"".join(pieces)


def fields(data: bytes) -> list[list[bytes | None]]:
    """Read the format as its manual page says."""
    assert data[:19] == b"PGCOPY\n\xff\r\n\0" + bytes(8)
    at = 19
    found: list[list[bytes | None]] = []
    while True:
        (count,) = struct.unpack_from(">h", data, at)
        at += 2
        if count == -1:
            assert at == len(data)
            return found
        row: list[bytes | None] = []
        for _ in range(count):
            (length,) = struct.unpack_from(">i", data, at)
            at += 4
            row.append(None if length < 0 else data[at : at + length])
            at += max(0, length)
        found.append(row)


def pieced(*chunks: bytes) -> Envelope:
    mail = envelope("box")
    mail.chunks, mail.size = chunks, sum(map(len, chunks))
    return mail


def test_a_row_has_nineteen_fields_and_ends_with_the_raw_bytes() -> None:
    (row,) = fields(everything(rows_of(pieced(b"one ", b"two")), 8192))
    assert len(row) == 19
    assert row[-1] == b"one two"
    assert row[11] is None, "no TLS is NULL"
    assert row[6:8] == [b"box@example.test", b""]


def test_each_recipient_has_a_row_with_the_same_bytes() -> None:
    found = fields(everything(rows_of(envelope("a", "b+tag")), 8192))
    assert [row[6:8] for row in found] == [
        [b"a@example.test", b""],
        [b"b+tag@example.test", b"tag"],
    ]
    assert found[0][8:] == found[1][8:]


@given(
    st.lists(st.lists(st.binary(max_size=40), max_size=6), max_size=4),
    st.integers(min_value=1, max_value=64),
)
def test_however_it_is_cut_the_same_bytes_come_out(mails: list[list[bytes]], size: int) -> None:
    rows = Rows()
    for chunks in mails:
        rows.add(pieced(*chunks), HEADERS, places(1))
    rows._pieces.append(b"\xff\xff")  # unjoined, as a large batch is
    assert [row[-1] for row in fields(everything(rows, size))] == [b"".join(m) for m in mails]


def test_an_empty_piece_between_large_ones_is_not_the_end() -> None:
    chunks = (b"a" * 300_000, b"", b"", b"b" * 300_000)
    (row,) = fields(everything(rows_of(pieced(*chunks)), 262_144))
    assert row[-1] == b"".join(chunks)


def test_a_batch_without_rows_is_a_header_and_a_trailer() -> None:
    assert fields(everything(rows_of(), 8192)) == []


def test_after_the_end_there_is_nothing() -> None:
    rows = rows_of(pieced(b"x"))
    everything(rows, 10)
    assert rows.read(10) == b""


@given(st.lists(st.binary(max_size=50)), st.integers(min_value=1, max_value=70))
def test_fields_are_joined_however_the_stream_was_cut(values: list[bytes], size: int) -> None:
    data = b"PGCOPY\n\xff\r\n\0" + bytes(8)
    for value in values:
        data += struct.pack(">hi", 1, len(value)) + value
    data += b"\xff\xff"
    joined = Fields()
    for at in range(0, len(data), size):
        joined.write(data[at : at + size])
    assert joined.content.getvalue() == b"".join(values)
