"""SPF (RFC 7208): whether a domain lets a client send mail for it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import spf

from tempmail.mail.authenticity.answers import Answer, Kind, Known, Lacking, askable, plain
from tempmail.mail.authenticity.domains import ascii_domain
from tempmail.mail.authenticity.wording import domain_in_words, quoted
from tempmail.model.authentication import Finding

MOST_QUESTIONS = 40
"""To DNS for one message.  Ten mechanisms with ten addresses each, which RFC 7208 section 4.6.4
would allow, are needed by nobody honest and make a good flood."""

_RESULTS = ("pass", "fail", "softfail", "neutral", "none", "temperror", "permerror")
_MOST_VOID = 2  # RFC 7208 section 4.6.4
_OWN_NETWORKS = tuple(
    ip_network(network)
    for network in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
        *("169.254.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7", "fe80::/10"),
    )
)
"""Of which no domain in the Internet can say anything: loopback, RFC 1918, 3927, 6598, 4193."""


class _TooMany(Exception):
    """More questions than one message may cause."""


class _Query(spf.query):  # type: ignore[misc]  # published without types
    """pyspf's evaluation, which takes what it needs of DNS from here alone."""

    def __init__(self, known: Known, **identities: str) -> None:
        super().__init__(**identities)
        self._known = known
        self._asked: set[tuple[str, str]] = set()

    def dns(
        self, name: str, qtype: Kind, _cnames: object = None, ignore_void: bool = False
    ) -> list[Any]:
        """The records, aliases followed, in pyspf's shapes."""
        self._count(name, qtype)
        answer = self._known.ask(str(name), qtype)
        if answer.failure:
            raise spf.TempError(answer.failure)
        if not answer.records and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > _MOST_VOID:
                raise spf.PermError(f"more than {_MOST_VOID} of its lookups find nothing")
        match qtype:
            case "TXT":
                return [(record.encode("latin-1"),) for record in answer.records]
            case "MX":
                return [(0, host) for host in answer.records]
        return list(answer.records)

    def dns_mx(self, domainname: str) -> list[str]:
        hosts = [host for _, host in self.dns(domainname, "MX")]
        if len(hosts) > spf.MAX_MX:
            raise spf.PermError(f"more than {spf.MAX_MX} hosts in MX")
        return self._addresses(hosts)

    def validated_ptrs(self) -> list[str]:
        """Names of the client that lead back to it; errors are names that do not (section 5.5)."""
        try:
            hosts = self.dns_ptr(self.i)[: spf.MAX_PTR]
        except spf.TempError:
            return []
        answers = self._ask_all(hosts)
        return [
            host
            for host, answer in zip(hosts, answers, strict=False)
            if self.cidrmatch(list(answer.records), self.cidrmax)
        ]

    def get_explanation(self, spec: str) -> None:
        """What the domain says to those it refuses: costs a lookup and is not shown."""

    def _addresses(self, hosts: list[str]) -> list[str]:
        """Of all; one that cannot be learned now may be the one that matters."""
        answers = self._ask_all(hosts)
        for answer in answers:
            if answer.failure:
                raise spf.TempError(answer.failure)
        return [address for answer in answers for address in answer.records]

    def _ask_all(self, hosts: list[str]) -> list[Answer]:
        for host in hosts:
            self._count(host, self.A)
        return self._known.ask_all(hosts, self.A)

    def _count(self, name: str, kind: str) -> None:
        self._asked.add((plain(str(name)), kind))
        if len(self._asked) > MOST_QUESTIONS:
            raise _TooMany


def check_spf(peer_ip: str, helo: str, mail_from: str, known: Known) -> Finding:
    """The verdict on the domain of ``mail_from``, for an empty one on ``helo`` (section 2.4).

    :raises Lacking: answers are needed; ask again with these.
    """
    named = mail_from.rpartition("@")[2] if mail_from else helo
    domain = ascii_domain(named) or plain(named)
    try:
        peer = ip_address(peer_ip)
    except ValueError:
        return Finding("none", "it did not come from an Internet address", None)
    peer = getattr(peer, "ipv4_mapped", None) or peer
    if any(peer in network for network in _OWN_NETWORKS):
        return Finding("none", f"it was sent from this machine's network, {peer}", domain or None)
    if "." not in domain or domain.startswith("[") or not askable(domain):
        of = "the sender's address" if mail_from else "the name the client gave itself"
        return Finding("none", f"{of} has no domain that DNS could know", domain_in_words(domain))
    local_part = mail_from.rpartition("@")[0] or "postmaster"
    sender = f"{local_part}@{domain}"
    result, why, mechanism = _evaluated(str(peer), sender, plain(helo), known)
    reason = _reason(result, why, domain_in_words(domain), str(peer), mechanism)
    return Finding(result, reason, domain_in_words(domain))


def _evaluated(peer: str, sender: str, helo: str, known: Known) -> tuple[str, str, str]:
    """Result, what is wrong, and the mechanism that decided."""
    try:
        query = _Query(known, i=peer, s=sender, h=helo)
        # One @ at the end is ours; a local part may hold others, where pyspf would cut.
        query.l, _, query.o = sender.rpartition("@")
        query.d = query.o
        result, _, _ = query.check()
    except Lacking:
        raise
    except _TooMany:
        return "permerror", f"it would take more than {MOST_QUESTIONS} questions to DNS", ""
    except Exception:  # pyspf trips over some records that no one should publish
        return "permerror", "it cannot be understood", ""
    if result not in _RESULTS:
        return "permerror", "it cannot be understood", ""
    return result, str(getattr(query, "prob", "")), str(query.mechanism or "")


def _reason(result: str, why: str, domain: str, peer: str, mechanism: str) -> str:
    by = f" ({quoted(mechanism)})" if mechanism else ""
    match result:
        case "pass":
            return f"{domain} lets {peer} send for it{by}"
        case "fail":
            return f"{domain} does not let {peer} send for it{by}"
        case "softfail":
            return f"{domain} probably does not let {peer} send for it{by}"
        case "neutral":
            return f"{domain} does not say whether {peer} may send for it{by}"
        case "none":
            return f"{domain} publishes no SPF record"
        case "temperror":
            return f"DNS does not answer for {domain} now: {quoted(why)}"
    return f"the SPF record of {domain} has a fault: {quoted(why)}"
