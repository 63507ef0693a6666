from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from tempmail.mail.authenticity.answers import Answer
from tempmail.mail.authenticity.message import authentication
from tempmail.model.authentication import Finding
from tests.mail.authenticity.zone import MAIL, Zone, ed25519_key, key_record, rsa_key, signed

NO_SPF = Finding("none", "")


def found(mail: bytes, records: Any = None) -> Finding:
    zone = Zone(key_record() if records is None else records)
    finding = zone.found(lambda known: authentication(mail, NO_SPF, known)).dkim
    assert finding is not None
    return finding


def result(mail: bytes, records: Any = None) -> str:
    return found(mail, records).result


def test_a_mail_without_a_signature_has_none() -> None:
    assert result(MAIL) == "none"


@pytest.mark.parametrize("header", [b"simple", b"relaxed"])
@pytest.mark.parametrize("body", [b"simple", b"relaxed"])
def test_a_signature_that_fits_passes(header: bytes, body: bytes) -> None:
    finding = found(signed(canonicalize=(header, body)))
    assert (finding.result, finding.domain) == ("pass", "shop.example")
    assert "signed by shop.example" in finding.reason
    (one,) = finding.signatures
    assert (one.domain, one.selector, one.result) == ("shop.example", "s1", "pass")


def test_ed25519_passes() -> None:
    private, record = ed25519_key()
    mail = signed(key=private, signature_algorithm=b"ed25519-sha256")
    assert result(mail, key_record(record=record)) == "pass"
    changed = mail.replace(b"Your order", b"Their order")
    assert result(changed, key_record(record=record)) == "fail"


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"Thank", b"Think"), (b"Your order", b"Their order"), (b"ann@", b"eve@")],
)
def test_what_was_changed_fails(old: bytes, new: bytes) -> None:
    finding = found(signed().replace(old, new))
    assert finding.result == "fail"
    assert "changed" in finding.reason


def test_what_relaxed_canonicalization_ignores_may_change() -> None:
    mail = signed(canonicalize=(b"relaxed", b"relaxed"))
    changed = mail.replace(b"Thank  you \t\r\n", b"Thank you\r\n").replace(
        b"Subject: ", b"SUBJECT:"
    )
    assert result(changed + b"\r\n") == "pass"


def test_a_second_from_is_not_covered_by_the_first_ones_signature() -> None:
    assert result(b"From: eve@evil.example\r\n" + signed()) == "fail"


@pytest.mark.parametrize("bits", [2048, 4096])
def test_large_keys_are_good(bits: int) -> None:
    private, record = rsa_key(bits)
    assert result(signed(key=private), key_record(record=record)) == "pass"


def test_a_key_below_1024_bits_proves_nothing() -> None:
    def der(tag: int, content: bytes) -> bytes:
        return bytes([tag, 0x82]) + len(content).to_bytes(2, "big") + content

    # cryptography makes none so small any more.
    modulus = der(2, b"\0" + ((1 << 767) + 159).to_bytes(96, "big"))
    public = der(0x30, modulus + der(2, b"\x01\0\x01"))
    algorithm = der(0x30, bytes.fromhex("06092a864886f70d0101010500"))
    spki = der(0x30, algorithm + der(3, b"\0" + public))
    record = f"v=DKIM1; k=rsa; p={base64.b64encode(spki).decode()}"
    finding = found(signed(), key_record(record=record))
    assert finding.result == "fail"
    assert "768 bits" in finding.reason


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("v=DKIM1; k=rsa; p=", "fail"),
        ("v=DKIM2; p={key}", "permerror"),
        ("v=DKIM1; k=dsa; p={key}", "permerror"),
        ("v=DKIM1; k=rsa; p=@@@@", "permerror"),
        ("v=DKIM1; k=rsa; p=AAAA", "permerror"),
        ("v=DKIM1; k=ed25519; p=AAAA", "permerror"),
        ("v=DKIM1; s=tlsrpt; p={key}", "permerror"),
        ("v=DKIM1; s=email; p={key}", "pass"),
        ("v=DKIM1; s=email:other; p={key}", "pass"),
        ("v=DKIM1; h=sha1; p={key}", "permerror"),
        ("v=DKIM1; h=sha1:sha256; p={key}", "pass"),
        ("v=DKIM1; t=y; p={key}", "pass"),
        ("v=DKIM1; t=s; p={key}", "pass"),
        ("k=rsa; n=a note; p={key};", "pass"),
        ("p={key}", "pass"),
        ("something else", "permerror"),
        ("x" * 10_000 + "p=", "permerror"),
    ],
)
def test_key_records(record: str, expected: str) -> None:
    key = rsa_key()[1].partition("p=")[2]
    assert result(signed(), key_record(record=record.replace("{key}", key))) == expected


def test_a_missing_key_is_lasting_and_a_silent_server_is_not() -> None:
    assert result(signed(), {}) == "permerror"
    silent = {("s1._domainkey.shop.example", "TXT"): Answer(failure="it took too long")}
    finding = found(signed(), silent)
    assert finding.result == "temperror"
    assert "took too long" in finding.reason


def test_a_key_for_the_very_domain_is_not_for_names_below() -> None:
    mail = signed(identity=b"@news.shop.example")
    assert result(mail) == "pass"
    exact = rsa_key()[1].replace("k=rsa", "t=s")
    assert result(mail, key_record(record=exact)) == "permerror"


