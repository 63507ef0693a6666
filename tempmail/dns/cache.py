"""Answers of DNS that were given not long ago, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict

from tempmail.dns.reading import Read
from tempmail.mail.authenticity.answers import Answer, Question

MOST_ENTRIES = 10_000
MOST_CHARACTERS = 8 * 1024 * 1024
_ENTRY = 300
"""Characters that an empty answer counts for, with its name."""


class Cache:
    """The least recently used are forgotten first.  Times are in seconds, of any one clock."""

    def __init__(
        self, most_entries: int = MOST_ENTRIES, most_characters: int = MOST_CHARACTERS
    ) -> None:
        self._most_entries = most_entries
        self._most_characters = most_characters
        self._kept: OrderedDict[Question, tuple[Answer, float]] = OrderedDict()
        self._characters = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, question: Question, now: float) -> Answer | None:
        """What is known, None where nothing is or it is too old."""
        kept = self._kept.get(question)
        if kept is None:
            return None
        answer, until = kept
        if until <= now:
            self._forget(question)
            return None
        self._kept.move_to_end(question)
        return answer

    def keep(self, question: Question, read: Read, now: float) -> None:
        """Remember an answer for as long as it says."""
        self._forget(question)
        self._kept[question] = (read.answer, now + read.ttl)
        self._characters += _size(read.answer)
        while len(self._kept) > self._most_entries or self._characters > self._most_characters:
            self._forget(next(iter(self._kept)))

    def _forget(self, question: Question) -> None:
        kept = self._kept.pop(question, None)
        if kept is not None:
            self._characters -= _size(kept[0])


def _size(answer: Answer) -> int:
    return _ENTRY + sum(map(len, answer.records))
