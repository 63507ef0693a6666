"""Headers as they are sent."""

from __future__ import annotations

import pytest

from tempmail.mail.header_fields import MAX_FIELD_BYTES, MAX_FIELDS, header


def fields(raw: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    head = header(raw, 0, lambda line: line.strip() == b"--b")
    return list(head.fields), raw[head.end :]


@pytest.mark.parametrize(
    ("raw", "expected", "body"),
    [
        (b"A: b\r\nC:d\r\n\r\nbody", [(b"A", b"b"), (b"C", b"d")], b"body"),
        (b"A: b\r\n c\r\n\td\r\n\r\nbody", [(b"A", b"b\r\n c\r\n\td")], b"body"),
        (b"A: b\r\n  \r\n c\r\n\r\nbody", [(b"A", b"b\r\n  \r\n c")], b"body"),
        (b"A :b\r\nB \t: c\r\n\r\n", [(b"A", b"b"), (b"B", b"c")], b""),
        (b"A:\r\n\r\nbody", [(b"A", b"")], b"body"),
        (b"\xc3\xa9: b\n\nbody", [("é".encode(), b"b")], b"body"),
        (b"A: b", [(b"A", b"b")], b""),
        (b"\r\nbody", [], b"body"),
        (b"no header\r\nA: b", [], b"no header\r\nA: b"),
        (b"A: b\r\nno field\r\nmore", [(b"A", b"b")], b"no field\r\nmore"),
        (b"A: b\nno field\nTo: c\n\nd", [(b"A", b"b"), (b"To", b"c")], b"d"),
        (b"A: b\nno field\nOther: c\n\nd", [(b"A", b"b")], b"no field\nOther: c\n\nd"),
        (b"A: b\nno field\nSome-Field: c\n\nd", [(b"A", b"b"), (b"Some-Field", b"c")], b"d"),
        (b" fold of nothing\nTo: c\n\nd", [(b"To", b"c")], b"d"),
        (b"A: b\r\n--b\r\nC: d\r\n\r\n", [(b"A", b"b")], b"--b\r\nC: d\r\n\r\n"),
        (b"A: b\rC: d\r\n\r\n", [(b"A", b"b\rC: d")], b""),
    ],
)
def test_fields_are_read(raw: bytes, expected: list[tuple[bytes, bytes]], body: bytes) -> None:
    assert fields(raw) == (expected, body)


def test_fields_beyond_the_bounds_are_left_out_and_the_body_is_found() -> None:
    found, body = fields(b"A: b\r\n" * (2 * MAX_FIELDS) + b"\r\nbody")
    assert (len(found), body) == (MAX_FIELDS, b"body")
    ((name, value),), body = fields(b"A" * 1000 + b": " + b"b" * 10_000 + b"\r\n\r\nbody")
    assert (len(name), len(value), body) == (256, MAX_FIELD_BYTES - 256, b"body")
