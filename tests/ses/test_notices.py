"""What SNS posts, and what only looks so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tempmail.model.errors import InvalidInput
from tempmail.ses import notices
from tempmail.ses.notices import Kind, read
from tests.ses.amazon import NOW, TOKEN, Signer, notification, wish

SIGNER = Signer()


def body(fields: Any) -> bytes:
    return json.dumps(SIGNER.signed(fields)).encode()


def test_a_notification_is_read_with_the_text_that_is_signed() -> None:
    fields = notification("Grüße\nzwei", Subject="S")
    notice = read(body(fields))
    assert (notice.kind, notice.identity) == (Kind.NOTIFICATION, fields["MessageId"])
    assert (notice.sent, notice.version) == (NOW, 1)
    assert notice.canonical.decode() == (
        f"Message\nGrüße\nzwei\nMessageId\n{fields['MessageId']}\nSubject\nS\n"
        f"Timestamp\n{fields['Timestamp']}\nTopicArn\n{fields['TopicArn']}\nType\nNotification\n"
    )


@pytest.mark.parametrize("absent", ["left out", "null"])
def test_a_subject_that_is_not_there_is_not_signed(absent: str) -> None:
    signed = SIGNER.signed({**notification("hi"), "Subject": "x"})
    if absent == "null":
        signed["Subject"] = None
    else:
        del signed["Subject"]
    assert b"Subject" not in read(json.dumps(signed).encode()).canonical


def test_the_certificates_address_may_be_spelt_as_lambda_does_but_not_twice() -> None:
    signed = SIGNER.signed(notification("hi"))
    url = signed.pop("SigningCertURL")
    assert read(json.dumps({**signed, "SigningCertUrl": url}).encode()).certificate_url == url
    both = json.dumps({**signed, "SigningCertUrl": url, "SigningCertURL": url}).encode()
    with pytest.raises(InvalidInput, match="twice"):
        read(both)


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_the_others_are_signed_with_their_token(kind: str) -> None:
    fields = wish(kind)
    notice = read(body(fields))
    assert (notice.kind.value, notice.token) == (kind, TOKEN)
    assert f"SubscribeURL\n{fields['SubscribeURL']}\nTimestamp" in notice.canonical.decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Type", "Other"),
        ("Type", None),
        ("MessageId", "1"),
        ("MessageId", "d39649d4-bf5b-5b80-af75-07acb3dd9b4a\n"),
        ("MessageId", ["d39649d4-bf5b-5b80-af75-07acb3dd9b4a"]),
        ("Message", None),
        ("Message", {"a": 1}),
        ("Subject", "a\nTimestamp\nb"),
        ("Subject", 1),
        ("Timestamp", "2026-06-15"),
        ("Timestamp", "2026-13-15T12:00:00.000Z"),
        ("Timestamp", "2026-06-15T12:00:00.000+02:00"),
        ("Timestamp", "٢٠٢٦-06-15T12:00:00.000Z"),
        ("TopicArn", None),
        ("SignatureVersion", "3"),
        ("SignatureVersion", 1),
        ("Signature", "%%%"),
        ("Signature", "A" * 4096),
        ("SigningCertURL", None),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(name: str, value: Any) -> None:
    fields = {**SIGNER.signed(notification("hi")), name: value}
    with pytest.raises(InvalidInput, match=name):
        read(json.dumps(fields).encode())


@pytest.mark.parametrize("token", ["", "a&Action=Unsubscribe", "a b", "ä", "a" * 2000, "a\n"])
def test_a_token_is_letters_and_digits(token: str) -> None:
    fields = {**SIGNER.signed(wish()), "Token": token}
    with pytest.raises(InvalidInput, match="Token"):
        read(json.dumps(fields).encode())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"Notification"',
        b"{",
        b"\xff\xfe{}",
        b'{"Type": NaN}',
        b"[" * 500_000,
        b'{"a":' * 100_000,
        b'{"a": ' + b"9" * 100_000 + b"}",
        b'{"Message": "\\ud800"}',
    ],
    ids=range(11),
)
def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        read(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"Type": [' + b"[]," * 300_000 + b"1]}",
        b"{" + b",".join(b'"%x": ""' % number for number in range(1000)) + b"}",
    ],
    ids=range(2),
)
def test_what_would_take_long_to_read_is_not_read(
    raw: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "json_object", None)
    with pytest.raises(InvalidInput, match="too much"):
        read(raw)


@pytest.mark.parametrize(
    "twice", ['"Type": "Notification"', '"MessageId": "x"', '"a": {"b":1,"b":2}']
)
def test_a_doubled_name_is_refused_wherever_it_is(twice: str) -> None:
    raw = body(notification("hi")).decode()
    with pytest.raises(InvalidInput, match="twice"):
        read((raw[:-1] + ", " + twice + "}").encode())
