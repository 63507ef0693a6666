"""Parameters of structured headers."""

from __future__ import annotations

import pytest

from tempmail.mail.parameters import parameters


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        (b"text/plain; charset=utf-8", "charset", "utf-8"),
        (b'text/plain;CHARSET="utf-8"; x=y', "charset", "utf-8"),
        (b"attachment; filename=a b.txt", "filename", "a b.txt"),
        (b'attachment; filename="a;b.txt"', "filename", "a;b.txt"),
        (b'attachment; filename="a\\"b.txt"', "filename", 'a"b.txt'),
        (b'attachment; filename="c:\\dir\\b.txt"', "filename", "c:\\dir\\b.txt"),
        (b'attachment; filename="never closed.txt', "filename", "never closed.txt"),
        (b'attachment; filename="=?utf-8?q?=C3=89.txt?="', "filename", "É.txt"),
        ("attachment; filename=É.txt".encode(), "filename", "É.txt"),
        (b'attachment; filename="a\r\n b"', "filename", "a b"),
        # RFC 2231 sections 3, 4 and 4.1
        (b'x/y; URL*0="ftp://"; URL*1="cs.utk.edu"', "url", "ftp://cs.utk.edu"),
        (b"x/y; title*=us-ascii'en-us'This%20is%20%2Afun%2A", "title", "This is *fun*"),
        (b"x/y; t*0*=us-ascii'en'even%20;\r\n t*1*=%2Amore%2A; t*2=\"!\"", "t", "even *more*!"),
        (b"x/y; a*1=2; a*0=1", "a", "12"),
        (b"x/y; a*=utf-8''%C3%89; a=E", "a", "É"),
        (b"x/y; a*=no-quotes%20here", "a", "no-quotes here"),
        (b"x/y; a*=1; a*0*=2; a*0=3; a*x=4", "a", "1"),
        (b"x/y; a=1; a=2", "a", "1"),
    ],
)
def test_parameters_are_read(value: bytes, name: str, text: str) -> None:
    assert parameters(value)[name] == text


def test_none_are_no_error() -> None:
    assert parameters(b"") == {}
    assert parameters(b"text/plain;;; =x; y") == {}
