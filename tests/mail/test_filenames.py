"""Names for files that strangers named."""

from __future__ import annotations

import unicodedata
from email.message import EmailMessage
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tempmail.mail.filenames import content_disposition, safe_filename


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("Bild é.png", "Bild é.png"),
        ("日本語.txt", "日本語.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\evil.exe", "evil.exe"),
        ("a:b*c?.txt", "a_b_c_.txt"),
        ('a"b<c>|.txt', "a_b_c__.txt"),
        ("a\r\nSet-Cookie: x.txt", "a Set-Cookie_ x.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("zero\u200bwidth\ufeff.txt", "zerowidth.txt"),
        ("a\ud800b.txt", "ab.txt"),
        ("no\u00a0break\u3000space.txt", "no break space.txt"),
        ("  many   spaces .txt ", "many spaces.txt"),
        ("trailing.exe. . .", "trailing.exe"),
        (".htaccess", "htaccess"),
        ("..", "attachment.bin"),
        ("", "attachment.bin"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("COM¹ .txt", "_COM¹.txt"),
        ("console.txt", "console.txt"),
        ("e\u0301.txt", "é.txt"),
        ("a" * 300 + ".tar", "a" * 116 + ".tar"),
        ("a." + "b" * 300, "a." + "b" * 118),
    ],
)
def test_names_become_safe(given_name: str, safe: str) -> None:
    assert safe_filename(given_name) == safe


def test_what_has_no_name_is_called_by_its_type() -> None:
    assert safe_filename("", "application/pdf") == "attachment.pdf"
    assert safe_filename("/", "text/calendar") == "attachment.ics"


@given(st.text(alphabet=st.characters(), max_size=400))
def test_any_name_becomes_safe_and_stays_so(name: str) -> None:
    safe = safe_filename(name)
    assert 0 < len(safe) <= 120
    assert len(safe.encode()) <= 240
    assert not set(safe) & set('/\\:*?"<>|')
    assert all(unicodedata.category(one)[0] != "C" for one in safe)
    assert safe.strip(". ") == safe
    assert safe_filename(safe) == safe


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.txt", 'attachment; filename="a.txt"'),
        ("a b.txt", 'attachment; filename="a b.txt"'),
        ("é.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%A9.txt"),
        ("100%.txt", "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
    ],
)
def test_downloads_are_named_as_rfc_6266_has_it(name: str, header: str) -> None:
    assert content_disposition(name) == header


@given(st.text(alphabet=st.characters(), max_size=150))
def test_other_parsers_read_the_name_back(name: str) -> None:
    safe = safe_filename(name)
    header = content_disposition(safe)
    assert header.isascii()
    assert header.isprintable()
    message = EmailMessage()
    message["Content-Disposition"] = header
    assert message.get_content_disposition() == "attachment"
    extended = header.partition("filename*=UTF-8''")[2]
    assert safe in (unquote(extended), message.get_filename())
