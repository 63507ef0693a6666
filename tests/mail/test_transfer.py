"""Content transfer encodings, damaged ones too."""

from __future__ import annotations

import base64
import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tempmail.mail.transfer import decoded


@given(st.binary())
def test_what_was_encoded_comes_back(content: bytes) -> None:
    lines = [content[i : i + 45] for i in range(0, len(content), 45)]
    uuencoded = b"begin 644 name\n" + b"".join(map(binascii.b2a_uu, lines)) + b"`\nend\n"
    assert decoded(base64.encodebytes(content), "BASE64 ") == content
    assert decoded(binascii.b2a_qp(content, istext=False), "quoted-printable") == content
    assert decoded(uuencoded, "x-uuencode") == content
    assert decoded(content, "8bit") == content


@pytest.mark.parametrize(
    ("body", "encoding", "content"),
    [
        (b"aGVsbG8", "base64", b"hello"),
        (b"aGVs!!\r\nbG8h", "base64", b"hello!"),
        (b"aGVs!!\r\nbG8", "base64", b"hel"),  # whose place the strays leave in doubt
        (b"aGVs\r\nbG8=\r\nIHRo\r\nZXJl\r\n", "base64", b"hello there"),
        (b"aGVs\r\nbG8=\r\n\r\n-- \r\nlist footer", "base64", b"hello"),
        (b"aGVsbG8gd", "base64", b"hello "),
        (b"hel=6C=\r\no =zz", "quoted-printable", b"hello =zz"),
        (b"no beginning", "uuencode", b"no beginning"),
        (b"begin 644 x\n#86)C\n\xff\xff\xff\nend", "uuencode", b"abc"),
        (b"as it is", "x-never-heard-of", b"as it is"),
    ],
)
def test_damage_costs_as_little_as_it_can(body: bytes, encoding: str, content: bytes) -> None:
    assert decoded(body, encoding) == content


@given(st.binary(), st.sampled_from(["base64", "quoted-printable", "uue"]))
def test_any_bytes_give_some(body: bytes, encoding: str) -> None:
    decoded(body, encoding)
    decoded(b"begin 644 x\n" + body, encoding)
