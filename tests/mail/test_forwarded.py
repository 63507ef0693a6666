"""For whom forwarded mail was, as the headers of those who forward say."""

from __future__ import annotations

import pytest

from tempmail.mail.forwarded import HEADERS, fields, original_recipient, return_path
from tempmail.model.address import Domains

DOMAINS = Domains(["example.test", "bücher.test"])

GMAIL = b"""\
Delivered-To: ann@gmail.test\r
Received: by 2002:a05:6520 with SMTP id x1; Mon, 1 Jan 2029 00:00:01 -0800 (PST)\r
X-Forwarded-To: ann@gmail.test\r
X-Forwarded-For: box@example.test ann@gmail.test\r
Delivered-To: box@example.test\r
Return-Path: <shop@sender.test>\r
Received: from mx.sender.test by mx.forwarder.test for <box@example.test>\r
To: "Box" <box@example.test>\r
Subject: Your code\r
\r
Delivered-To: body@example.test\r
"""
POSTFIX = b"""\
Return-Path: <SRS0=x=sender.test=shop@forwarder.test>\r
X-Original-To: box+shop@example.test\r
Delivered-To: inbox@example.test\r
Received: from forwarder.test (forwarder.test [192.0.2.1])\r
X-Original-To: forged@example.test\r
Subject: Your code\r
\r
"""
SERVICE = b"""\
Return-Path: <bounce@forwarder.test>\r
Received: from forwarder.test\r
X-Forwarded-To:\r
 <Box@EXAMPLE.test>\r
To: undisclosed-recipients:;\r
\r
"""


def named(mail: bytes, headers: tuple[str, ...] = HEADERS, *besides: str) -> str | None:
    found = original_recipient(fields([mail]), headers, DOMAINS, besides)
    return None if found is None else found.address


def test_of_a_mailbox_that_forwards_and_of_one_it_forwards_to_ours_counts() -> None:
    assert named(GMAIL) == "box@example.test"


def test_the_address_of_the_forwarder_s_inbox_is_not_whom_it_was_for() -> None:
    assert named(POSTFIX) == "inbox@example.test"
    assert named(POSTFIX, HEADERS, "inbox@example.test") == "box@example.test"


def test_of_several_the_one_nearest_to_us_counts() -> None:
    assert named(POSTFIX, ("x-original-to",)) == "box@example.test"


def test_a_tag_is_kept_and_names_the_same_mailbox() -> None:
    found = original_recipient(fields([POSTFIX]), ("x-original-to",), DOMAINS)
    assert found is not None
    assert (found.address, found.tag) == ("box@example.test", "shop")


def test_a_folded_header_in_brackets_and_capitals() -> None:
    assert named(SERVICE) == "box@example.test"


@pytest.mark.parametrize("headers", [("x-original-to",), ("to",), ()])
def test_a_header_that_is_not_trusted_does_not_count(headers: tuple[str, ...]) -> None:
    assert named(SERVICE, headers) is None


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"box",
        b"@example.test",
        b"box@elsewhere.test",
        b"a" * 65 + b"@example.test",
        b"box@example.test.evil.test",
        b"\xff\xfe@\xff",
        b"<" * 4000,
    ],
)
def test_what_is_no_address_of_ours_names_nobody(value: bytes) -> None:
    assert named(b"Delivered-To: " + value + b"\r\n\r\n") is None


def test_a_domain_of_ours_in_its_own_script() -> None:
    value = "Delivered-To: box@bücher.test\r\n\r\n".encode()
    assert named(value) == "box@xn--bcher-kva.test"


def test_what_stands_in_the_body_or_far_down_does_not_count() -> None:
    assert named(b"Subject: x\r\n\r\nDelivered-To: box@example.test\r\n") is None
    far = b"X-Filler: " + b"x" * 70_000 + b"\r\nDelivered-To: box@example.test\r\n\r\n"
    assert named(far) is None


def test_in_however_many_pieces_it_comes() -> None:
    pieces = [GMAIL[start : start + 3] for start in range(0, len(GMAIL), 3)]
    assert fields(pieces) == fields([GMAIL])


def test_the_return_path_is_the_last_server_s() -> None:
    assert return_path(fields([POSTFIX])) == "SRS0=x=sender.test=shop@forwarder.test"
    assert return_path(fields([b"Return-Path: <>\r\n\r\n"])) == ""
    assert return_path(fields([b"Subject: x\r\n\r\n"])) == ""
