"""What an answer of DNS says, in bounded size (RFC 1035 section 4)."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Any

from attrs import frozen
from twisted.names import dns

from tempmail.mail.authenticity.answers import Answer, Question, plain

MOST_RECORDS = 64
MAX_CHARACTERS = 16 * 1024
LEAST_TTL = 5
MOST_TTL = 3600
MOST_NEGATIVE_TTL = 300
FAILURE_TTL = 30
"""Seconds for which each is remembered, whatever DNS allows."""

_ALIASES = 10
_NO_ERROR, _NO_NAME = 0, 3  # RFC 1035 section 4.1.1; RFC 2308
_TYPES = {"A": dns.A, "AAAA": dns.AAAA, "MX": dns.MX, "PTR": dns.PTR, "TXT": dns.TXT}


@frozen
class Read:
    """:ivar ttl: seconds for which ``answer`` may be remembered."""

    answer: Answer
    ttl: float


def failure(reason: str) -> Read:
    """Nothing was learned."""
    return Read(Answer(failure=reason), FAILURE_TTL)


def read(message: dns.Message, question: Question) -> Read:
    """The records that a resolver's message has for ``question``, aliases followed."""
    if message.rCode not in (_NO_ERROR, _NO_NAME):
        return failure(f"the resolver reports error {message.rCode}")
    name, ttl = question.name, float(MOST_TTL)
    answers: list[Any] = message.answers
    aliases = {
        _text(one.name): (_text(one.payload.name), one.ttl)
        for one in answers
        if one.type == dns.CNAME
    }
    for _ in range(_ALIASES):
        if name not in aliases:
            break
        name, of_alias = aliases[name]
        ttl = min(ttl, of_alias)
    found = [
        one for one in answers if one.type == _TYPES[question.kind] and _text(one.name) == name
    ]
    if not found:
        return Read(Answer(), _bounded(min(ttl, _negative_ttl(message)), MOST_NEGATIVE_TTL))
    records = tuple(_record(one.payload, question.kind) for one in found[: MOST_RECORDS + 1])
    if len(records) > MOST_RECORDS or sum(map(len, records)) > MAX_CHARACTERS:
        return failure("the answer is too long")
    return Read(Answer(records), _bounded(min(ttl, *(one.ttl for one in found)), MOST_TTL))


def _record(payload: object, kind: str) -> str:
    match payload:
        case dns.Record_TXT():
            return b"".join(payload.data).decode("latin-1")
        case dns.Record_A():
            return str(payload.dottedQuad())
        case dns.Record_AAAA():
            return str(IPv6Address(payload.address))
        case dns.Record_MX() | dns.Record_PTR():
            return _text(payload.name)
    raise AssertionError(kind)


def _negative_ttl(message: dns.Message) -> float:
    """RFC 2308 section 5."""
    authority: list[Any] = message.authority
    zones = (one for one in authority if one.type == dns.SOA)
    return min((min(one.ttl, one.payload.minimum) for one in zones), default=60)


def _text(name: Any) -> str:
    return plain(name.name.decode("latin-1"))


def _bounded(ttl: float, most: float) -> float:
    return max(LEAST_TTL, min(ttl, most))
