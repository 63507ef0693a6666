"""Amazon, as far as a webhook sees it: certificates, signatures, and the servers that have them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
ARN = "arn:aws:sns:eu-west-1:123456789012:mail"
HOST = "sns.eu-west-1.amazonaws.com"
CERTIFICATE_URL = f"https://{HOST}/SimpleNotificationService-{'0a' * 16}.pem"
MAIL = "From: Ann <ann@sender.test>\r\nSubject: Hello\r\n\r\nYour code is 4711.\r\n"
SES_ID = "d6iitobk75ur44p8kdnnp7g2n800"
TOKEN = "2336412f37fb687f5d51e6e2425929f5"


class Authority:
    """Signs certificates; one without ``issuer`` signs its own.

    Keys are made when they are needed: making one takes long, and every run imports this.
    """

    def __init__(self, name: str, issuer: Authority | None = None) -> None:
        self.issuer = issuer or self
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    @cached_property
    def key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    @cached_property
    def certificate(self) -> x509.Certificate:
        return self.issuer.sign(self.name, self.key, ca=True)

    def sign(
        self,
        subject: x509.Name,
        key: Any,
        *names: str,
        ca: bool = False,
        begins: datetime = NOW - timedelta(days=3650),
        ends: datetime = NOW + timedelta(days=3650),
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
            )
        return builder.sign(self.key, SHA256())


class Signer:
    """SNS in one region, with a key whose certificate may be odd.

    :ivar pem: the file that its messages point to.
    """

    def __init__(
        self,
        *names: str,
        authority: Authority | None = None,
        key: Any = None,
        common_name: str = "sns.amazonaws.com",
        begins: datetime = NOW - timedelta(days=365),
        ends: datetime = NOW + timedelta(days=365),
    ) -> None:
        self.authority = authority or Authority("root")
        self._key = key
        self._names = names
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        self._valid = begins, ends

    @cached_property
    def key(self) -> Any:
        return self._key or rsa.generate_private_key(65537, 2048)

    @cached_property
    def certificate(self) -> x509.Certificate:
        begins, ends = self._valid
        return self.authority.sign(self._subject, self.key, *self._names, begins=begins, ends=ends)

    @cached_property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def signed(self, fields: Mapping[str, Any], version: str = "1") -> dict[str, Any]:
        """``fields`` with the signature that Amazon's manual describes."""
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        if fields["Type"] != "Notification":
            names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token"]
            names += ["TopicArn", "Type"]
        lines = [f"{name}\n{fields[name]}\n" for name in names if name in fields]
        digest = SHA1() if version == "1" else SHA256()
        signature = self.key.sign("".join(lines).encode(), padding.PKCS1v15(), digest)
        return {
            **fields,
            "SignatureVersion": version,
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": fields.get("SigningCertURL", CERTIFICATE_URL),
        }


def private_pem(key: Any) -> bytes:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem


def moment(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def notification(message: Any, when: datetime = NOW, **fields: Any) -> dict[str, Any]:
    """What SNS sends, unsigned."""
    return {
        "Type": "Notification",
        "MessageId": str(uuid4()),
        "TopicArn": ARN,
        "Subject": "Amazon SES Email Receipt Notification",
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": moment(when),
        "UnsubscribeURL": f"https://{HOST}/?Action=Unsubscribe&SubscriptionArn={ARN}:1",
        **fields,
    }


def wish(kind: str = "SubscriptionConfirmation", when: datetime = NOW, **fields: Any) -> Any:
    """A wish to subscribe, or the word that somebody ended it, unsigned."""
    return {
        "Type": kind,
        "MessageId": str(uuid4()),
        "Token": TOKEN,
        "TopicArn": ARN,
        "Message": f"You have chosen to subscribe to the topic {ARN}.\nTo confirm ...",
        "SubscribeURL": "https://evil.test/?Action=ConfirmSubscription",
        "Timestamp": moment(when),
        **fields,
    }


def received(
    *recipients: str,
    content: str | None = MAIL,
    action: Mapping[str, Any] | None = None,
    source: str = "ann@sender.test",
    **verdicts: str,
) -> dict[str, Any]:
    """What SES says of a mail: ``spam="FAIL"`` and the like are its verdicts."""
    said = {"spam": "PASS", "virus": "PASS", "spf": "PASS", "dkim": "PASS", "dmarc": "GRAY"}
    client = "mail.sender.test (mail.sender.test [192.0.2.7])"
    message = {
        "notificationType": "Received",
        "mail": {
            "timestamp": moment(NOW),
            "source": source,
            "messageId": SES_ID,
            "destination": ["somebody@else.test"],
            "headersTruncated": False,
            "headers": [
                {"name": "Return-Path", "value": f"<{source}>"},
                {
                    "name": "Received",
                    "value": f"from {client} by inbound-smtp.eu-west-1.amazonaws.com"
                    f" with SMTP id {SES_ID} for box@example.test; Mon, 15 Jun 2026 12:00:00 +0000",
                },
                {"name": "Received", "value": "from a liar ([203.0.113.9])"},
            ],
            "commonHeaders": {"subject": "Hello"},
        },
        "receipt": {
            "timestamp": moment(NOW),
            "processingTimeMillis": 222,
            "recipients": list(recipients),
            **{f"{name}Verdict": {"status": word} for name, word in {**said, **verdicts}.items()},
            "action": action or {"type": "SNS", "topicArn": ARN},
        },
    }
    return message if content is None else {**message, "content": content}
