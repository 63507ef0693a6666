"""Every dialogue file, however it is cut: the same replies and the same mail kept."""

from __future__ import annotations

import random
from functools import partial

import pytest

from tests.smtp.dialogue import Dialogue, Play, dialogues

DIALOGUES = dialogues()
each = pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.name)


def test_there_are_dialogues() -> None:
    assert len(DIALOGUES) >= 150


@each
def test_turn_by_turn(dialogue: Dialogue) -> None:
    Play(dialogue).turn_by_turn()


@each
def test_in_one_segment(dialogue: Dialogue) -> None:
    Play(dialogue).cut(lambda sent: [sent])


@each
def test_octet_by_octet(dialogue: Dialogue) -> None:
    Play(dialogue).cut(lambda sent: [sent[at : at + 1] for at in range(len(sent))])


@each
def test_split_at_random(dialogue: Dialogue) -> None:
    seeded = random.Random(dialogue.name)

    def cut(sent: bytes) -> list[bytes]:
        count = min(len(sent) - 1, seeded.randrange(1, 12))
        borders = sorted(seeded.sample(range(1, len(sent)), count))
        return [sent[a:b] for a, b in zip([0, *borders], [*borders, None], strict=True)]

    for _ in range(10):
        Play(dialogue).cut(lambda sent: cut(sent) if len(sent) > 1 else [sent])


@each
def test_split_in_two(dialogue: Dialogue, request: pytest.FixtureRequest) -> None:
    longest = max(len(flight.sent) for flight in dialogue.flights)
    step = 1 if request.config.getoption("exhaustive", False) else 1 + longest // 20
    for border in range(1, longest, step):
        Play(dialogue).cut(partial(_in_two, border))


def _in_two(border: int, sent: bytes) -> list[bytes]:
    return [part for part in (sent[:border], sent[border:]) if part]
