"""Bytes to text by what their label says, or by what they are where the label is wrong."""

from __future__ import annotations

import codecs
from encodings.aliases import aliases

from tempmail.mail.storable import storable

_DETECT = "detect"

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
}

_UNKNOWN_TO_PYTHON = {
    "windows_874": "cp874",
    "x_gbk": "gb18030",
    "ks_c_5601_1987": "cp949",
    "x_windows_949": "cp949",
    "x_sjis": "cp932",
    "windows_31j": "cp932",
    "x_euc_jp": "euc_jp",
    "x_mac_roman": "mac_roman",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "unicode_1_1_utf_8": "utf_8",
    "utf8mb4": "utf_8",
}


def _normal(label: str) -> str:
    return label.strip().lower().replace("-", "_").replace(" ", "_")


_CODECS = {
    label: _LARGER.get(codec, codec)
    for label, codec in (
        *aliases.items(),
        *((codec, codec) for codec in (*aliases.values(), *_WITHOUT_ALIAS)),
        *_UNKNOWN_TO_PYTHON.items(),
    )
    if codec not in _NO_CHARSETS and not codec.endswith("_codec")
}


def decode(data: bytes, label: str = "") -> str:
    """The text of ``data``, labelled as being in the charset ``label``.

    Never fails: where the label is unknown, says nothing, or does not fit, it is UTF-8 if that
    fits and windows-1252 if not; what remains undecodable becomes U+FFFD.  The label is
    looked up in a table of our own: Python's would search its path for each unknown name,
    and remember every one for ever.

    :returns: text that can be stored, without a byte-order mark in front.
    """
    codec = _CODECS.get(_normal(label), _DETECT)
    for candidate in ("utf_8",) if codec == _DETECT else (codec, "utf_8"):
        try:
            text = codecs.decode(data, candidate)
            break
        except UnicodeError:
            pass
    else:
        text = codecs.decode(data, "cp1252" if codec == _DETECT else codec, "replace")
    return storable(text.removeprefix("\ufeff"))
