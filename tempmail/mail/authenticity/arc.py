"""ARC (RFC 8617): what those who passed a message on say they found, and whether to believe it."""

from __future__ import annotations

import re

from attrs import evolve, frozen

from tempmail.mail.authenticity.answers import Question
from tempmail.mail.authenticity.header import Head, plain_name
from tempmail.mail.authenticity.keys import Unusable, key_name
from tempmail.mail.authenticity.signatures import Sealed, signed_fields, tags_of
from tempmail.mail.authenticity.wording import domain_in_words, quoted
from tempmail.model.authentication import Finding

MOST_SETS = 15
"""Of 50 that section 4.2.1 allows; mailing lists that forward to each other make two or three."""

_RESULTS, _SIGNATURE, _SEAL = (
    b"arc-authentication-results",
    b"arc-message-signature",
    b"arc-seal",
)
_INSTANCE = re.compile(rb"(?:\A|;)\s*i\s*=\s*(\d{1,3})\s*(?:;|\Z)")
_COMMENT = re.compile(rb"\([^()]*\)")
_METHOD = re.compile(rb"(?:\A|[;\s])(spf|dkim|dmarc|arc)\s*=\s*([a-z]{1,20})", re.IGNORECASE)


@frozen
class _Set:
    """What one hop added: the three fields of one instance (section 4.1), and their tags."""

    results: tuple[bytes, bytes]
    signature: tuple[bytes, bytes]
    seal: tuple[bytes, bytes]
    signature_tags: dict[bytes, bytes]
    seal_tags: dict[bytes, bytes]

    @property
    def domain(self) -> str:
        return domain_in_words(self.seal_tags[b"d"].decode("latin-1"))


def seal_questions(head: Head) -> list[Question]:
    """Where the keys of a chain lie; none for one that is broken anyway."""
    try:
        sets = _sets(head)
    except Unusable:
        return []
    tags = [one.seal_tags for one in sets] + [one.signature_tags for one in sets[-1:]]
    return [
        Question(name, "TXT")
        for name in dict.fromkeys(key_name(one[b"s"], one[b"d"]) for one in tags)
    ]


def check_arc(sealed: Sealed) -> Finding:
    """The state of the chain as section 5.2 finds it.

    :raises Lacking: keys have to be asked for.
    """
    try:
        sets = _sets(sealed.head)
    except Unusable as why:
        return Finding(why.result, f"the ARC chain is broken: {quoted(why.reason, 200)}")
    if not sets:
        return Finding("none", "nobody who passed it on has sealed it")
    last = sets[-1]
    try:
        if last.seal_tags[b"cv"] == b"fail":
            raise Unusable("fail", f"{last.domain} found it broken before")
        for number, one in enumerate(sets, 1):
            if one.seal_tags[b"cv"] != (b"none" if number == 1 else b"pass"):
                raise Unusable("fail", f"seal {number} contradicts its place")
        _check_signature(sealed, last)
        for number in range(len(sets), 0, -1):
            _check_seal(sealed, sets[:number])
    except Unusable as why:
        reason = f"the ARC chain does not hold: {quoted(why.reason, 200)}"
        return Finding(why.result, reason, last.domain)
    hops = "one hop" if len(sets) == 1 else f"{len(sets)} hops"
    reason = f"sealed by {hops}, the last {last.domain}, which found {_found(last.results[1])}"
    return Finding("pass", reason, last.domain)


def _check_signature(sealed: Sealed, last: _Set) -> None:
    signed = signed_fields(last.signature_tags)
    if _SEAL in signed:  # section 4.1.2
        raise Unusable("fail", f"the signature of {last.domain} covers seals")
    try:
        sealed.check(last.signature_tags, signed, last.signature)
    except Unusable as why:
        whose = f"the signature of {last.domain}: {why.reason}"
        raise Unusable(_broken(why), whose) from None


def _check_seal(sealed: Sealed, sets: list[_Set]) -> None:
    """The seal of the last of ``sets``, which covers all before it (section 5.1.1)."""
    last = sets[-1]
    before = [field for one in sets for field in (one.results, one.signature, one.seal)][:-1]
    # Names select fields from the bottom, where the first hop's are.
    chain = Sealed(evolve(sealed.head, fields=tuple(reversed(before))), sealed.body, sealed.known)
    try:
        chain.check(last.seal_tags, [plain_name(name) for name, _ in before], last.seal)
    except Unusable as why:
        raise Unusable(_broken(why), f"the seal of {last.domain}: {why.reason}") from None


def _broken(why: Unusable) -> str:
    """Whatever is wrong for good makes the chain fail; there are no finer words for it."""
    return "temperror" if why.result == "temperror" else "fail"


def _sets(head: Head) -> list[_Set]:
    """The sets of a message, the first hop's first.

    :raises Unusable: for incomplete, doubled and damaged ones.
    """
    found: dict[int, dict[bytes, tuple[bytes, bytes]]] = {}
    for name, value in head.fields:
        kind = plain_name(name)
        if kind not in (_RESULTS, _SIGNATURE, _SEAL):
            continue
        instance = _INSTANCE.search(value[:8192])
        if instance is None or kind in found.setdefault(int(instance[1]), {}):
            raise Unusable("fail", "a field without its number, or two with the same")
        found[int(instance[1])][kind] = (name, value)
    if len(found) > MOST_SETS:
        raise Unusable("permerror", f"more than {MOST_SETS} hops are not looked at")
    if sorted(found) != list(range(1, len(found) + 1)) or any(
        len(fields) != 3 for fields in found.values()
    ):
        raise Unusable("fail", "a hop's fields are not all there")
    return [_set(found[number]) for number in sorted(found)]


def _set(fields: dict[bytes, tuple[bytes, bytes]]) -> _Set:
    seal_tags = tags_of(fields[_SEAL][1], (b"i", b"a", b"b", b"cv", b"d", b"s"), arc=True)
    if b"h" in seal_tags or b"bh" in seal_tags:
        raise Unusable("fail", "a seal has what only a signature may have")
    seal_tags[b"c"] = b"relaxed/relaxed"
    signature_tags = tags_of(
        fields[_SIGNATURE][1], (b"i", b"a", b"b", b"bh", b"d", b"h", b"s"), arc=True
    )
    return _Set(fields[_RESULTS], fields[_SIGNATURE], fields[_SEAL], signature_tags, seal_tags)


def _found(results: bytes) -> str:
    """What an ARC-Authentication-Results field says, in short."""
    methods = _METHOD.findall(_COMMENT.sub(b" ", results[:8192]))
    words = dict.fromkeys(f"{name.decode()}={value.decode()}".lower() for name, value in methods)
    return ", ".join(list(words)[:8]) or "nothing"
