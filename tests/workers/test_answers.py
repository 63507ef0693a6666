"""What the daemon takes from a worker."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from attrs import asdict, evolve

from tempmail.mail.parse import parse
from tempmail.workers.answers import InvalidAnswer, decode, encode

VIEW = parse(
    b"From: =?utf-8?q?=C3=89?= <a@b>\r\nDate: Thu, 20 Nov 2025 10:00:00 +0200\r\nCc: c@d\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n"
    b"--b\r\nContent-Disposition: attachment; filename=x\r\n\r\nx\r\n--b--\r\n"
)


def test_a_view_comes_through_as_it_was() -> None:
    assert VIEW.attachments
    assert decode(encode(VIEW)) == VIEW


@pytest.mark.parametrize(
    "change",
    [
        {"subject": 1},
        {"subject": None},
        {"body_text": b"bytes"},
        {"cc": "one"},
        {"headers": [["name"]]},
        {"headers": [["name", "value", "more"]]},
        {"attachments": [{"index": 0}]},
        {"date": "today"},
        {"parser_version": 99},
        {"subject": "nul \0"},
        {"headers": [["name", "nul \0"]]},
    ],
)
def test_what_is_no_view_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidAnswer):
        decode(msgspec.msgpack.encode(asdict(VIEW) | change))


@pytest.mark.parametrize(
    "answer", [b"", b"\xff" * 10, b"\xc1", encode(VIEW)[:-1], encode(VIEW) + b"x"]
)
def test_garbage_is_refused(answer: bytes) -> None:
    with pytest.raises(InvalidAnswer):
        decode(answer)


def test_lone_surrogates_are_refused() -> None:
    answer = encode(evolve(VIEW, subject="???")).replace(b"???", b"\xed\xa0\x80")
    with pytest.raises(InvalidAnswer):
        decode(answer)
