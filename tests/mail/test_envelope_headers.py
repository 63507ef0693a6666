"""What lists show of a mail nobody has parsed."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tempmail.mail.envelope_headers import Scanned, scan

HOSTILE = st.lists(
    st.one_of(
        st.binary(max_size=12),
        st.sampled_from(
            b'Subject:|From:|\r\n|\n |\n\n|=?utf-8?b?|=?utf-7?q?|?=|\xed\xa0\x80|\0|"|<|>|@|(|'
            b"+2AA-|=00|=?x?q?a?= ".split(b"|")
        ),
    ),
    max_size=40,
).map(b"".join)


def storable(text: str) -> bool:
    text.encode("utf-8")  # raises for lone surrogates
    return not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in text)


def scanned(*lines: bytes) -> Scanned:
    return scan([b"\r\n".join((*lines, b"", b"body"))])


@pytest.mark.parametrize(
    ("value", "address", "name"),
    [
        (b"Ann Lee <ann@example.org>", "ann@example.org", "Ann Lee"),
        (b'"Lee, Ann" <ann@example.org>', "ann@example.org", "Lee, Ann"),
        (b'"Ann \\"A\\" Lee" <ann@example.org>', "ann@example.org", 'Ann "A" Lee'),
        (b"<ann@example.org>", "ann@example.org", ""),
        (b"ann@example.org", "ann@example.org", ""),
        (b"ann@example.org (Ann Lee)", "ann@example.org", "Ann Lee"),
        (b"=?utf-8?q?J=C3=BCrgen?= <j@example.org>", "j@example.org", "Jürgen"),
        (b'"=?utf-8?q?J=C3=BCrgen?=" <j@example.org>', "j@example.org", "Jürgen"),
        ("Jürgen <j@example.org>".encode(), "j@example.org", "Jürgen"),
        ("Jürgen <j@example.org>".encode("latin-1"), "j@example.org", "Jürgen"),
        (b"first@example.org, second@example.org", "first@example.org", ""),
        (b'"never closed <ann@example.org>', "ann@example.org", "never closed"),
        (b"Ann <ann@example.org", "ann@example.org", "Ann"),
        (b"undisclosed-recipients:;", "", ""),
        (b"", "", ""),
    ],
)
def test_the_author_is_an_address_and_a_name(value: bytes, address: str, name: str) -> None:
    result = scanned(b"From: " + value)
    assert (result.from_address, result.from_name) == (address, name)


def test_a_folded_subject_is_one_line() -> None:
    assert scanned(b"Subject: one", b" two", b"\tthree").subject == "one two three"


def test_names_of_headers_are_read_in_any_case_and_at_any_place() -> None:
    expected = Scanned("hi", "a@b", "")
    assert scanned(b"SUBJECT:hi", b"X: y", b"from: a@b") == expected
    assert scanned(b"X: y", b"fRoM: a@b", b"X: z", b"subject: hi") == expected


def test_the_first_of_several_counts() -> None:
    assert scanned(b"Subject: first", b"Subject: second", b"From: a@b", b"From: c@d") == Scanned(
        "first", "a@b", ""
    )


def test_other_headers_that_only_mention_the_names_do_not_count() -> None:
    assert scanned(b"X-Subject: no", b"List: x", b" Subject: folded", b"Resent-From: a@b") == (
        Scanned("", "", "")
    )


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_nothing_behind_the_blank_line_is_looked_at(end: bytes) -> None:
    assert scan([b"X: y" + end + end + b"Subject: body" + end]).subject == ""
    assert scan([end + b"Subject: body" + end]).subject == ""


def test_nothing_behind_64_kib_is_looked_at() -> None:
    padding = b"X: " + b"y" * 70_000 + b"\r\n"
    assert scan([padding + b"Subject: far\r\n\r\n"]).subject == ""
    assert scan([padding[:100], padding[100:], b"Subject: far\r\n\r\n"]).subject == ""


def test_every_way_of_cutting_the_message_reads_the_same() -> None:
    raw = b"To: x@y\r\nFrom: Ann\r\n <a@b>\r\nSubject: one\r\n two\r\n\r\nSubject: no"
    for cut in range(len(raw)):
        assert scan((raw[:cut], raw[cut:])) == Scanned("one two", "a@b", "Ann"), cut
    assert scan([raw[i : i + 1] for i in range(len(raw))]).subject == "one two"


def test_no_chunks_give_nothing() -> None:
    assert scan([]) == Scanned("", "", "")


def test_results_are_cut() -> None:
    result = scanned(
        b"Subject: " + b"s" * 3000, b"From: " + b"n" * 2000 + b" <" + b"a" * 2000 + b"@b>"
    )
    lengths = len(result.subject), len(result.from_address), len(result.from_name)
    assert lengths == (998, 320, 256)


def test_half_an_encoded_word_is_left_out() -> None:
    words = b" ".join([b"=?utf-8?b?5pel5pys6Kqe?="] * 300)
    assert set(scanned(b"Subject: " + words).subject) == set("日本語")


@given(HOSTILE)
def test_any_bytes_give_storable_lines(raw: bytes) -> None:
    for message in (raw, b"Subject: " + raw, b"From: " + raw, b"A: b\nFrom: <" + raw):
        result = scan([message])
        assert storable(result.subject)
        assert len(result.subject) <= 998
        assert storable(result.from_address)
        assert len(result.from_address) <= 320
        assert storable(result.from_name)
        assert len(result.from_name) <= 256


@pytest.mark.alone
@pytest.mark.parametrize(
    "pattern",
    [
        b"=?utf-8?q?=41?= ",
        b"=?utf-8?b?",
        b"=?",
        b'"\\"',
        b"(",
        b"<",
        b"\\",
        b" ",
        b"a ",
        b",a@b",
        b"\n x",
        b"\nX: y",
        b"=?utf-7?q?+?=",
        b";:",
    ],
)
def test_hostile_headers_take_bounded_time(pattern: bytes) -> None:
    started = time.process_time()
    for name in (b"Subject: ", b"From: "):
        scan([name + pattern * (1_000_000 // len(pattern))])
    assert time.process_time() - started < 0.1


def test_the_reverse_path_stands_for_an_author_where_no_from_names_one() -> None:
    for raw in (b"Subject: x\r\n\r\n", b"From: \r\n\r\n", b"body"):
        assert scan([raw], "bounce@sender.test").from_address == "bounce@sender.test", raw
    assert scan([b"From: Ann\r\n\r\n"], "bounce@sender.test") == Scanned("", "", "Ann")
    assert scan([b"From: a@b\r\n\r\n"], "bounce@sender.test").from_address == "a@b"
