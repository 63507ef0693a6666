"""Ordinary transactional mails of a chosen size, built once and made unique by their Message-ID."""

from __future__ import annotations

import base64
import quopri
import random
from collections.abc import Iterator
from typing import NamedTuple

SENDER = b"bounces+4711@mail.shop.example"
DOMAIN = b"bench.test"

_HEADERS = """\
Received: from out-17.mail.shop.example (out-17.mail.shop.example [198.51.100.17])
\tby mx.bench.test with ESMTPS id 4XyZ1k2m3n (version=TLS1_3
\tcipher=TLS_AES_256_GCM_SHA384); Fri, 20 Nov 2026 12:00:01 +0000
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=shop.example; s=m2026;
\tt=1795176000; h=from:to:subject:date:message-id:mime-version:content-type;
\tbh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=;
\tb=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZVoG4ZHRNiYzR
\t SE+4Qp7uF1fSg7YbWcPiYwMmK1r3Xb5b1xS3hTQ0m8iVnYk6e2aD9jLrZtqX0w==
Message-ID: <\0@mail.shop.example>
Date: Fri, 20 Nov 2026 12:00:00 +0000
From: "Example Shop" <orders@shop.example>
To: Jane Doe <jane.doe@bench.test>
Reply-To: support@shop.example
Subject: =?utf-8?Q?Your_order_20261120-4711_is_confirmed_=E2=9C=93?=
List-Unsubscribe: <https://shop.example/u/4711>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="=_8f14e45fceea167a"

"""
_PART = '--=_8f14e45fceea167a\nContent-Type: text/{}; charset="utf-8"\n'
_PART += "Content-Transfer-Encoding: {}\n\n"
_WORDS = (
    "order parcel delivery address confirm account code thank you for your purchase we will "
    "send tracking number within two working days please keep this café über total invoice"
).split()


class Mail(NamedTuple):
    """One mail, ready for the wire.

    :ivar recipient: the forward-path without angle brackets.
    :ivar content: the pieces to write after 354, dot-stuffed, the last one ending the DATA.
    """

    recipient: bytes
    content: tuple[bytes, ...]

    @property
    def commands(self) -> tuple[bytes, bytes, bytes]:
        """MAIL, RCPT and DATA."""
        return (
            b"MAIL FROM:<%b>\r\n" % SENDER,
            b"RCPT TO:<%b>\r\n" % self.recipient,
            b"DATA\r\n",
        )


def _encoded(text: str, encoding: str) -> str:
    encode = quopri.encodestring if encoding == "quoted-printable" else base64.encodebytes
    return encode(text.encode()).decode()


def _document(paragraphs: list[str]) -> str:
    style = 'style="margin:0 0 16px;font:16px/24px Arial,sans-serif;color:#333333"'
    body = "\n".join(f"<p {style}>{paragraph}</p>" for paragraph in paragraphs)
    return f"<!doctype html><html><body>\n{body}\n</body></html>\n"


def _rendered(paragraphs: list[str], encoding: str) -> bytes:
    plain = "\n\n".join(paragraphs) + "\n"
    text = (
        _HEADERS
        + _PART.format("plain", encoding)
        + _encoded(plain, encoding)
        + "\n"
        + _PART.format("html", encoding)
        + _encoded(_document(paragraphs), encoding)
        + "\n--=_8f14e45fceea167a--\n"
    )
    return text.replace("\n", "\r\n").replace("\r\n.", "\r\n..").encode()


def rendered(size: int, encoding: str, seed: int = 1) -> bytes:
    r"""Return a mail of about ``size`` bytes as on the wire, with NUL for its Message-ID.

    The text grows until the next paragraph would pass ``size``; a mail has at least one.

    :param encoding: ``quoted-printable`` or ``base64``, for both alternatives.
    """
    rng = random.Random(seed)
    paragraphs: list[str] = []
    result = b""
    # Each piece adds to both alternatives, so look at the whole before taking it; a growing
    # step keeps mails of many megabytes quick to make.
    while True:
        count = max(1, int(len(paragraphs) * max(0, size - len(result)) / max(1, len(result)) / 2))
        added = [
            " ".join(rng.choices(_WORDS, k=rng.randrange(5, 10)))
            + f" https://shop.example/t/{rng.getrandbits(64):016x}"
            for _ in range(count)
        ]
        grown = _rendered(paragraphs + added, encoding)
        if paragraphs and len(grown) > size:
            return result
        paragraphs += added
        result = grown


def mails(size: int, count: int, mailboxes: int, start: int = 0) -> Iterator[Mail]:
    """Yield ``count`` mails of about ``size`` bytes to the mailboxes in turn.

    Quoted-printable and base64 alternate. ``start`` numbers the first one.
    """
    templates = [
        rendered(size, encoding).split(b"\0", 1) for encoding in ("quoted-printable", "base64")
    ]
    for number in range(start, start + count):
        head, tail = templates[number % len(templates)]
        yield Mail(
            b"box%d@%b" % (number % mailboxes, DOMAIN),
            (head, b"%016x.%d" % (number * 0x9E3779B97F4A7C15 % 2**64, number), tail + b".\r\n"),
        )


def with_attachment(size: int, mailboxes: int, number: int) -> Mail:
    """Return a mail of about ``size`` bytes, nearly all of it an attachment of random bytes."""
    content = base64.encodebytes(random.Random(number).randbytes(size * 57 // 78)).replace(
        b"\n", b"\r\n"
    )
    head = (
        f"From: orders@shop.example\r\nSubject: Scan {number}\r\nMIME-Version: 1.0\r\n"
        f"Message-ID: <{number}@mail.shop.example>\r\n"
        'Content-Type: application/pdf; name="scan.pdf"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    recipient = b"box%d@%b" % (number % mailboxes, DOMAIN)
    return Mail(recipient, (head.encode(), content, b".\r\n"))
