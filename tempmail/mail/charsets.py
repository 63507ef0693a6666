"""Bytes to text by what their label says, or by what they are where the label is wrong."""

from __future__ import annotations

import codecs
from encodings.aliases import aliases

from tempmail.mail.storable import storable

_DETECT = "detect"

_NOT_FOR_MAIL = {
    "punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "rot_13", "mbcs",
    "tactis",
}  # fmt: skip
"""Python's codecs that are no charsets, take quadratic time, or do not exist everywhere."""

_WITHOUT_ALIAS = ("cp720", "cp737", "cp856", "cp874", "cp875", "koi8_r", "koi8_t", "koi8_u")

_AS_MEANT = {
    # Labels that say nothing, or are put on anything (Encoding Standard, section 4.2).
    **dict.fromkeys(
        "ascii us_ascii ansi_x3.4_1968 latin_1 latin1 iso8859_1 iso_8859_1 cp1252 windows_1252"
        " 8bit 7bit unknown unknown_8bit x_unknown default ansi".split(),
        _DETECT,
    ),
    # Labels under which senders use the larger set, and names that Python lacks.
    **dict.fromkeys("gb2312 gbk gb_2312_80 cp936 x_gbk chinese hz_gb".split(), "gb18030"),
    **dict.fromkeys("ks_c_5601 ks_c_5601_1987 euc_kr korean x_windows_949".split(), "cp949"),
    **dict.fromkeys("shift_jis sjis x_sjis windows_31j".split(), "cp932"),
    **dict.fromkeys("windows_874 tis_620 iso_8859_11 dos_874".split(), "cp874"),
    **dict.fromkeys("iso_8859_8_i iso_8859_8_e".split(), "iso8859_8"),
    **dict.fromkeys("unicode_1_1_utf_8 utf8mb4 x_utf_8".split(), "utf_8"),
    "unicode_1_1_utf_7": "utf_7",
    "x_euc_jp": "euc_jp",
    "x_mac_roman": "mac_roman",
    "big5": "big5hkscs",
}


def _normal(label: str) -> str:
    return label.strip().lower().replace("-", "_").replace(" ", "_")


_MAIL_CODECS = {
    codec for codec in aliases.values() if not codec.endswith("_codec") and codec not in _NOT_FOR_MAIL
}  # fmt: skip
_CODECS = (
    {alias: codec for alias, codec in aliases.items() if codec in _MAIL_CODECS}
    | {codec: codec for codec in (*_MAIL_CODECS, *_WITHOUT_ALIAS)}
    | {codec.replace("iso8859_", "iso_8859_"): codec for codec in _MAIL_CODECS}
)
_CODECS |= {
    name: _DETECT
    for name, codec in _CODECS.items()
    if _AS_MEANT.get(codec) == _DETECT
} | _AS_MEANT  # fmt: skip


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
