"""What workers are asked about where a mail comes from.

A worker opens no connection: it says what it lacks of DNS, and is asked again with the answers.
What a mail costs altogether stays bounded, for each question of one is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import asdict, frozen
from msgspec import convert
from msgspec.msgpack import Decoder, Encoder

from tempmail.mail.authenticity.answers import Answer, Known, Lacking, Question
from tempmail.model.authentication import Authentication, Finding

MOST_ASKED = 100
"""Questions in one answer of a worker, as untrusted as the mail."""

_MAX_TEXT = 1000
_RESULTS = frozenset(("pass", "fail", "softfail", "neutral", "none", "temperror", "permerror"))
_encoder = Encoder()


class Invalid(ValueError):
    """An answer that cannot be one."""


@frozen
class Lookups:
    """Answers of DNS on their way to a worker."""

    known: tuple[tuple[Question, Answer], ...]

    @classmethod
    def of(cls, answers: Mapping[Question, Answer]) -> Lookups:
        return cls(tuple(answers.items()))


@frozen
class SpfCheck:
    """Asks for the verdict of SPF; see :func:`tempmail.mail.authenticity.spf.check_spf`."""

    peer_ip: str
    helo: str
    mail_from: str
    lookups: Lookups

    raw = b""

    def outcome(self) -> Finding | list[Question]:
        """In the worker: the verdict, or what it lacks."""
        # Heavy and not needed for reading: imported by the workers that need it.
        from tempmail.mail.authenticity.spf import check_spf

        try:
            return check_spf(
                self.peer_ip, self.helo, self.mail_from, Known(dict(self.lookups.known))
            )
        except Lacking as needed:
            return list(needed.questions)

    def read(self, answer: bytes | memoryview) -> Finding | list[Question]:
        """What the worker said."""
        found = _spf.decode(answer)
        return _checked_questions(found) if isinstance(found, list) else _checked(found)

    @staticmethod
    def given_up(defect: str) -> Finding:
        """For a mail that costs its worker each time."""
        return Finding("permerror", f"it could not be found out: {defect}")


@frozen
class Survey:
    """Asks what DNS has to be asked for a message, but for SPF.

    :ivar raw: its header.
    """

    raw: bytes

    def outcome(self) -> list[Question]:
        from tempmail.mail.authenticity.message import questions

        return questions(self.raw)

    def read(self, answer: bytes | memoryview) -> list[Question]:
        return _checked_questions(_questions.decode(answer))

    @staticmethod
    def given_up(_defect: str) -> list[Question]:
        return []


@frozen
class Judgement:
    """Asks for all verdicts; see :func:`tempmail.mail.authenticity.message.authentication`.

    :ivar raw: the message.
    """

    raw: bytes
    spf: Finding
    lookups: Lookups

    def outcome(self) -> Authentication:
        from tempmail.mail.authenticity.message import authentication

        return authentication(self.raw, self.spf, _Enough(dict(self.lookups.known)))

    def read(self, answer: bytes | memoryview) -> Authentication:
        found = _authentications.decode(answer)
        given = (found.spf, found.dkim, found.dmarc, found.arc)
        if None in given or found.spam is not None or found.virus is not None:
            raise Invalid("verdicts are missing")
        for one in given:
            _checked(one)
        return found

    def given_up(self, defect: str) -> Authentication:
        lost = Finding("permerror", f"it could not be found out: {defect}")
        return Authentication(self.spf, lost, lost, lost)


class _Enough(Known):
    """Has an answer to everything: what nobody has looked up was not to be had."""

    def ask(self, name: str, kind: Any) -> Answer:
        try:
            return super().ask(name, kind)
        except Lacking:
            return Answer(failure="it was not asked")


Examination = SpfCheck | Survey | Judgement
_KINDS: tuple[type[Examination], ...] = (SpfCheck, Survey, Judgement)


@frozen
class _Wire:
    """An examination but for its raw bytes, which go behind it uncopied."""

    kind: int
    content: dict[str, Any]


def packed(asked: Examination) -> bytes:
    """``asked`` without its raw bytes."""
    content = asdict(asked, filter=lambda field, _: field.name != "raw")
    return _encoder.encode({"kind": _KINDS.index(type(asked)), "content": content})


def unpacked(content: bytes | memoryview, raw: bytes) -> Examination:
    """What :func:`packed` made, with its raw bytes."""
    wire = _wires.decode(content)
    kind = _KINDS[wire.kind]
    given = wire.content if kind is SpfCheck else {**wire.content, "raw": raw}
    return convert(given, kind)


def _checked_questions(found: list[Question]) -> list[Question]:
    if len(found) > MOST_ASKED:
        raise Invalid("too many questions")
    return found


def _checked(found: Finding | None) -> Finding:
    """A finding that can be stored and shown."""
    assert found is not None
    texts = [found.reason, found.domain or ""]
    results = [found.result]
    for one in found.signatures:
        texts += (one.domain, one.selector, one.reason)
        results.append(one.result)
    if any(len(text) > _MAX_TEXT or "\0" in text for text in texts):
        raise Invalid("text that cannot be stored")
    if len(results) > MOST_ASKED or not _RESULTS.issuperset(results):
        raise Invalid("results that there are not")
    return found


_spf: Decoder[Finding | list[Question]] = Decoder(Finding | list[Question])
_questions: Decoder[list[Question]] = Decoder(list[Question])
_authentications = Decoder(Authentication)
_wires = Decoder(_Wire)
