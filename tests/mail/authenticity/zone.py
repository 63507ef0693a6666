"""Domains of our own: their records, their keys, and mail that they sign."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from nacl.signing import SigningKey

from tempmail.mail.authenticity.answers import NOTHING, Answer, Known, Lacking, Question

MAIL = (
    b"From: Ann <ann@shop.example>\r\n"
    b"To: box@mail.test\r\n"
    b"Subject: Your order\r\n"
    b"Date: Mon, 1 Jan 2024 10:00:00 +0000\r\n"
    b"Message-ID: <1@shop.example>\r\n"
    b"\r\n"
    b"Thank  you \t\r\nfor it.\r\n\r\n\r\n"
)
T = TypeVar("T")


@cache
def rsa_key(bits: int = 1024, number: int = 1) -> tuple[bytes, str]:
    """A private key in PEM, and the record that publishes it."""
    made = rsa.generate_private_key(65537, bits)
    private = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = made.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private, f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


@cache
def ed25519_key() -> tuple[bytes, str]:
    """As :func:`rsa_key`, in the forms of RFC 8463."""
    made = SigningKey.generate()
    public = base64.b64encode(bytes(made.verify_key)).decode()
    return base64.b64encode(bytes(made)), f"v=DKIM1; k=ed25519; p={public}"


def signed(
    mail: bytes = MAIL,
    domain: str = "shop.example",
    selector: str = "s1",
    key: bytes | None = None,
    **how: Any,
) -> bytes:
    """``mail`` with a signature of ``domain`` on top."""
    how.setdefault("include_headers", [b"from", b"to", b"subject", b"date"])
    private = rsa_key()[0] if key is None else key
    return bytes(dkim.sign(mail, selector.encode(), domain.encode(), private, **how)) + mail


class Zone:
    """Answers from a table; ``asked`` lists what was looked up, in order."""

    def __init__(self, records: Mapping[tuple[str, str], Sequence[str] | Answer]) -> None:
        self._answers = {
            Question(name, kind): one if isinstance(one, Answer) else Answer(tuple(one))  # type: ignore[arg-type]
            for (name, kind), one in records.items()
        }
        self.asked: list[tuple[str, str]] = []

    def answer(self, question: Question) -> Answer:
        self.asked.append((question.name, question.kind))
        return self._answers.get(question, NOTHING)

    def found(self, find: Callable[[Known], T]) -> T:
        """What ``find`` finds, once it has been told all that it lacks."""
        known: dict[Question, Answer] = {}
        while True:
            try:
                return find(Known(known))
            except Lacking as needed:
                if not set(needed.questions) - set(known):  # it would ask for ever
                    raise
                known |= {one: self.answer(one) for one in needed.questions}


def key_record(
    selector: str = "s1", domain: str = "shop.example", record: str | None = None
) -> Any:
    """The item of a zone that publishes a key."""
    return {(f"{selector}._domainkey.{domain}", "TXT"): [record or rsa_key()[1]]}
