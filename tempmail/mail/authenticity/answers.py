"""What is asked of DNS, and what is known of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from attrs import frozen

Kind = Literal["TXT", "A", "AAAA", "MX", "PTR"]

_LABEL = re.compile(r"[!-\-/-~]{1,63}")  # one that can be written without escapes
_NEVER_ASKED = frozenset(("localhost", "invalid", "onion"))
"""RFC 6761 sections 6.3 and 6.4, RFC 7686 section 2."""


@frozen
class Question:
    """:ivar name: in lower case, without the dot of the root."""

    name: str
    kind: Kind


@frozen
class Answer:
    """What DNS says.

    :ivar records: none where there is no such name or no such record.  Addresses in text, names
        without the dot of the root, the strings of a TXT record joined, each octet a character.
    :ivar failure: why nothing can be said now, in words; empty where something was said.
    """

    records: tuple[str, ...] = ()
    failure: str = ""


NOTHING = Answer()


class Lacking(Exception):
    """What has to be asked before one can go on."""

    def __init__(self, *questions: Question) -> None:
        super().__init__(questions)
        self.questions = questions


class Known:
    """The answers that there are; raises :class:`Lacking` for others.

    :param answers: by question.
    """

    def __init__(self, answers: Mapping[Question, Answer]) -> None:
        self._answers = answers

    def ask(self, name: str, kind: Kind) -> Answer:
        """:raises Lacking: there is no answer yet."""
        question = Question(plain(name), kind)
        if not askable(question.name):
            return NOTHING
        answer = self._answers.get(question)
        if answer is None:
            raise Lacking(question)
        return answer

    def ask_all(self, names: list[str], kind: Kind) -> list[Answer]:
        """As :meth:`ask`, one for each name; all that lack are named at once."""
        answers: list[Answer] = []
        lacking: dict[Question, None] = {}
        for name in names:
            try:
                answers.append(self.ask(name, kind))
            except Lacking as needed:
                lacking.update(dict.fromkeys(needed.questions))
        if lacking:
            raise Lacking(*lacking)
        return answers


def plain(name: str) -> str:
    """``name`` as questions have it."""
    return name.lower().removesuffix(".")


def askable(name: str) -> bool:
    """Whether DNS can know a name of such a form (RFC 1035 section 2.3.4)."""
    labels = name.split(".")
    return (
        len(name) <= 253
        and labels[-1] not in _NEVER_ASKED
        and all(_LABEL.fullmatch(label) for label in labels)
    )
