"""Local parts that we choose are ones that somebody could ask for."""

from __future__ import annotations

import re

from tempmail.core import naming
from tempmail.model.address import RESERVED, local_part

FRIENDLY = re.compile(r"[a-z]+-[a-z]+-[1-9][0-9]{1,3}\Z")


def test_a_friendly_name_is_two_words_and_a_number() -> None:
    assert all(FRIENDLY.match(naming.friendly()) for _ in range(300))


def test_a_hexadecimal_name_has_8_digits() -> None:
    assert all(re.fullmatch(r"[0-9a-f]{8}", naming.hexadecimal()) for _ in range(300))


def test_every_style_makes_names_that_are_allowed_and_not_reserved() -> None:
    for style, make in naming.STYLES.items():
        for _ in range(300):
            name = make()
            assert local_part(name) == name, style
            assert name not in RESERVED, style


def test_words_stand_in_their_lists_once_and_give_enough_names() -> None:
    for words in (naming._ADJECTIVES, naming._ANIMALS):
        assert len(set(words)) == len(words)
    assert len(naming._ADJECTIVES) * len(naming._ANIMALS) * 9990 > 60_000_000
