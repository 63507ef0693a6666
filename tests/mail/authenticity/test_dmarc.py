from __future__ import annotations

from typing import Any

import pytest

from tempmail.mail.authenticity.answers import Answer
from tempmail.mail.authenticity.domains import aligned, organizational
from tempmail.mail.authenticity.message import authentication
from tempmail.model.authentication import Finding
from tests.mail.authenticity.zone import MAIL, Zone, key_record, signed

NO_SPF = Finding("none", "", None)


def policy(record: str, domain: str = "shop.example") -> Any:
    return {(f"_dmarc.{domain}", "TXT"): [record]}


def found(mail: bytes, records: Any, spf: Finding = NO_SPF) -> Finding:
    finding = Zone(records).found(lambda known: authentication(mail, spf, known)).dmarc
    assert finding is not None
    return finding


def by(sender: bytes) -> bytes:
    return MAIL.replace(b"Ann <ann@shop.example>", sender)


def passed(domain: str, result: str = "pass") -> Finding:
    return Finding(result, "", domain)


@pytest.mark.parametrize(
    ("one", "other", "strict", "expected"),
    [
        ("shop.example", "shop.example", True, True),
        ("news.shop.example", "shop.example", False, True),
        ("news.shop.example", "shop.example", True, False),
        ("a.shop.co.uk", "b.shop.co.uk", False, True),
        ("shop.co.uk", "other.co.uk", False, False),
        ("co.uk", "shop.co.uk", False, False),
        ("ann.github.io", "eve.github.io", False, False),
        ("shop.example", "evilshop.example", False, False),
        ("SHOP.example.", "shop.example", True, True),
    ],
)
def test_alignment(one: str, other: str, strict: bool, expected: bool) -> None:
    assert aligned(one, other, strict=strict) is expected


def test_a_public_suffix_is_its_own_organization() -> None:
    assert organizational("co.uk") == "co.uk"
    assert organizational("a.b.shop.co.uk") == "shop.co.uk"


def test_a_signature_of_the_authors_domain_vouches() -> None:
    finding = found(signed(), key_record() | policy("v=DMARC1; p=reject"))
    assert (finding.result, finding.domain) == ("pass", "shop.example")
    assert "DKIM of shop.example" in finding.reason
    assert "SPF" not in finding.reason


def test_spf_of_the_authors_organization_vouches() -> None:
    finding = found(MAIL, policy("v=DMARC1; p=none"), passed("bounces.shop.example"))
    assert finding.result == "pass"
    assert "SPF for bounces.shop.example" in finding.reason


def test_strict_alignment_wants_the_very_domain() -> None:
    spf = passed("bounces.shop.example")
    assert found(MAIL, policy("v=DMARC1; p=none; aspf=s"), spf).result == "fail"
    mail = signed(domain="news.shop.example")
    records = key_record(domain="news.shop.example")
    assert found(mail, records | policy("v=DMARC1; p=none")).result == "pass"
    assert found(mail, records | policy("v=DMARC1; p=none; adkim=s")).result == "fail"


def test_what_passes_for_others_vouches_for_nobody() -> None:
    mail = signed(domain="sender.example")
    records = key_record(domain="sender.example") | policy("v=DMARC1; p=quarantine")
    finding = found(mail, records, passed("sender.example"))
    assert finding.result == "fail"
    assert "SPF speaks of sender.example, DKIM speaks of sender.example" in finding.reason
    assert "suspicious" in finding.reason


def test_a_domain_without_a_policy_is_not_judged() -> None:
    assert found(signed(), key_record()).result == "none"
    assert found(MAIL, policy("v=DMARC2; p=reject")).result == "none"
    two = {("_dmarc.shop.example", "TXT"): ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}
    assert found(MAIL, two).result == "none"


