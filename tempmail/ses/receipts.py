"""What SES says of a mail that it took (Amazon SES Developer Guide, "Contents of notifications for
Amazon SES email receiving")."""

from __future__ import annotations

import base64
import binascii
import re
from ipaddress import ip_address
from typing import Any

from attrs import frozen

from tempmail.model.authentication import Authentication, Finding, Scan
from tempmail.model.errors import InvalidInput
from tempmail.ses.notices import is_unicode, json_object

MOST_RECIPIENTS = 1000
_MOST_OF_AN_ADDRESS = 1000  # characters; an envelope's has 320
_MOST_OF_A_KEY = 1024  # bytes of an object's name in S3
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")

# The topmost is what SES wrote itself.
_RECEIVED = re.compile(
    r"from (\S{1,255}) \((?:\S{1,255} )?\[?([0-9A-Fa-f:.]{2,45})\]?\) by inbound-smtp\.[a-z0-9.-]+"
    r" with \S+ id (\S+)"
)

# SPF, DKIM and DMARC: GRAY is for mail that says nothing of itself there.
_RESULTS = {"PASS": "pass", "FAIL": "fail", "GRAY": "none", "PROCESSING_FAILED": "permerror"}
# What may pass is over when we hear of it, hence no temperror above.
_SCANS = {"PASS": "pass", "FAIL": "fail", "GRAY": "neutral", "PROCESSING_FAILED": "temperror"}
_WORDS = {
    "PASS": "Amazon SES says that it passes",
    "FAIL": "Amazon SES says that it fails",
    "GRAY": "Amazon SES says that there is nothing to tell by",
    "PROCESSING_FAILED": "Amazon SES could not check it",
}


@frozen
class Stored:
    """Where a mail lies in S3."""

    bucket: str
    key: str


@frozen
class Receipt:
    """One mail, and for whom it was.

    :ivar identity: what SES calls it.
    :ivar mail_from: the reverse-path; empty for ``<>``.
    :ivar recipients: forward-paths, those under our domains and others.
    :ivar helo, peer_ip: of the client that SES had it from; None where that cannot be told.
    :ivar found: what SES found out of it.
    :ivar content: the mail, or where it lies.
    """

    identity: str
    mail_from: str
    recipients: tuple[str, ...]
    helo: str | None
    peer_ip: str | None
    found: Authentication
    content: bytes | Stored

    @property
    def infected(self) -> bool:
        """Whether SES found a virus in it."""
        return self.found.virus is not None and self.found.virus.result == "fail"


def read(text: str) -> Receipt | None:
    """Read what a notification carries; None where that is not about mail that came.

    :raises InvalidInput: it is, and makes no sense.
    """
    if not text.lstrip().startswith("{"):
        return None  # such as SES's own "Successfully validated SNS topic"
    values = json_object(text)
    if values.get("notificationType") != "Received":
        return None
    mail, receipt = _object(values, "mail"), _object(values, "receipt")
    identity = _text(mail, "messageId")
    helo, peer_ip = _client(mail, identity)
    return Receipt(
        identity,
        _address(mail.get("source") or "", "source").removeprefix("<").removesuffix(">"),
        _recipients(receipt),
        helo,
        peer_ip,
        _found(receipt),
        _content(values, _object(receipt, "action")),
    )


def _object(values: dict[str, Any], name: str) -> dict[str, Any]:
    value = values.get(name)
    if not isinstance(value, dict):
        raise InvalidInput(f"{name}: is an object")
    return value


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value or not is_unicode(value):
        raise InvalidInput(f"{name}: is a text")
    return value


def _address(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > _MOST_OF_AN_ADDRESS or not is_unicode(value):
        raise InvalidInput(f"{name}: is an address")
    return value


def _recipients(receipt: dict[str, Any]) -> tuple[str, ...]:
    value = receipt.get("recipients")
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_RECIPIENTS:
        raise InvalidInput(f"recipients: are 1 to {MOST_RECIPIENTS}")
    return tuple(_address(one, "recipients") for one in value)


def _client(mail: dict[str, Any], identity: str) -> tuple[str | None, str | None]:
    headers = mail.get("headers")
    for header in headers if isinstance(headers, list) else ():
        if isinstance(header, dict) and header.get("name") == "Received":
            match = _RECEIVED.match(str(header.get("value")))
            if match is None or match[3].rstrip(";") != identity:
                break
            try:
                return match[1], str(ip_address(match[2]))
            except ValueError:
                break
    return None, None


def _found(receipt: dict[str, Any]) -> Authentication:
    def status(name: str) -> str:
        verdict = receipt.get(f"{name}Verdict")
        said = verdict.get("status") if isinstance(verdict, dict) else None
        return said if isinstance(said, str) else ""

    def finding(name: str) -> Finding | None:
        said = status(name)
        return Finding(_RESULTS[said], _WORDS[said]) if said in _RESULTS else None

    def scan(name: str) -> Scan | None:
        said = status(name)
        return Scan(_SCANS[said], _WORDS[said]) if said in _SCANS else None

    return Authentication(
        spf=finding("spf"),
        dkim=finding("dkim"),
        dmarc=finding("dmarc"),
        spam=scan("spam"),
        virus=scan("virus"),
    )


def _content(values: dict[str, Any], action: dict[str, Any]) -> bytes | Stored:
    kind = action.get("type")
    if kind == "S3":
        bucket, key = _text(action, "bucketName"), _text(action, "objectKey")
        if not _BUCKET.match(bucket) or len(key.encode()) > _MOST_OF_A_KEY:
            raise InvalidInput("bucketName, objectKey: name no object")
        return Stored(bucket, key)
    if kind != "SNS":
        raise InvalidInput("action: is S3 or SNS")
    text = _text(values, "content")
    said = action.get("encoding")
    # Every mail has a colon, for SES puts its own headers before it; base64 has none.
    if said != "BASE64" and (said is not None or ":" in text):
        return text.encode()
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput("content: is no base64") from None
