"""Text in the charset that it is in."""

from __future__ import annotations

from encodings import _cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tempmail.mail.charsets import _CODECS, decode


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("utf-8", "utf-8", "Grüße, 你好"),
        ("ISO-8859-1", "latin-1", "Grüße"),
        ("windows-1252", "cp1252", "“quoted” €"),
        ("iso-8859-1", "cp1252", "“quoted” €"),
        ("iso-8859-1", "utf-8", "Grüße"),
        ("us-ascii", "utf-8", "Grüße"),
        ("", "utf-8", "Grüße"),
        ("", "cp1252", "Grüße"),
        ("unknown-8bit", "cp1252", "Grüße"),
        ("no such thing", "utf-8", "Grüße"),
        ("gb2312", "gb18030", "朱镕基"),
        ("ks_c_5601-1987", "cp949", "똠방각하"),
        ("windows-874", "cp874", "สวัสดี"),
        ("x-sjis", "cp932", "①日本語"),
        ("iso-2022-jp", "iso2022_jp", "日本語"),
        ("utf-7", "utf-7", "日本語"),
        ("koi8-u", "koi8_u", "Привіт"),
        ("koi8-r", "koi8_r", "Привет"),
        ("iso-8859-2", "iso8859_2", "Łódź"),
        ("utf-16", "utf-16", "text"),
        ("utf-8", "utf-8-sig", "text"),
        ("iso-2022-jp-ext", "iso2022_jp_ext", "日本語"),
        ("iso-2022-jp", "iso2022_jp_ext", "ｶﾅ"),
        ("", "iso2022_jp", "日本語"),
        ("cp-850", "cp850", "Grüße"),
        ("x-cp1251", "cp1251", "Привет"),
        ("windows-1251", "cp1251", "Привет"),
        ("x-mac-roman", "mac_roman", "Grüße"),
        ("hz-gb-2312", "hz", "你好"),
        ("'utf-8'", "utf-8", "é"),
        ("utf-8; format=flowed", "utf-8", "é"),
        ("iso-8859-1 (Latin)", "latin-1", "é"),
        # wrong labels
        ("utf-8", "cp1252", "Grüße"),
        ("gb2312", "utf-8", "你好世界"),
        ("iso-8859-2", "utf-8", "Łódź, żółw"),
        ("koi8-r", "utf-8", "Привет"),
        ("iso-2022-jp", "utf-8", "日本語です"),
        ("", "utf-16", "text"),
        # what looks like a wrong label and is none
        ("windows-1251", "cp1251", "\u041d\u0456"),
        ("gb2312", "gb18030", "联通"),
        ("big5", "big5", "你好世界"),
    ],
)
def test_labels_mean_what_senders_mean(label: str, codec: str, text: str) -> None:
    assert decode(text.encode(codec), label) == text


@given(st.binary(), st.one_of(st.text(max_size=20), st.sampled_from(sorted(_CODECS))))
def test_any_bytes_under_any_label_give_storable_text(data: bytes, label: str) -> None:
    text = decode(data, label)
    assert "\0" not in text
    text.encode("utf-8")


def test_unknown_labels_leave_nothing_behind() -> None:
    before = len(_cache)
    for number in range(100):
        decode(b"text", f"x-unknown-{number}")
    assert len(_cache) == before


@pytest.mark.parametrize("label", ["punycode", "idna", "unicode_escape", "rot13", "zlib", "hex"])
def test_codecs_that_are_no_charsets_are_not_used(label: str) -> None:
    assert decode(b"a\\u0041-1234", label) == "a\\u0041-1234"