def test_a_signature_of_a_part_of_the_body_says_so() -> None:
    mail = signed(length=True) + b"And buy this!\r\n"
    finding = found(mail)
    assert finding.result == "pass"
    assert "only the first" in finding.reason
    longer = re.sub(rb"l=\d+", b"l=99999", mail)
    assert "more of the body than there is" in found(longer).reason


def test_sha_1_proves_nothing() -> None:
    mail = signed(signature_algorithm=b"rsa-sha1")
    finding = found(mail)
    assert finding.result == "permerror"
    assert "SHA-1" in finding.reason


def test_a_signature_has_to_cover_the_author() -> None:
    mail = signed().replace(b"h=from : to", b"h=date : to")
    finding = found(mail)
    assert (finding.result, "who wrote" in finding.reason) == ("permerror", True)


def test_an_expired_signature_does_not_count() -> None:
    mail = re.sub(rb"t=\d+;", b"t=1; x=2;", signed())
    assert result(mail) == "permerror"


def test_the_best_signature_counts_and_the_authors_before_others() -> None:
    other = signed(MAIL, domain="sender.example")
    mail = signed(other)
    records = key_record() | key_record(domain="sender.example")
    finding = found(b"DKIM-Signature: nonsense\r\n" + mail, records)
    assert (finding.result, finding.domain) == ("pass", "shop.example")
    assert [one.result for one in finding.signatures] == ["permerror", "pass", "pass"]
    mail = signed(signed(MAIL), domain="sender.example")
    assert found(mail, records).domain == "shop.example"
    assert found(mail, key_record(domain="sender.example")).domain == "sender.example"


def test_of_a_thousand_signatures_the_first_few_are_looked_at() -> None:
    mail = b"DKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=x; h=from; bh=AAAA; b=AAAA\r\n" * 900
    zone = Zone({})
    finding = zone.found(lambda known: authentication(mail + MAIL, NO_SPF, known)).dkim
    assert finding is not None
    assert (finding.result, len(finding.signatures)) == ("permerror", 8)
    assert "of 900 signatures" in finding.reason
    assert [name for name, _ in zone.asked if "domainkey" in name] == ["x._domainkey.a.example"]


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b";",
        b"=",
        b"v",
        b"v=1; v=1",
        b"v=1; a=rsa-sha256; d=a.example; s=x; h=from; bh=AAAA; b=!",
        b"v=1; a=rsa-sha256; d=a.example; s=x; h=from; bh=A; b=AAAA",
        b"v=1; a=rsa-sha256; d=; s=; h=from; bh=AAAA; b=AAAA",
        b"v=1; a=rsa-sha256; d=a.example; s=x; h=from; bh=AAAA; b=AAAA; l=" + b"9" * 80,
        b"v=1; a=rsa-sha256; d=a.example; s=x; h=from; bh=AAAA; b=AAAA; l=-1",
        b"v=1; a=rsa-sha256; d=a.example; s=x; h=from; bh=AAAA; b=AAAA; c=a/b/c",
        b"v=1; a=rsa-sha256; d=a.example; s=x; h=from; bh=AAAA; b=AAAA; i=x",
        b"v=1; a=rsa-sha256; d=a.example; s=x; h=from; bh=AAAA; b=AAAA; t=" + b"9" * 5000,
        b"v=1; a=rsa-sha256; d=\xff\xfe; s=x; h=from; bh=AAAA; b=AAAA",
        b"v=1; a=rsa-sha256; d=a\x00.example; s=x; h=from; bh=AAAA; b=AAAA",
        b"v=1; a=ed25519-sha256; d=shop.example; s=s1; h=from; bh=AAAA; b=AAAA",
        b"v=1; a=rsa-sha256; d=a.example; s=x; h=" + b"a:" * 3000 + b"from; bh=AAAA; b=AAAA",
        b"v=1; a=rsa-sha256; d=a.example; s=x; h=from; bh=AAAA; b=" + b"A" * 10_000,
        b"v=1; a=rsa-sha256; d=a.example; s=x; h=from; bh=AAAA; b=A" + b" " * 7000 + b"!",
    ],
)
def test_no_signature_is_too_strange(value: bytes) -> None:
    mail = b"DKIM-Signature: " + value + b"\r\n" + MAIL
    finding = found(mail)
    assert finding.result in ("permerror", "fail")
    assert all("\x00" not in text for text in (finding.reason, finding.domain or ""))


@pytest.mark.parametrize(
    "mail",
    [b"", b"\r\n", b"no header\r\n\r\n", b" fold\r\nFrom: a@b.example\r\n\r\n", b"\x00" * 100],
)
def test_a_damaged_header_is_none_that_could_be_checked(mail: bytes) -> None:
    assert result(mail) in ("permerror", "none")


def test_line_ends_of_other_systems_are_read_as_signers_do() -> None:
    assert result(signed().replace(b"\r\n", b"\n")) == "pass"


@pytest.mark.parametrize(("header", "expected"), [(b"relaxed", "pass"), (b"simple", "fail")])
def test_space_before_a_colon_matters_where_every_octet_does(header: bytes, expected: str) -> None:
    mail = signed(canonicalize=(header, b"simple"))
    assert result(mail.replace(b"\r\nSubject:", b"\r\nSubject :")) == expected
