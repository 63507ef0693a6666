from __future__ import annotations

import time
from hashlib import sha256

import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import given
from hypothesis import strategies as st

from tempmail.mail.authenticity import body_hash
from tempmail.mail.authenticity.body_hash import Body, TooManyWays

LINES = st.lists(st.sampled_from([b"a", b"bc ", b" \t", b"\t", b"\r\n", b"\r", b" "]), max_size=40)


@given(LINES, st.integers(1, 7))
def test_bodies_are_canonicalized_as_dkimpy_does(words: list[bytes], step: int) -> None:
    raw = b"".join(words) + b"x\r\n"
    before, body_hash._STEP = body_hash._STEP, step
    try:
        for relaxed, policy in ((True, Relaxed), (False, Simple)):
            expected = policy.canonicalize_body(raw)
            digest, size = Body(raw, 0).digest(relaxed=relaxed)
            assert (digest, size) == (sha256(expected).digest(), len(expected))
    finally:
        body_hash._STEP = before


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"\r\n" * 9, b" \r\n\t\r\n"])
def test_empty_bodies(raw: bytes) -> None:
    for relaxed, policy in ((True, Relaxed), (False, Simple)):
        expected = policy.canonicalize_body(raw)
        if relaxed and not raw:
            expected = b""  # RFC 6376 section 3.4.4; dkimpy agrees for what SMTP brings
        assert Body(raw, 0).digest(relaxed=relaxed)[0] == sha256(expected).digest()


def test_only_so_much_counts_as_is_asked_for() -> None:
    digest, size = Body(b"abc\r\ndef\r\n", 0).digest(relaxed=False, length=4)
    assert (digest, size) == (sha256(b"abc\r").digest(), 10)


def test_different_hashes_of_one_body_are_bounded() -> None:
    body = Body(b"abc\r\n", 0)
    for length in range(body_hash.MOST_WAYS):
        body.digest(relaxed=False, length=length)
    body.digest(relaxed=False, length=0)
    with pytest.raises(TooManyWays):
        body.digest(relaxed=True)


@pytest.mark.alone
@pytest.mark.parametrize(
    "line", [b" " * 1000, b"\r\n", b" \t", b"\r", b"\n", b"a" * 76 + b"\r\n", b" \r\n"]
)
def test_large_bodies_take_time_linear_to_their_length(line: bytes) -> None:
    body = line * (8 * 1024 * 1024 // len(line))
    begun = time.process_time()
    Body(body, 0).digest(relaxed=True)
    assert time.process_time() - begun < 3  # seconds; quadratic work would take hours
