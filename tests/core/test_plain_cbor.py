"""CBOR is looked through before it is decoded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webauthn.helpers import encode_cbor
from webauthn.helpers.exceptions import InvalidCBORData

from tempmail.core.plain_cbor import NotPlain, check_authenticator_data, check_plain

_ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=300)
    | st.binary(max_size=300),
    lambda inner: (
        st.lists(inner, max_size=30) | st.dictionaries(st.integers(-300, 300), inner, max_size=30)
    ),
    max_leaves=30,
)


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth, inner), default=0) if isinstance(value, (list, dict)) else 0


@given(_ANYTHING.filter(lambda value: depth(value) <= 6), st.binary(max_size=5))
def test_what_an_encoder_makes_ends_where_it_ends(value: Any, behind: bytes) -> None:
    encoded = encode_cbor(value)
    assert check_plain(b"12" + encoded + behind, 2) == 2 + len(encoded)


@given(_ANYTHING.filter(lambda value: depth(value) <= 6))
def test_what_is_cut_short_is_refused(value: Any) -> None:
    encoded = encode_cbor(value)
    for length in {0, 1, len(encoded) // 2, len(encoded) - 1} - {len(encoded)}:
        with pytest.raises(NotPlain):
            check_plain(encoded[:length])


@pytest.mark.parametrize(
    "data",
    [
        b"\xc0\x61a",
        b"\xd8\x23\x61a",
        b"\xa1\x01\xd8\x23\x61a",
        b"\xa1\xd8\x23\x61a\x01",
        b"\x9f\x01\xff",
        b"\x5f\x41a\xff",
        b"\xbf\xff",
        b"\xff",
        b"\x1c",
        b"\x81" * 7 + b"\x01",
        b"\x9b" + b"\xff" * 8,
        b"\xbb\x80" + b"\x00" * 7 + b"\x01",
        b"\x7b" + b"\xff" * 8 + b"a",
    ],
)
def test_tags_open_lengths_depth_and_lies_are_refused(data: bytes) -> None:
    with pytest.raises(NotPlain):
        check_plain(data)


KEY = encode_cbor({1: 2, 3: -7})
HEAD = bytes(32)
COUNT = bytes(4)
MISCOUNTED = b"\xa3" + encode_cbor({1: "OKP", 3: -8, -1: "Ed25519", -2: b"x" * 32})[1:]
ATTESTED = bytes(16) + b"\x00\x02id"


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"\x05" + COUNT,
        HEAD + b"\x45" + COUNT + ATTESTED + KEY,
        HEAD + b"\x85" + COUNT + encode_cbor({"credProps": True}),
        HEAD + b"\xc5" + COUNT + ATTESTED + KEY + encode_cbor({}),
        HEAD + b"\x45" + COUNT + ATTESTED + MISCOUNTED,
    ],
)
def test_keys_and_extensions_of_authenticators_pass(data: bytes) -> None:
    check_authenticator_data(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD + b"\x05",
        HEAD + b"\x05" + COUNT + b"\x01",
        HEAD + b"\x45" + COUNT,
        HEAD + b"\x45" + COUNT + bytes(16) + b"\xff\xffid" + KEY,
        HEAD + b"\x45" + COUNT + ATTESTED + KEY + b"\xd8\x23\x61a",
        HEAD + b"\xc5" + COUNT + ATTESTED + KEY + b"\xd8\x23\x61a",
        HEAD + b"\x85" + COUNT + b"\xd8\x23\x61a",
        # Encoded anew these keys have other lengths, so that what follows begins elsewhere.
        HEAD + b"\xc5" + COUNT + ATTESTED + b"\xa1\x18\x01\x44\xd8\x23\x61a" + encode_cbor({}),
        HEAD + b"\xc5" + COUNT + ATTESTED + b"\xa1\x01\xf9\x3c\x00" + b"\x49\xd8\x23" + b"a" * 7,
        HEAD + b"\xc5" + COUNT + ATTESTED + b"\xa2\x01\x01\x01\x02" + b"\x42aa",
    ],
)
def test_authenticator_data_that_hides_something_is_refused(data: bytes) -> None:
    with pytest.raises((NotPlain, InvalidCBORData)):
        check_authenticator_data(data)