def test_below_a_domain_its_policy_for_what_is_below_counts() -> None:
    mail = by(b"a@news.shop.example")
    finding = found(mail, policy("v=DMARC1; p=none; sp=reject"))
    assert (finding.result, "refuse" in finding.reason) == ("fail", True)
    assert "refuse" not in found(MAIL, policy("v=DMARC1; p=none; sp=reject")).reason
    own = policy("v=DMARC1; p=none", "news.shop.example")
    assert "refuse" not in found(mail, own | policy("v=DMARC1; p=reject")).reason


def test_the_suffix_itself_is_not_asked_for_what_is_registered_below() -> None:
    zone = Zone({})
    zone.found(lambda known: authentication(by(b"a@x.shop.co.uk"), NO_SPF, known))
    assert zone.asked == [("_dmarc.x.shop.co.uk", "TXT"), ("_dmarc.shop.co.uk", "TXT")]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("v=DMARC1", "permerror"),
        ("v=DMARC1; p=maybe", "permerror"),
        ("v=DMARC1; p=maybe; rua=mailto:a@shop.example", "fail"),
        ("v = DMARC1 ; P = Reject", "fail"),
        ("v=DMARC1;p=none;" + "x" * 5000, "permerror"),
        ("v=DMARC1; p=\x00\x07", "permerror"),
    ],
)
def test_records(record: str, expected: str) -> None:
    finding = found(MAIL, policy(record))
    assert finding.result == expected
    assert finding.reason.isprintable()


@pytest.mark.parametrize(
    "mail",
    [
        MAIL.replace(b"From: Ann <ann@shop.example>\r\n", b""),
        b"From: eve@evil.example\r\n" + MAIL,
        MAIL.replace(b"\r\n\r\n", b"\r\nFROM : eve@evil.example\r\n\r\n", 1),
        by(b"ann@shop.example, eve@evil.example"),
        by(b"no address"),
        by(b"ann@localhost"),
        by(b"ann@[192.0.2.1]"),
        by(b"ann@" + b"x" * 300 + b".example"),
        by(b""),
    ],
)
def test_nobody_vouches_for_an_author_who_is_not_clear(mail: bytes) -> None:
    finding = found(mail, policy("v=DMARC1; p=none"), passed("shop.example"))
    assert finding.result == "permerror"


def test_a_line_that_a_reader_could_take_for_from_counts_too() -> None:
    hidden = MAIL.replace(b"To:", b"X\x00 no field\r\nFrom: eve@evil.example\r\nTo:")
    finding = found(hidden, policy("v=DMARC1; p=none"), passed("shop.example"))
    assert finding.result == "permerror"


def test_several_authors_of_one_domain_are_one() -> None:
    mail = by(b"Ann <ann@shop.example>, Bob <bob@Shop.Example>")
    assert found(mail, policy("v=DMARC1; p=none"), passed("shop.example")).result == "pass"


def test_a_name_that_looks_like_an_address_is_no_author() -> None:
    mail = by(b'"ann@shop.example" <eve@evil.example>')
    records = policy("v=DMARC1; p=none") | policy("v=DMARC1; p=none", "evil.example")
    finding = found(mail, records, passed("shop.example"))
    assert (finding.result, finding.domain) == ("fail", "evil.example")


def test_international_authors_are_judged_by_their_ascii_domain() -> None:
    mail = by("ann@bücher.example".encode())
    records = policy("v=DMARC1; p=none", "xn--bcher-kva.example")
    finding = found(mail, records, passed("xn--bcher-kva.example"))
    assert (finding.result, finding.domain) == ("pass", "xn--bcher-kva.example")


def test_what_is_not_known_now_is_no_failure() -> None:
    late = Answer(failure="it took too long")
    assert found(MAIL, {("_dmarc.shop.example", "TXT"): late}).result == "temperror"
    records = policy("v=DMARC1; p=none")
    assert found(MAIL, records, passed("shop.example", "temperror")).result == "temperror"
    no_key = records | {("s1._domainkey.shop.example", "TXT"): late}
    assert found(signed(), no_key).result == "temperror"
    assert found(signed(), no_key, passed("shop.example")).result == "pass"
    assert found(MAIL, records, passed("other.example", "temperror")).result == "fail"
