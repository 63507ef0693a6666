"""What SNS sends to a webhook, and the text of it that is signed (Amazon SNS Developer Guide,
"HTTP/HTTPS notification JSON format" and "Verifying the signatures of Amazon SNS messages")."""

from __future__ import annotations

import base64
import enum
import json
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from attrs import frozen

from tempmail.model.errors import InvalidInput

_IDENTITY = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z\Z", re.ASCII)
_TOKEN = re.compile(r"[0-9A-Za-z]{1,1024}\Z")
_MOST_OF_A_SIGNATURE = 2048  # characters
_MOST_MEMBERS = 50
_MOST_BESIDE_TEXTS = 16 * 1024
"""Bytes of members such as the attributes of a message, of which SES gives none."""


class Kind(enum.StrEnum):
    """The three types of what SNS sends."""

    NOTIFICATION = "Notification"
    CONFIRM = "SubscriptionConfirmation"
    UNSUBSCRIBED = "UnsubscribeConfirmation"


@frozen
class Notice:
    """One call of SNS; nothing of it is to be believed before its signature was checked.

    :ivar identity: its MessageId, the same however often it is sent.
    :ivar message: of a notification, what its publisher said.
    :ivar token: of the others, what confirms the subscription.
    :ivar canonical: the text that is signed.
    :ivar version: of the signature, 1 or 2.
    """

    kind: Kind
    identity: str
    topic: str
    message: str
    sent: datetime
    token: str
    canonical: bytes
    version: int
    signature: bytes
    certificate_url: str


def read(body: bytes) -> Notice:
    """Read the body of a call.

    :raises InvalidInput: it is not what SNS sends, saying why.
    """
    _check_outline(body)
    values = json_object(body)
    kind = _kind(values)
    notified = kind is Kind.NOTIFICATION
    names = ["Message", "MessageId", "Timestamp", "TopicArn", "Type"]
    if not notified:
        names += ["SubscribeURL", "Token"]
    elif values.get("Subject") is not None:  # left out of the text where there is none
        names.append("Subject")
    signed = {name: _text(values, name) for name in sorted(names)}
    for name, text in signed.items():
        # The text runs names and values together: a line break could move what is which.
        if name != "Message" and ("\n" in text or "\r" in text):
            raise InvalidInput(f"{name}: has a line break")
    if not _IDENTITY.match(signed["MessageId"]):
        raise InvalidInput("MessageId: is no UUID")
    if not notified and not _TOKEN.match(signed["Token"]):
        raise InvalidInput("Token: is letters and digits")
    version = _text(values, "SignatureVersion")
    if version not in ("1", "2"):
        raise InvalidInput("SignatureVersion: is 1 or 2")
    return Notice(
        kind,
        signed["MessageId"],
        signed["TopicArn"],
        signed["Message"],
        _moment(signed["Timestamp"]),
        signed.get("Token", ""),
        "".join(f"{name}\n{text}\n" for name, text in signed.items()).encode(),
        int(version),
        _decoded(_text(values, "Signature")),
        _certificate_url(values),
    )


def _check_outline(body: bytes) -> None:
    """Look at a call from outside, before a forger's million small values are made of it.

    :raises InvalidInput: it is no JSON object, or has more in it than texts.
    """
    try:
        members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        raise InvalidInput("is no JSON object") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidInput("is not JSON in UTF-8") from None
    lengths = [len(bytes(one)) for one in members.values() if bytes(one)[:1] != b'"']
    if len(members) > _MOST_MEMBERS or sum(lengths) > _MOST_BESIDE_TEXTS:
        raise InvalidInput("is no call of SNS: there is too much in it that is no text")


def json_object(text: bytes | str) -> dict[str, Any]:
    """A JSON object without doubled names, at any depth.

    :raises InvalidInput: it is none.
    """
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except InvalidInput:
        raise
    except (ValueError, RecursionError):  # of bytes that are not UTF-8, and of huge numbers too
        raise InvalidInput("is not JSON in UTF-8") from None
    if not isinstance(found, dict):
        raise InvalidInput("is no JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidInput("a name is there twice")
    return found


def _kind(values: dict[str, Any]) -> Kind:
    try:
        return Kind(_text(values, "Type"))
    except ValueError:
        raise InvalidInput(f"Type: is one of {', '.join(Kind)}") from None


def _certificate_url(values: dict[str, Any]) -> str:
    # What a function of AWS Lambda passes on has another case there.
    names = {"SigningCertURL", "SigningCertUrl"} & values.keys()
    if len(names) == 2:
        raise InvalidInput("SigningCertURL: is there twice")
    return _text(values, names.pop() if names else "SigningCertURL")


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not is_unicode(value):
        raise InvalidInput(f"{name}: is a text")
    return value


def is_unicode(text: str) -> bool:
    """Whether it has none of the lone surrogates that JSON can write."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _moment(text: str) -> datetime:
    if not _MOMENT.match(text):
        raise InvalidInput("Timestamp: is a moment such as 2026-01-31T12:00:00.000Z")
    try:
        return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        raise InvalidInput("Timestamp: there is no such moment") from None


def _decoded(text: str) -> bytes:
    if len(text) > _MOST_OF_A_SIGNATURE:
        raise InvalidInput("Signature: is too long")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise InvalidInput("Signature: is no base64") from None
