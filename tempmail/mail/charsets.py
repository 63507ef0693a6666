"""Bytes to text by what their label says, or by what they are where the label is wrong."""

from __future__ import annotations

import codecs
import re
from encodings.aliases import aliases

from tempmail.mail.storable import storable

_DETECT = "detect"
_MAX_LABEL = 80
_CONTINUATIONS = 4

_NO_CHARSETS = frozenset(
    "punycode idna unicode_escape raw_unicode_escape undefined rot_13 mbcs tactis".split()
)
"""Python's codecs that take quadratic time, mean something else, or do not exist everywhere."""

_WITHOUT_ALIAS = ("cp720", "cp737", "cp856", "cp874", "cp875", "koi8_r", "koi8_t", "koi8_u")

_LARGER = {
    # What senders call by the smaller set's name, as in the Encoding Standard, section 4.2.
    **dict.fromkeys(("ascii", "latin_1", "iso8859_1", "cp1252"), _DETECT),
    **dict.fromkeys(("gb2312", "gbk"), "gb18030"),
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "tis_620": "cp874",
    "iso8859_11": "cp874",
    **dict.fromkeys(("iso2022_jp", "iso2022_jp_1"), "iso2022_jp_ext"),
}

_UNKNOWN_TO_PYTHON = {
    "windows_874": "cp874",
    "ks_c_5601_1987": "cp949",
    "windows_949": "cp949",
    "sjis": "cp932",
    "windows_31j": "cp932",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "euc_cn": "gb18030",
    "gb_2312_80": "gb18030",
    "iso_10646_ucs_2": "utf_16_be",
    "ucs_2": "utf_16_be",
    "koi8_ru": "koi8_u",
    "unicode_1_1_utf_7": "utf_7",
    "unicode_1_1_utf_8": "utf_8",
    "cesu_8": "utf_8",
    "utf8mb4": "utf_8",
}


_CODECS = {
    label: _LARGER.get(codec, codec)
    for label, codec in (
        *aliases.items(),
        *((codec, codec) for codec in (*aliases.values(), *_WITHOUT_ALIAS)),
        *_UNKNOWN_TO_PYTHON.items(),
    )
    if codec not in _NO_CHARSETS and not codec.endswith("_codec")
}


_COMMENT = re.compile("[(;,].*", re.DOTALL)
_CODE_PAGE = re.compile(r"(?:cp|windows|ibm|ms|dos)_?(\d+)")


def decode(data: bytes, label: str = "") -> str:
    """The text of ``data``, labelled as being in the charset ``label``.

    Never fails.  Where the label is unknown or says nothing, the text is UTF-8 if that fits and
    windows-1252 if not; where it is another's but the text is plainly UTF-8, it is that; what
    remains undecodable becomes U+FFFD.

    :returns: text that can be stored, without a byte-order mark in front.
    """
    codec = _codec(label) if label else _DETECT
    if codec == _DETECT:
        text = _detected(data)
    elif codec == "utf_8":
        text = _as_utf8(data)
    elif not codec.startswith("utf") and _is_utf8(data):
        text = data.decode("utf-8")
    else:
        text = codecs.decode(data, codec, "replace")
    return storable(text.removeprefix("\ufeff"))


def _codec(label: str) -> str:
    """Looked up in a table of our own: Python's lookup searches its path for each unknown name,
    and remembers every one for ever."""
    name = _COMMENT.sub("", label[:_MAX_LABEL]).strip(" \t'\"").lower()
    name = name.replace("-", "_").replace(" ", "_").removeprefix("x_")
    found = _CODECS.get(name)
    if found is None and (page := _CODE_PAGE.fullmatch(name)):
        found = _CODECS.get(f"cp{page[1]}")
    return found or _DETECT


def _detected(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    if b"\x1b$" in data:  # RFC 1468
        return codecs.decode(data, "iso2022_jp_ext", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeError:
        return data.decode("cp1252", "replace")


def _as_utf8(data: bytes) -> str:
    """Where not one character is UTF-8, the label is wrong; else some were damaged."""
    text = data.decode("utf-8", "replace")
    if "\ufffd" in text and text.replace("\ufffd", "").isascii():
        return data.decode("cp1252", "replace")
    return text


def _is_utf8(data: bytes) -> bool:
    """Whether this is UTF-8 beyond coincidence: short words of other charsets can look like it."""
    if data.isascii():
        return False
    try:
        return len(data) - len(data.decode("utf-8")) >= _CONTINUATIONS
    except UnicodeError:
        return False
