"""What the daemon takes from a worker."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from attrs import asdict, evolve

from tempmail.mail.attachments import extract
from tempmail.mail.extracted import Extracted
from tempmail.mail.parse import parse
from tempmail.mail.refused_kinds import REFUSED_KINDS
from tempmail.model.message import View
from tempmail.workers.answers import LENGTH, InvalidAnswer, Request, request

MAIL = (
    b"From: =?utf-8?q?=C3=89?= <a@b>\r\nDate: Thu, 20 Nov 2025 10:00:00 +0200\r\nCc: c@d\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n"
    b"--b\r\nContent-Disposition: attachment; filename=x\r\n\r\nx\r\n--b--\r\n"
)
VIEW = parse(MAIL)
FOR_THE_VIEW, FOR_THE_ATTACHMENT = Request(MAIL), Request(MAIL, 0)


def encode(view: View) -> bytes:
    return msgspec.msgpack.encode(view)


def decode(answer: bytes) -> object:
    return FOR_THE_VIEW.result(answer)


@pytest.mark.parametrize("asked", [FOR_THE_VIEW, FOR_THE_ATTACHMENT, Request(b"")])
def test_a_request_comes_through_as_it_was(asked: Request) -> None:
    encoded = asked.encoded()
    assert LENGTH.unpack_from(encoded) == (len(encoded) - LENGTH.size,)
    assert request(encoded[LENGTH.size :]) == asked


def test_an_attachment_comes_through_as_it_was() -> None:
    answer = FOR_THE_ATTACHMENT.answer(REFUSED_KINDS)
    assert (
        FOR_THE_ATTACHMENT.result(answer)
        == extract(MAIL, 0)
        == Extracted("x", "text/plain", None, b"x")
    )
    assert len(answer) < FOR_THE_ATTACHMENT.answer_bytes


def test_an_attachment_that_is_not_there_is_none() -> None:
    asked = Request(MAIL, 1)
    assert asked.result(asked.answer(frozenset())) is None


@pytest.mark.parametrize("answer", [b"", b"\xc1", msgspec.msgpack.encode([1]), encode(VIEW)])
def test_what_is_no_attachment_is_refused(answer: bytes) -> None:
    with pytest.raises(InvalidAnswer):
        FOR_THE_ATTACHMENT.result(answer)


def test_a_view_comes_through_as_it_was() -> None:
    assert VIEW.attachments
    assert decode(FOR_THE_VIEW.answer(REFUSED_KINDS)) == VIEW


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
