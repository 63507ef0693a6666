"""Encoded-words as they are sent."""

from __future__ import annotations

import pytest

from tempmail.mail.encoded_words import unstructured


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # RFC 2047 section 8
        (b"(=?ISO-8859-1?Q?a?=)", "(a)"),
        (b"(=?ISO-8859-1?Q?a?= b)", "(a b)"),
        (b"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"),
        (b"(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)", "(ab)"),
        (b"(=?ISO-8859-1?Q?a_b?=)", "(a b)"),
        (b"=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
        # RFC 2231 section 5
        (b"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),
        # what senders get wrong
        (b"=?utf-8?b?w4k?=", "É"),
        (b"=?UTF-8?Q?=C3?= =?utf-8?Q?=89?=", "É"),
        (b"=?utf-8?q?a?==?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?with spaces?=", "with spaces"),
        (b"=?utf-8?q?why??=", "why?"),
        (b"=?no-such-charset?q?=C3=89?=", "É"),
        (b"=?iso-8859-1?q?=C3=89?=", "É"),
        (b"=?utf-8?q?=E9?=", "é"),
        (b"=?utf-8?q?=C3=89=E9?=", "É\ufffd"),
        (b"=?utf-8?q?never ended", "=?utf-8?q?never ended"),
        (b"=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        (b"a =?utf-8?q?b?= c", "a b c"),
        (b"=?utf-8?q??= a", " a"),
    ],
)
def test_encoded_words_are_read(value: bytes, text: str) -> None:
    assert unstructured(value) == text
