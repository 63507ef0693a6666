"""Chains sealed with dkimpy's own ARC, and its verdict beside ours."""

from __future__ import annotations

import re
from typing import Any

import dkim
import pytest

from tempmail.mail.authenticity.answers import Answer
from tempmail.mail.authenticity.arc import MOST_SETS
from tempmail.mail.authenticity.message import authentication
from tempmail.model.authentication import Finding
from tests.mail.authenticity.zone import MAIL, Zone, key_record, rsa_key

NO_SPF = Finding("none", "", None)


def sealed(mail: bytes = MAIL, domain: str = "list.example", says: str = "spf=pass") -> bytes:
    """``mail`` with one more set of ARC fields on top."""
    results = f"Authentication-Results: {domain}; {says}; dkim=fail (changed)\r\n".encode()
    fields = dkim.arc_sign(
        results + mail,
        b"s1",
        domain.encode(),
        rsa_key()[0],
        domain.encode(),
        include_headers=[b"from", b"to", b"subject", b"date"],
    )
    assert fields
    return b"".join(fields) + mail


def keys(*domains: str) -> Any:
    return {name: key for one in domains for name, key in key_record(domain=one).items()}


def found(mail: bytes, records: Any = None) -> Finding:
    zone = Zone(keys("list.example", "second.example") if records is None else records)
    finding = zone.found(lambda known: authentication(mail, NO_SPF, known)).arc
    assert finding is not None
    return finding


def dkimpy_says(mail: bytes) -> str:
    record = rsa_key()[1].encode()
    result, _, _ = dkim.arc_verify(mail, dnsfunc=lambda *_, **__: record)
    return "fail" if result is None else result.decode()


def test_a_mail_that_nobody_sealed_has_no_chain() -> None:
    assert found(MAIL).result == "none"


def test_one_hop() -> None:
    finding = found(sealed())
    assert (finding.result, finding.domain) == ("pass", "list.example")
    assert finding.reason == (
        "sealed by one hop, the last list.example, which found spf=pass, dkim=fail"
    )


@pytest.mark.parametrize("hops", [2, 3, 5])
def test_more_hops(hops: int) -> None:
    mail = sealed()
    for _ in range(hops - 1):
        mail = sealed(mail, "second.example", "spf=fail; arc=pass")
    assert dkimpy_says(mail) == "pass"
    finding = found(mail)
    assert (finding.result, finding.domain) == ("pass", "second.example")
    assert f"{hops} hops" in finding.reason


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Your order", b"Their order"),
        (b"Thank", b"Think"),
        (b"spf=pass", b"spf=fail"),
        (b"cv=none", b"cv=pass"),
        (b"cv=none", b"cv=fail"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=2"),
        (b"ARC-Seal", b"X-Seal"),
        (b"ARC-Message-Signature: i=1; ", b"ARC-Message-Signature: "),
        (b"ARC-Authentication-Results", b"X-Results"),
    ],
)
def test_a_chain_that_was_tampered_with_fails(old: bytes, new: bytes) -> None:
    mail = sealed()
    assert old in mail
    assert found(mail.replace(old, new, 1)).result == "fail"


def test_a_change_between_two_hops_shows_in_the_first_ones_signature_only() -> None:
    """Section 5.2: of the message signatures only the newest has to hold."""
    changed = sealed().replace(b"Thank", b"[list] Thank")
    broken = found(changed).result
    mail = sealed(changed, "second.example", "arc=pass")
    assert broken == "fail"
    assert (found(mail).result, dkimpy_says(mail)) == ("pass", "pass")


def test_a_doubled_field_fails() -> None:
    mail = sealed()
    seal = re.match(rb"ARC-Seal:[^\n]*\n(?:[ \t][^\n]*\n)*", mail)
    assert seal is not None
    assert found(seal[0] + mail).result == "fail"


def test_a_key_that_is_not_there_breaks_the_chain_and_silence_does_not() -> None:
    assert found(sealed(), {}).result == "fail"
    late = {("s1._domainkey.list.example", "TXT"): Answer(failure="it took too long")}
    assert found(sealed(), late).result == "temperror"


def test_a_chain_without_end_is_not_followed() -> None:
    one = sealed()[: -len(MAIL)]
    many = b"".join(
        one.replace(b"i=1", b"i=%d" % n).replace(b"list.example", b"l%d.example" % n)
        for n in range(MOST_SETS + 1, 0, -1)
    )
    zone = Zone({})
    finding = zone.found(lambda known: authentication(many + MAIL, NO_SPF, known)).arc
    assert finding is not None
    assert finding.result == "permerror"
    assert not [name for name, _ in zone.asked if "domainkey" in name]


@pytest.mark.parametrize(
    "field",
    [
        b"ARC-Seal: \r\n",
        b"ARC-Seal: i=0\r\n",
        b"ARC-Seal: i=99999999999999999999\r\n",
        b"ARC-Seal: i=1\r\nARC-Message-Signature: i=1\r\nARC-Authentication-Results: i=1\r\n",
        b"ARC-Authentication-Results: i=1; " + b"(" * 5000 + b"\r\n",
    ],
)
def test_no_chain_is_too_strange(field: bytes) -> None:
    assert found(field + MAIL).result in ("fail", "permerror")
