"""Where parts begin and end, in whatever way their boundaries are wrong."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tempmail.mail.tree import MAX_DEPTH, MAX_PARTS, Part, read


def leaves(part: Part) -> list[bytes]:
    if not part.children:
        return [part.content()]
    return [content for child in part.children for content in leaves(child)]


def mixed(body: bytes, boundary: bytes = b"b") -> bytes:
    return b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("body", "contents"),
    [
        (b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n", [b"one", b"two"]),
        (b"preamble\r\n--b\r\n\r\none\r\n--b--\r\nepilogue", [b"one"]),
        (b"--b \t\r\n\r\none\r\n--b-- \r\n", [b"one"]),
        (b"--b\r\n\r\none\r\n\r\n--b--", [b"one\r\n"]),
        (b"--b\n\none\n--b\n\ntwo\n--b--\n", [b"one", b"two"]),
        (b"--b\r\nX: y\r\n--b\r\n\r\ntwo\r\n--b--", [b"", b"two"]),
        (b"--b\r\n--b--", [b""]),
        (b"--b\r\n\r\none --b\r\n--bb\r\n --b\r\n--b--", [b"one --b\r\n--bb\r\n --b"]),
        (b"--b\r\nno header\r\n--b--", [b"no header"]),
    ],
)
def test_delimiters_are_lines_of_their_own(body: bytes, contents: list[bytes]) -> None:
    assert leaves(read(mixed(body))[0]) == contents


@pytest.mark.parametrize(
    ("raw", "contents", "defect"),
    [
        (mixed(b"--b\r\n\r\none\r\n"), [b"one\r\n"], "multipart not closed"),
        (mixed(b"--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo\r\n--b--"), [b"one", b"two"], None),
        (mixed(b"all there is"), [b"all there is"], "boundary not found"),
        (
            mixed(b"--c\r\nContent-Type: text/plain\r\n\r\none\r\n--c--\r\n"),
            [b"one"],
            "wrong boundary",
        ),
        (
            b"Content-Type: multipart/mixed\n\n--c\ncontent-type: x/y\n\none\n--c--\n",
            [b"one"],
            "no boundary in multipart",
        ),
        (
            b"Content-Type: multipart/mixed boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--",
            [b"one"],
            None,
        ),
        (mixed(b"--b\r\n\r\none\r\n--b--", b'"b"; charset=x'), [b"one"], None),
        (mixed(b"--b--\r\n\r\none\r\n--b----", b'"b--"'), [b"one"], None),
        (
            mixed(b"--b\r\n" + mixed(b"--c\r\n\r\none\r\n", b"c") + b"--b\r\n\r\ntwo\r\n--b--"),
            [b"one", b"two"],
            "multipart not closed",
        ),
        (
            mixed(b"--b\r\n" + mixed(b"", b'""') + b"text\r\n--b\r\nContent-Type: x/y\r\n\r\nz"),
            [b"text", b"z"],
            "no boundary in multipart",
        ),
        (b"From a@b Thu Nov 20 10:00:00 2025\n" + mixed(b"--b\n\none\n--b--"), [b"one"], None),
        (b"Subject: x\r\rbody", [b"body"], None),
        (b"Subject: only a header", [b""], None),
        (b"", [b""], None),
        (b"\r\n", [b""], None),
    ],
)
def test_wrong_boundaries_cost_as_little_as_they_can(
    raw: bytes, contents: list[bytes], defect: str | None
) -> None:
    root, defects = read(raw)
    assert leaves(root) == contents
    assert (defect in defects) if defect else not defects


def test_parts_of_a_digest_are_messages() -> None:
    root, _ = read(b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nTo: x\r\n--b--")
    assert [(one.media_type, one.within) for one in root.children] == [
        ("message/rfc822", "multipart/digest")
    ]


def test_bounds_hold_for_parts_and_depth() -> None:
    root, defects = read(mixed(b"--b\r\n\r\nx\r\n" * (MAX_PARTS + 5)))
    assert len(root.children) == MAX_PARTS
    assert f"more than {MAX_PARTS} parts" in defects
    deep = b"".join(mixed(b"--%d\r\n" % n, b"%d" % n) for n in range(MAX_DEPTH + 5))
    part, defects = read(deep)
    while part.children:
        (part,) = part.children
    assert part.depth == MAX_DEPTH
    assert part.content() == b""
    assert f"parts nested deeper than {MAX_DEPTH}" in defects


@pytest.mark.alone
@pytest.mark.parametrize(
    "raw",
    [
        b"a\r\n" * 1_000_000,
        b"Subject: x\r" + b"a\r" * 2_000_000,
        mixed(b"--b\r\n" * 1_000_000),
        mixed(b"--b--\r\n" * 500_000),
        b"X: y\r\n" * 100_000,
        b"X:\r\n" + b" y\r\n" * 1_000_000,
        b"X: " + b"y" * 10_000_000,
        b"x" * 10_000_000,
        b"a: b\n" + b"junk\nx-y: z\n" * 300_000,
        b"".join(mixed(b"--%d\r\n" % n, b"%d" % n) for n in range(10_000)),
        mixed(b"--b\r\nContent-Type: multipart/mixed\r\n\r\n" + b"x" * 3000 + b"\r\n") * 1000,
    ],
    ids=range(11),
)
def test_hostile_structure_takes_bounded_time(raw: bytes) -> None:
    started = time.process_time()
    read(raw)
    assert time.process_time() - started < 2  # what a worker has


LINES = [b"", b"--b", b"--b--", b"--c", b"--c--", b"text", b"X: y", b" fold", b"Content-Type: x/y"]
LINES += [b"Content-Type: multipart/mixed; boundary=" + one for one in (b"b", b"c", b"bb", b'""')]


@given(st.lists(st.sampled_from(LINES), max_size=25), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_no_byte_is_in_two_parts(lines: list[bytes], line_end: bytes) -> None:
    root, _ = read(line_end.join([LINES[-4], *lines]))
    spans = []

    def visit(part: Part) -> None:
        if not part.children:
            spans.append((part.start, max(part.start, part.end)))
        for child in part.children:
            visit(child)

    visit(root)
    assert spans == sorted(spans)
    for (_, end), (start, _) in pairwise(spans):
        assert end <= start
