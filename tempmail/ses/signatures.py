"""Signatures of SNS: RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2) over a notice's own text."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from tempmail.ses.errors import Forged
from tempmail.ses.notices import Notice


def check(notice: Notice, key: RSAPublicKey) -> None:
    """Takes some 50 microseconds.

    :raises Forged: somebody else signed it, or nobody.
    """
    digest = SHA256() if notice.version == 2 else SHA1()  # noqa: S303  # what SNS signs version 1 with
    try:
        key.verify(notice.signature, notice.canonical, PKCS1v15(), digest)
    except InvalidSignature:
        raise Forged("the signature is not of what was sent") from None
