"""Attachments one by one."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given

from tempmail.mail.attachments import content_of, extract
from tempmail.mail.extracted import Extracted
from tempmail.mail.parse import parse
from tests.mail.test_contents import IMAGE, INNER, PDF, TEXT, multipart, part
from tests.mail.test_parse import MESSAGE

UUENCODED = b"\r\nbegin 644 c.txt\r\n#86)C\r\n`\r\nend\r\n"
EXE = part(
    b'Content-Type: application/pdf; name="a.pdf"\nContent-Transfer-Encoding: base64',
    base64.encodebytes(b"MZ program"),
)
MAIL = multipart(
    b"mixed",
    TEXT,
    PDF,
    multipart(b"related", IMAGE, boundary=b"c"),
    UUENCODED,
    part(b"Content-Type: message/rfc822", INNER),
    EXE,
)


@pytest.mark.parametrize(
    ("index", "filename", "content_type", "content"),
    [
        (0, "a.pdf", "application/pdf", b"PDF"),
        (1, "", "image/png", b"PNG"),
        (2, "c.txt", "application/octet-stream", b"abc"),
        (3, "Grüße.eml", "message/rfc822", INNER),
        (4, "a.pdf", "application/pdf", b"MZ program"),
    ],
)
def test_each_is_found_by_its_index(
    index: int, filename: str, content_type: str, content: bytes
) -> None:
    assert content_of(MAIL, index) == (filename, content_type, content)
    listed = parse(MAIL).attachments[index]
    assert (listed.filename, listed.content_type, listed.size) == (
        filename,
        content_type,
        len(content),
    )


@pytest.mark.parametrize("index", [5, 1000])
def test_what_is_not_there_is_not_found(index: int) -> None:
    with pytest.raises(LookupError):
        content_of(MAIL, index)
    assert extract(MAIL, index) is None


def test_an_attachment_is_handed_out_under_a_safe_name() -> None:
    assert extract(MAIL, 1) == Extracted("attachment.png", "image/png", None, b"PNG")
    raw = part(b'Content-Disposition: attachment; filename="../x\\"y.txt"', b"z")
    assert extract(raw, 0) == Extracted("x_y.txt", "text/plain", None, b"z")


def test_a_refused_kind_is_named_and_kept_back() -> None:
    assert extract(MAIL, 4) == Extracted("a.pdf", "application/pdf", "exe", b"")
    kept = extract(MAIL, 4, frozenset())
    assert kept is not None
    assert hashlib.sha256(kept.content).digest() == hashlib.sha256(b"MZ program").digest()


@given(MESSAGE)
def test_every_attachment_of_any_bytes_can_be_taken_out(raw: bytes) -> None:
    for one in parse(raw).attachments:
        filename, content_type, content = content_of(raw, one.index)
        assert (filename, content_type, len(content)) == (
            one.filename,
            one.content_type,
            one.size,
        )
        assert len(content) <= len(raw)
        extracted = extract(raw, one.index)
        assert extracted is not None
        assert extracted.content_type.isascii()
