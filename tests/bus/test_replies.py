from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tempmail.bus.replies import BadReply, Oversize, Refusal, Replies, Reply

MESSAGE = b"*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$5\r\na\r\nb!\r\n"
ALL = b"+OK\r\n:-12\r\n" + MESSAGE + b"$-1\r\n*-1\r\n*0\r\n*2\r\n*1\r\n:1\r\n$0\r\n\r\n-ERR no\r\n"


def plain(reply: Reply) -> object:
    return str(reply) if isinstance(reply, Refusal) else reply


@given(st.lists(st.integers(1, len(ALL)), max_size=8))
def test_replies_are_the_same_in_whatever_pieces_they_come(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(ALL)]
    replies, read = Replies(), list[object]()
    for start, end in pairwise(edges):
        read += map(plain, replies.feed(ALL[start:end]))
    assert read == [
        "OK",
        -12,
        [b"message", b"ch", b"a\r\nb!"],
        None,
        None,
        [],
        [[1], b""],
        "ERR no",
    ]


def test_a_string_that_is_too_long_is_skipped_and_what_follows_is_read() -> None:
    replies = Replies(largest=10)
    head = b"*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$1000000\r\n"
    assert replies.feed(head) == []
    for _ in range(1000):
        assert replies.feed(b"x" * 1000) == []
        assert len(replies._rest) < 10, "nothing of it is kept"
    [first, second] = replies.feed(b"\r\n+OK\r\n")
    assert isinstance(first, list)
    assert isinstance(first[2], Oversize)
    assert (first[2], second) == (1_000_000, "OK")


@pytest.mark.parametrize(
    "noise",
    [
        b"HTTP/1.1 200 OK\r\n",
        b"$x\r\n",
        b"$\r\n",
        b"*99999999\r\n",
        b"*1\r\n" * 6,
        b"+" + b"x" * 5000,
        b":1_0\r\n",
        b"$123456789012345678901\r\n",
    ],
)
def test_what_no_redis_says_ends_the_connection(noise: bytes) -> None:
    with pytest.raises(BadReply):
        Replies().feed(noise)
