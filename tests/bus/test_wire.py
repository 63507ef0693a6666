from __future__ import annotations

from collections.abc import Container
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tempmail.bus import wire
from tempmail.bus.wire import Announcement, Resync, UnknownKey
from tempmail.core.signing import SigningKey
from tempmail.model.event import Event, EventKind

ORIGIN = b"0123456789abcdef"
KEY = SigningKey(3, b"k" * 32)
KEYS = {3: KEY}
EXPIRED = Event(EventKind.EXPIRED, 7)


def arrival(seq: int) -> Event:
    return Event(EventKind.NEW_MESSAGE, 7, UUID(int=seq), seq)


def read(data: bytes, followed: Container[int] = (7,)) -> list[wire.Item] | None:
    return wire.items(data, KEYS, followed)


def test_whatever_is_said_is_understood_in_order() -> None:
    events = [
        arrival(1),
        Event(EventKind.DELETED, 7, UUID(int=2), 4),
        Event(EventKind.DELETED, 7, None, 9),
        EXPIRED,
    ]
    lines = [*map(wire.event_line, events), wire.announcement_line("blocks", "ä"), wire.RESYNC]
    said = [*events, Announcement("blocks", "ä"), Resync()]
    assert read(wire.payload(ORIGIN, KEY, lines)) == said


def test_events_of_mailboxes_that_nobody_follows_are_left_out() -> None:
    lines = [wire.event_line(Event(EventKind.EXPIRED, each)) for each in range(10)]
    assert read(wire.payload(ORIGIN, KEY, lines)) == [EXPIRED]


def test_as_many_as_fit_go_into_one_payload() -> None:
    lines = [wire.event_line(Event(EventKind.NEW_MESSAGE, 2**63 - 1, UUID(int=1), 2**63 - 1))]
    lines *= 1000
    assert wire.pieces(lines) == wire.MOST_LINES
    assert read(wire.payload(ORIGIN, KEY, lines[: wire.MOST_LINES])) == []
    long = [wire.announcement_line("recipients", "x" * wire.LONGEST_TEXT)] * 1000
    count = wire.pieces(long)
    assert 0 < count < wire.MOST_LINES
    assert read(wire.payload(ORIGIN, KEY, long[:count])) is not None


@pytest.mark.parametrize("topic", ["", "Blocks", "a b", "a\nx 7", "x" * 21])
def test_a_topic_is_a_word(topic: str) -> None:
    with pytest.raises(ValueError, match="announced"):
        wire.announcement_line(topic, "")


def test_a_text_has_its_bound() -> None:
    with pytest.raises(ValueError, match="announced"):
        wire.announcement_line("blocks", "x" * (wire.LONGEST_TEXT + 1))


def test_a_key_that_is_not_known_is_told_from_what_is_malformed() -> None:
    with pytest.raises(UnknownKey):
        read(wire.payload(ORIGIN, SigningKey(4, KEY.secret), [wire.RESYNC]))


@given(st.integers(0, 200), st.binary(min_size=1, max_size=3))
def test_nothing_that_was_changed_on_the_way_is_taken(at: int, change: bytes) -> None:
    good = wire.payload(ORIGIN, KEY, [wire.event_line(arrival(5)), wire.event_line(EXPIRED)])
    bad = good[:at] + change + good[at + len(change) :]
    try:
        assert bad == good or read(bad) is None
    except UnknownKey:
        assert bad[19:20] != b"3"


@given(st.binary(max_size=300))
def test_noise_is_nothing(noise: bytes) -> None:
    assert read(noise) is None


@pytest.mark.parametrize(
    "line",
    [
        b"x 7",
        b"x -7\n",
        b"x  7\n",
        b"x 7 \n",
        b"x 99999999999999999999\n",
        b"n 7 00 1\n",
        b"n 7 - 1\n",
        b"d 7 - x\n",
        b"a blocks f\n",
        b"y 7\n",
        b"x 7\r\n",
        "x \u0667\n".encode(),
    ],
)
def test_a_line_that_is_none_spoils_all_even_where_it_is_signed(line: bytes) -> None:
    assert read(wire.payload(ORIGIN, KEY, [wire.RESYNC, line])) is None
