"""DKIM (RFC 6376): what the domains that signed a message vouch for."""

from __future__ import annotations

from attrs import frozen

from tempmail.mail.authenticity.answers import Question
from tempmail.mail.authenticity.domains import aligned
from tempmail.mail.authenticity.header import Head, plain_name
from tempmail.mail.authenticity.keys import Unusable, key_name
from tempmail.mail.authenticity.signatures import Sealed, signed_fields, tags_of
from tempmail.mail.authenticity.wording import domain_in_words, quoted
from tempmail.model.authentication import Finding, Signature

MOST_SIGNATURES = 8
"""That are looked at, the topmost, which are the newest."""

_FIELD = b"dkim-signature"
_NEEDED = (b"v", b"a", b"b", b"bh", b"d", b"h", b"s")
_PREFERRED = ("pass", "temperror", "fail", "permerror")


@frozen
class _Claim:
    """What a signature says of itself, or why it says nothing."""

    tags: dict[bytes, bytes]
    unusable: Unusable | None = None


def key_questions(head: Head) -> list[Question]:
    """Where the keys of a message's signatures lie."""
    claims = (_claim(value) for value in head.all(_FIELD)[:MOST_SIGNATURES])
    names = (key_name(one.tags[b"s"], one.tags[b"d"]) for one in claims if not one.unusable)
    return [Question(name, "TXT") for name in dict.fromkeys(names)]


def check_dkim(sealed: Sealed, author: str) -> Finding:
    """The verdict on all signatures: the best of theirs, one for ``author``'s domain before others.

    :param author: the domain in From; may be empty.
    :raises Lacking: keys have to be asked for.
    """
    fields = [one for one in sealed.head.fields if plain_name(one[0]) == _FIELD]
    if not fields:
        return Finding("none", "it carries no DKIM signature")
    found = tuple(_checked(sealed, field) for field in fields[:MOST_SIGNATURES])
    best = min(
        found,
        key=lambda one: (
            _PREFERRED.index(one.result),
            not (author and one.domain and aligned(one.domain, author, strict=False)),
        ),
    )
    reason = best.reason
    if len(fields) > MOST_SIGNATURES:
        reason += f"; of {len(fields)} signatures the first {MOST_SIGNATURES} were looked at"
    return Finding(best.result, reason, best.domain or None, found)


def _checked(sealed: Sealed, field: tuple[bytes, bytes]) -> Signature:
    claim = _claim(field[1])
    domain = domain_in_words(claim.tags.get(b"d", b"").decode("latin-1"))
    selector = domain_in_words(claim.tags.get(b"s", b"").decode("latin-1"))
    try:
        if claim.unusable is not None:
            raise claim.unusable
        found, note = sealed.check(claim.tags, signed_fields(claim.tags), field)
        agent = claim.tags.get(b"i", b"").rpartition(b"@")[2].lower()
        if found.exact and agent and agent != claim.tags[b"d"].lower():
            raise Unusable("permerror", "its key is not for names below the domain")
    except Unusable as why:
        whose = f"for {domain}: " if domain else ""
        return Signature(domain, selector, why.result, f"{whose}{quoted(why.reason, 200)}")
    testing = "; the domain says that it only tries signing" if found.testing else ""
    reason = f"signed by {domain} and not changed since{note}{testing}"
    return Signature(domain, selector, "pass", reason)


def _claim(value: bytes) -> _Claim:
    tags: dict[bytes, bytes] = {}
    try:
        tags = tags_of(value, _NEEDED)
        if b"from" not in signed_fields(tags):  # section 5.4
            raise Unusable("permerror", "it does not sign who wrote the mail")
    except Unusable as why:
        return _Claim(tags, why)
    return _Claim(tags)
