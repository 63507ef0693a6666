"""What SES says of a mail."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tempmail.model.authentication import Authentication, Finding, Scan
from tempmail.model.errors import InvalidInput
from tempmail.ses.receipts import MOST_RECIPIENTS, Receipt, Stored, read
from tests.ses.amazon import MAIL, SES_ID, received

S3 = {"type": "S3", "bucketName": "mails", "objectKeyPrefix": "in/", "objectKey": "in/abc"}


def receipt(message: Any) -> Receipt:
    found = read(json.dumps(message))
    assert found is not None
    return found


def test_a_mail_its_envelope_and_whom_amazon_had_it_from_are_read() -> None:
    found = receipt(received("box@example.test", "Other+tag@example.test"))
    assert found.content == MAIL.encode()
    assert found.mail_from == "ann@sender.test"
    assert found.recipients == ("box@example.test", "Other+tag@example.test"), "not destination"
    assert (found.helo, found.peer_ip) == ("mail.sender.test", "192.0.2.7")


@pytest.mark.parametrize("source", ["", None, "<>"])
def test_a_bounce_has_no_sender(source: Any) -> None:
    assert receipt(received("box@example.test", source=source)).mail_from == ""


@pytest.mark.parametrize(
    ("client", "server", "identity"),
    [
        ("192.0.2.9", "mail.evil.test", SES_ID),
        ("192.0.2.9", "inbound-smtp.eu-west-1.amazonaws.com", "other"),
        ("999.0.2.9", "inbound-smtp.eu-west-1.amazonaws.com", SES_ID),
    ],
)
def test_only_the_line_that_amazon_wrote_says_whom_it_was_from(
    client: str, server: str, identity: str
) -> None:
    message = received("box@example.test")
    line = f"from a.test (a.test [{client}]) by {server} with SMTP id {identity} for b@e.test"
    message["mail"]["headers"][1]["value"] = line
    found = receipt(message)
    assert (found.helo, found.peer_ip) == (None, None)


def test_an_ipv6_client_and_one_without_a_name_are_known() -> None:
    for client in ("a.test ([2001:db8::1])", "a.test (2001:db8::1)"):
        message = received("box@example.test")
        message["mail"]["headers"][1]["value"] = (
            f"from {client} by inbound-smtp.eu-west-1.amazonaws.com with ESMTPS"
            f" id {SES_ID}; Mon, 15 Jun 2026"
        )
        assert receipt(message).peer_ip == "2001:db8::1"


@pytest.mark.parametrize("encoding", [{"encoding": "BASE64"}, {}])
def test_base64_is_decoded_whether_it_is_said_or_not(encoding: dict[str, str]) -> None:
    raw = bytes(range(256)) + MAIL.encode()
    content = base64.b64encode(raw).decode()
    action = {"type": "SNS", "topicArn": "x", **encoding}
    assert receipt(received("box@example.test", content=content, action=action)).content == raw


@pytest.mark.parametrize("encoding", [{"encoding": "UTF-8"}, {"encoding": "UTF8"}, {}])
def test_text_is_taken_as_it_is(encoding: dict[str, str]) -> None:
    content = "Subject: Grüße\r\n\r\nä\r\n"
    action = {"type": "SNS", "topicArn": "x", **encoding}
    found = receipt(received("box@example.test", content=content, action=action))
    assert found.content == content.encode()


def test_a_mail_in_s3_is_named() -> None:
    found = receipt(received("box@example.test", content=None, action=S3))
    assert found.content == Stored("mails", "in/abc")


def test_verdicts_are_said_to_be_amazons() -> None:
    found = receipt(received("b@e.test", spam="FAIL", spf="GRAY", dkim="PROCESSING_FAILED")).found
    assert found == Authentication(
        spf=Finding("none", "Amazon SES says that there is nothing to tell by"),
        dkim=Finding("permerror", "Amazon SES could not check it"),
        dmarc=Finding("none", "Amazon SES says that there is nothing to tell by"),
        spam=Scan("fail", "Amazon SES says that it fails"),
        virus=Scan("pass", "Amazon SES says that it passes"),
    )
    assert not found.evaluated
    assert not found.unsettled


def test_where_amazon_did_not_look_there_is_no_verdict() -> None:
    message = received("b@e.test", spam="DISABLED", virus="odd")
    message["receipt"]["spfVerdict"] = "PASS"
    del message["receipt"]["dkimVerdict"]
    found = receipt(message)
    assert (found.found.spam, found.found.virus, found.found.spf, found.found.dkim) == (None,) * 4
    assert not found.infected


def test_a_virus_is_told() -> None:
    assert receipt(received("b@e.test", virus="FAIL")).infected
    assert not receipt(received("b@e.test", virus="GRAY")).infected


@pytest.mark.parametrize(
    "text",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        "",
        "[]",
        json.dumps({"notificationType": "Bounce"}),
        json.dumps({"eventType": "Delivery"}),
        "{}",
    ],
)
def test_what_is_not_about_a_mail_that_came_is_left(text: str) -> None:
    assert read(text) is None


def changed(path: str, value: Any) -> str:
    message = received("box@example.test")
    *inner, last = path.split(".")
    at = message
    for name in inner:
        at = at[name]
    at[last] = value
    return json.dumps(message)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("mail", None),
        ("mail.source", ["a@b.test"]),
        ("mail.source", "a" * 2000),
        ("mail.source", "\ud800"),
        ("mail.messageId", ""),
        ("receipt", []),
        ("receipt.recipients", []),
        ("receipt.recipients", "box@example.test"),
        ("receipt.recipients", [1]),
        ("receipt.recipients", ["a@b.test"] * (MOST_RECIPIENTS + 1)),
        ("receipt.action", None),
        ("receipt.action.type", "Bounce"),
        ("content", None),
        ("content", ""),
        ("content", "no base64 nor mail"),
        ("content", "Subject: \ud800"),
        ("receipt.action", {**S3, "bucketName": "../other"}),
        ("receipt.action", {**S3, "bucketName": "arn:aws:s3:eu-west-1:1:accesspoint/a"}),
        ("receipt.action", {**S3, "objectKey": None}),
        ("receipt.action", {**S3, "objectKey": "a" * 1025}),
    ],
)
def test_a_mail_that_makes_no_sense_is_refused(path: str, value: Any) -> None:
    with pytest.raises(InvalidInput):
        read(changed(path, value))


def test_doubled_names_inside_are_refused() -> None:
    text = json.dumps(received("box@example.test"))
    with pytest.raises(InvalidInput, match="twice"):
        read(text[:-1] + ', "receipt": {}}')
