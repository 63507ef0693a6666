"""Following a mailbox's events over connections that come and go, without a network."""

from __future__ import annotations

import pytest

from tempmail.client.errors import (
    BadAnswer,
    Forbidden,
    Interrupted,
    LimitReached,
    NotFound,
    Unreachable,
)
from tempmail.client.streaming import LONGEST, Following
from tests.client.script import Script

NEW = b'id: 7\nevent: new_message\ndata: {"event":"new_message","message_id":"m7","seq":7}\n\n'
EXPIRED = b'event: expired\ndata: {"event":"expired"}\n\n'


def following(after: int = 0) -> Following:
    return Following(Script().box, after)


def test_events_are_told_however_the_stream_is_cut() -> None:
    stream = b"id: 3\nretry: 1500\n\n" + NEW + b'event: ping\ndata: {"event":"ping"}\n\n' + EXPIRED
    for size in (1, 2, 3, 7, 1000):
        one = following()
        told = [
            event
            for start in range(0, len(stream), size)
            for event in one.feed(stream[start : start + size])
        ]
        assert [(event.kind, event.message_id, event.seq) for event in told] == [
            ("new_message", "m7", 7),
            ("expired", None, None),
        ]
        assert one.ended


def test_windows_line_ends_and_comments_are_read() -> None:
    stream = b": hello\r\n\r\n" + NEW.replace(b"\n", b"\r\n")
    assert [event.seq for event in following().feed(stream)] == [7]


def test_a_new_connection_goes_on_where_the_last_one_got_to() -> None:
    one = following(after=2)
    assert one.request().query == {"after": 2}
    list(one.feed(b"id: 3\nretry: 1500\n\n" + NEW + NEW[:30]))
    one.lost(Interrupted("reset"))
    assert one.request().query == {"after": 7}
    assert one.pause == 1.5
    assert [event.seq for event in one.feed(NEW.replace(b"7", b"8"))] == [8]


def test_a_server_that_is_gone_for_good_is_given_up() -> None:
    one = following()
    list(one.feed(NEW))
    for _ in range(4):
        one.lost(Unreachable("refused"))
    with pytest.raises(Unreachable):
        one.lost(Unreachable("refused"))


def test_failures_that_are_far_apart_do_not_add_up() -> None:
    one = following()
    for _ in range(20):
        one.lost(Unreachable("refused"))
        list(one.feed(b"id: 3\n\n"))


def test_a_server_that_says_later_is_asked_later() -> None:
    one = following()
    one.lost(LimitReached(429, "limit_reached", "too many", 9))
    assert one.pause == 9


def test_a_server_that_says_much_later_is_not_waited_for() -> None:
    with pytest.raises(LimitReached):
        following().lost(LimitReached(429, "limit_reached", "too many", 3600))


def test_a_stream_that_never_begins_is_given_up() -> None:
    one = following()
    for _ in range(4):
        one.lost()
    with pytest.raises(Interrupted):
        one.lost()


def test_a_refusal_is_raised_at_once() -> None:
    with pytest.raises(Forbidden):
        following().lost(Forbidden(403, "forbidden", "no"))
    with pytest.raises(NotFound):
        following().lost(NotFound(404, "not_found", "no such mailbox"))


def test_a_mailbox_that_ended_between_two_connections_has_ended() -> None:
    one = following()
    list(one.feed(NEW))
    one.lost()
    one.lost(NotFound(404, "not_found", "no such mailbox"))
    assert one.ended


@pytest.mark.parametrize("stream", [b"x" * (LONGEST + 1), b"data: x\n" * LONGEST])
def test_an_event_without_end_is_no_event(stream: bytes) -> None:
    with pytest.raises(BadAnswer):
        list(following().feed(stream))


@pytest.mark.parametrize("data", [b"no json", b"[]", b"{}", b'"text"'])
def test_what_is_no_notice_is_a_bad_answer(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        list(following().feed(b"event: new_message\ndata: " + data + b"\n\n"))
