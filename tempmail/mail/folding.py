"""Text of any script brought to the one form in which words and numbers are looked for."""

from __future__ import annotations

import re
import unicodedata

MAX_TEXT = 256 * 1024
"""Characters; what comes after is not looked at."""

SENTENCE_END = re.compile(
    r"[.!?;](?= )|[\N{IDEOGRAPHIC FULL STOP}\N{FULLWIDTH EXCLAMATION MARK}"
    r"\N{FULLWIDTH QUESTION MARK}\N{ARABIC QUESTION MARK}\N{DEVANAGARI DANDA}\n]"
    r"| [|\N{MIDDLE DOT}\N{BULLET}\N{EN DASH}\N{EM DASH}] "
)
"""Between two sentences, or two things told in one line."""

_ZEROS = (
    *(0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66),
    *(0xE50, 0xED0, 0xF20, 0x1040, 0x17E0, 0x1810, 0xFF10),
    *(0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6),
)
_INVISIBLE = (
    *(0xAD, 0x34F, 0x61C, 0x180E, 0xFEFF),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0x300, 0x370),  # accents written as characters of their own
    *range(0x64B, 0x653),  # Arabic vowels
)
_CLEAN: dict[int, str | None] = {
    **{zero + digit: str(digit) for zero in _ZEROS for digit in range(10)},
    **{0xFF21 + i: chr(0x41 + i) for i in range(26)},
    **{0xFF41 + i: chr(0x61 + i) for i in range(26)},
    **dict.fromkeys(_INVISIBLE),
    **dict.fromkeys((0x2010, 0x2011, 0xFF0D), "-"),
    **dict.fromkeys((0x85, 0x2028, 0x2029, 0x0B, 0x0C, 0x0D), "\n"),
    0xFF1A: ":",
}
# Kana and Hangul are left alone: their marks and letters tell words apart.
_ACCENTED = (
    *range(0xC0, 0x250),
    *range(0x370, 0x500),
    *range(0x621, 0x64B),
    *range(0x1E00, 0x2000),
)
_FOLD: dict[int, str | int] = {
    **{code: unicodedata.normalize("NFD", chr(code))[0] for code in _ACCENTED},
    **str.maketrans("\N{LATIN SMALL LETTER DOTLESS I}łŁđĐøØ", "illddoo"),
    **dict.fromkeys((0x3A3, 0x3C2), "\N{GREEK SMALL LETTER SIGMA}"),  # whose form varies
}


def clean(text: str) -> str:
    """``text`` as non-empty lines, with digits and full-width letters in ASCII, spaces made
    single, and invisible characters left out.  Single characters on lines of their own, such
    as a code in boxes, are brought together on one line.
    """
    lines: list[str] = []
    boxes: list[str] = []
    for line in text[:MAX_TEXT].translate(_CLEAN).split("\n"):
        words = line.split()
        if len(words) == 1 and len(words[0]) == 1 and words[0].isalnum():
            boxes.append(words[0])
        elif words:
            lines += _together(boxes)
            boxes.clear()
            lines.append(" ".join(words))
    return "\n".join(lines + _together(boxes))


def fold(text: str) -> str:
    """``text`` in lower case without accents, character for character."""
    return text.translate(_FOLD).lower()


def _together(boxes: list[str]) -> list[str]:
    return [" ".join(boxes)] if 4 <= len(boxes) <= 10 else list(boxes)
