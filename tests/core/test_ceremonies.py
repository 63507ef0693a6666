"""A stranger's bytes in place of what an authenticator says."""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from webauthn.helpers import encode_cbor

from tempmail.core.ceremonies import (
    Place,
    Refuted,
    asserted,
    challenge_in,
    creation_options,
    credential_id,
    registered,
    request_options,
)
from tempmail.model.credentials import Enrolment, KnownPasskey
from tests.authenticator import Authenticator

pytestmark = pytest.mark.alone

PLACE = Place("mail.test", ("https://mail.test",))
WHOSE = Enrolment("ann", b"h" * 32, ())
CHALLENGE = bytes(range(32))
# Takes seconds to compile.
COSTLY_PATTERN = "(?i)[" + "".join(f"{chr(n)}-{chr(n + 1)}" for n in range(0x4000, 0x5300, 4)) + "]"


def text(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def made() -> dict[str, Any]:
    device = Authenticator(PLACE.origins[0])
    return device.create(creation_options(PLACE, CHALLENGE, WHOSE))


def with_response(credential: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {**credential, "response": {**credential["response"], **parts}}


def with_key(key: Any) -> dict[str, Any]:
    """An answer whose public key is this value."""
    device = Authenticator(PLACE.origins[0])
    real = device.create(creation_options(PLACE, CHALLENGE, WHOSE))
    data = device._data(PLACE.host, 0x45) + bytes(16) + (32).to_bytes(2, "big")
    stated = {"fmt": "none", "attStmt": {}, "authData": data + device.credential_id + key}
    return with_response(real, attestationObject=text(encode_cbor(stated)))


def refused(credential: Any) -> bool:
    """Whether it is refused in order; anything but a refusal or a passkey fails the test."""
    began = time.perf_counter()
    answer = False
    try:
        registered(PLACE, CHALLENGE, credential, "x")
    except Refuted:
        answer = True
    assert time.perf_counter() - began < 0.5
    return answer


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600), st.integers(min_value=0, max_value=400))
def test_bytes_in_an_attestation_are_refused_or_harmless(noise: bytes, at: int) -> None:
    real = made()
    stated = urlsafe_b64decode(real["response"]["attestationObject"] + "==")
    for octets in (noise, stated[:at] + noise, stated[:at] + noise + stated[at + len(noise) :]):
        refused(with_response(real, attestationObject=text(octets)))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["id", "rawId", "type", "response", "authenticatorAttachment"]), _JSON
    ),
    st.dictionaries(
        st.sampled_from(
            ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]
        ),
        _JSON,
    ),
)
def test_values_of_any_kind_are_refused(outer: dict[str, Any], inner: dict[str, Any]) -> None:
    real = made()
    known = KnownPasskey(1, b"h" * 32, b"k", 0)
    for credential in (outer, {**real, **outer}, with_response(real, **inner)):
        if credential != real:
            with suppress(Refuted):
                challenge_in(credential)
            with suppress(Refuted):
                credential_id(credential)
            refused(credential)
            with pytest.raises(Refuted):
                asserted(PLACE, CHALLENGE, credential, known)


@pytest.mark.parametrize(
    "key",
    [
        b"",
        b"\x81" * 5000,  # as deep as it is long
        b"\xd8\x1c\x81" * 1500,  # shared references
        b"\xd8\x23\x79\x10\x00" + b"(" * 4096,  # a pattern
        b"\xd8\x24\x79\x10\x00" + b"a" * 4096,  # a MIME message
        b"\xc4\x82\x1b" + b"\xff" * 8 + b"\x01",  # 1E18446744073709551615
        b"\xc2\x59\x10\x00" + b"\xff" * 4096,  # a large number
        encode_cbor({1: 3, 3: -257, -1: b"\xff" * 2600, -2: b"\x01\x00\x01"}),
        encode_cbor({1: 2, 3: -7, -1: 1, -2: b"x" * 5000, -3: b"y"}),
        encode_cbor({1: 2, 3: -47, -1: 8, -2: b"x" * 32, -3: b"y" * 32}),
        encode_cbor({1: [], 3: {}}),
        b"\xd8\x23" + encode_cbor(COSTLY_PATTERN),
        encode_cbor({1: 2, 3: -7}) + b"\xd8\x23" + encode_cbor(COSTLY_PATTERN),
    ],
    ids=range(13),
)
def test_keys_that_nobody_makes_are_refused_soon(key: bytes) -> None:
    assert refused(with_key(key))


def test_a_pattern_anywhere_else_in_an_answer_is_not_compiled() -> None:
    real = made()
    tagged = b"\xd8\x23" + encode_cbor(COSTLY_PATTERN[:2500])
    fmt, statement, data = (encode_cbor(one) for one in ("fmt", "attStmt", "authData"))
    none = fmt + encode_cbor("none") + statement
    for stated in (
        tagged,
        b"\xa3" + none + tagged + data + encode_cbor(b"x" * 37),
        b"\xa1" + tagged + b"\x01",
        b"\x81" * 6 + tagged,
    ):
        assert refused(with_response(real, attestationObject=text(stated)))


def test_extensions_of_who_signs_in_are_looked_through() -> None:
    device = Authenticator(PLACE.origins[0])
    device.user_handle = b"h" * 32
    answer = device.get(request_options(PLACE, CHALLENGE))
    known = KnownPasskey(1, b"h" * 32, encode_cbor({1: 2, 3: -7}), 0)
    data = device._data(PLACE.host, 0x85) + b"\xd8\x23" + encode_cbor(COSTLY_PATTERN[:900])
    with pytest.raises(Refuted, match="a tag"):
        asserted(PLACE, CHALLENGE, with_response(answer, authenticatorData=text(data)), known)


def test_the_costliest_key_that_is_kept_costs_little_to_check() -> None:
    device = Authenticator(PLACE.origins[0])
    device.user_handle = b"h" * 32
    answer = device.get(request_options(PLACE, CHALLENGE))
    for n, e in ((1900, 3), (384, 383), (1024, 8)):
        key = encode_cbor({1: 3, 3: -257, -1: b"\xff" * n, -2: b"\xff" * e})
        known = KnownPasskey(1, b"h" * 32, key, 0)
        signed = with_response(answer, signature=text(b"\x7f" * min(n, 1500)))
        began = time.perf_counter()
        with pytest.raises(Refuted):
            asserted(PLACE, CHALLENGE, signed, known)
        assert time.perf_counter() - began < 0.25


def test_what_an_authenticator_really_says_is_not() -> None:
    point = Authenticator(PLACE.origins[0])._key.public_key().public_numbers()
    x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
    assert not refused(made())
    assert not refused(with_key(encode_cbor({1: 2, 3: -7, -1: 1, -2: x, -3: y})))
