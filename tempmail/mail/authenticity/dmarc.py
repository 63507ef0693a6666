"""DMARC (RFC 7489): whether SPF or DKIM vouch for the author that the reader sees."""

from __future__ import annotations

import re

from attrs import frozen

from tempmail.mail.addresses import authors
from tempmail.mail.authenticity.answers import Answer, Known, Question
from tempmail.mail.authenticity.domains import aligned, ascii_domain, organizational
from tempmail.mail.authenticity.header import head_of
from tempmail.mail.authenticity.wording import domain_in_words, quoted
from tempmail.mail.header_fields import header
from tempmail.model.authentication import Finding, Signature

MAX_RECORD = 4096

_MBOX_LINE = re.compile(rb">?From [^\n]*\n")
_STRICT_FROM = re.compile(rb"^from[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.IGNORECASE | re.MULTILINE)
_POLICIES = ("none", "quarantine", "reject")


class NoAuthor(Exception):
    """A message of which nobody can say who wrote it; says why."""


@frozen
class Policy:
    """What a domain publishes (section 6.3).

    :ivar domain: whose record it is.
    :ivar action: what the domain asks to be done with mail that fails.
    :ivar strict_spf, strict_dkim: whether only the very same domain counts.
    """

    domain: str
    action: str
    strict_spf: bool
    strict_dkim: bool


class BadPolicy(Exception):
    """A record that cannot be used; says why."""


def author_domain(raw: bytes) -> str:
    """The domain of the only author.

    Looks at every field that some reader could take for From, so that nobody is vouched for who
    is not the one shown.

    :raises NoAuthor: none or more than one, or one without a domain.
    """
    head = head_of(raw)
    mbox_line = _MBOX_LINE.match(head)
    start = mbox_line.end() if mbox_line else 0
    lenient = [
        value.strip()
        for name, value in header(head, start, lambda _: False).fields
        if name.lower() == b"from"
    ]
    literal = [value.strip() for value in _STRICT_FROM.findall(head)]
    if not lenient and not literal:
        raise NoAuthor("it has no From")
    if len(literal) > 1 or len(lenient) > 1:
        raise NoAuthor("it has more than one From")
    found = {
        ascii_domain(one.address.rpartition("@")[2])
        for value in (*lenient, *literal)
        for one in authors(value[:8192])
        if one.address
    }
    if len(found) > 1:
        raise NoAuthor("its From names addresses of several domains")
    domain = "".join(found)
    if "." not in domain:
        raise NoAuthor("its From has no domain that DNS could know")
    return domain


def policy_questions(domain: str) -> list[Question]:
    """Where the policy for mail of ``domain`` may lie (section 6.6.3)."""
    names = dict.fromkeys((domain, organizational(domain)))
    return [Question(f"_dmarc.{name}", "TXT") for name in names]


def check_dmarc(raw: bytes, spf: Finding, dkim: Finding, known: Known) -> Finding:
    """The verdict on the author's domain.

    :raises Lacking: the policy has to be asked for.
    """
    try:
        domain = author_domain(raw)
    except NoAuthor as why:
        return Finding("permerror", f"nobody can vouch for the author: {why}")
    shown = domain_in_words(domain)
    answers = [known.ask(one.name, one.kind) for one in policy_questions(domain)]
    try:
        policy = _policy(domain, answers)
    except BadPolicy as why:
        return Finding("permerror", f"the DMARC record of {shown} has a fault: {why}", shown)
    except TimeoutError as why:
        return Finding("temperror", f"DNS does not give the policy of {shown} now: {why}", shown)
    if policy is None:
        return Finding("none", f"{shown} publishes no DMARC policy", shown)
    return _judged(shown, policy, spf, dkim)


def _judged(domain: str, policy: Policy, spf: Finding, dkim: Finding) -> Finding:
    asks = f"{policy.domain} asks to {_ASKS[policy.action]}"
    by_spf = spf.domain is not None and aligned(spf.domain, domain, strict=policy.strict_spf)
    signed: list[Signature] = [
        one
        for one in dkim.signatures
        if one.domain and aligned(one.domain, domain, strict=policy.strict_dkim)
    ]
    vouching = []
    if by_spf and spf.result == "pass":
        vouching.append(f"SPF for {spf.domain}")
    if passed := [one for one in signed if one.result == "pass"]:
        vouching.append(f"DKIM of {passed[0].domain}")
    if vouching:
        return Finding("pass", f"{' and '.join(vouching)} vouch for {domain}; {asks}", domain)
    if (by_spf and spf.result == "temperror") or any(one.result == "temperror" for one in signed):
        return Finding("temperror", f"what could vouch for {domain} is not known now", domain)
    spf_says = f"SPF speaks of {spf.domain}" if spf.domain and not by_spf else f"SPF: {spf.result}"
    if not dkim.signatures:
        dkim_says = "it is not signed"
    elif signed:
        dkim_says = f"DKIM: {signed[0].result}"
    else:
        dkim_says = f"DKIM speaks of {dkim.signatures[0].domain or 'nobody'}"
    reason = f"nothing vouches for {domain} ({spf_says}, {dkim_says}); {asks}"
    return Finding("fail", reason, domain)


_ASKS = {
    "none": "deliver such mail that fails all the same",
    "quarantine": "treat mail that fails as suspicious",
    "reject": "refuse mail that fails",
}


def _policy(domain: str, answers: list[Answer]) -> Policy | None:
    """The one that counts: the domain's own, else its organization's for what is below.

    :raises TimeoutError: it cannot be known now.
    """
    own, organization = domain, organizational(domain)
    for name, answer in zip(dict.fromkeys((own, organization)), answers, strict=True):
        if answer.failure:
            raise TimeoutError(answer.failure)
        records = [one for one in answer.records if _version(one)]
        if len(records) == 1:
            return _read(records[0], name, below=name != own)
        if records:  # section 6.6.3 step 5
            return None
    return None


def _version(record: str) -> bool:
    first = record[:100].partition(";")[0].replace(" ", "").replace("\t", "")
    return first == "v=DMARC1"


def _read(record: str, domain: str, *, below: bool) -> Policy:
    if len(record) > MAX_RECORD:
        raise BadPolicy(f"it is longer than {MAX_RECORD} bytes")
    pairs = (part.partition("=") for part in record.split(";"))
    tags = {name.strip().lower(): value.strip() for name, _, value in pairs}
    action = (below and tags.get("sp", "").lower()) or tags.get("p", "").lower()
    if action not in _POLICIES:
        if "rua" not in tags:  # section 6.6.3 step 6
            raise BadPolicy(f"it asks for {quoted(action, 30) or 'nothing'}")
        action = "none"
    return Policy(
        domain_in_words(domain),
        action,
        tags.get("aspf", "r").lower() == "s",
        tags.get("adkim", "r").lower() == "s",
    )
