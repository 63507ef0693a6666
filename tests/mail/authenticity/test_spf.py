from __future__ import annotations

from typing import Any

import pytest

from tempmail.mail.authenticity.answers import Answer
from tempmail.mail.authenticity.spf import MOST_QUESTIONS, check_spf
from tempmail.model.authentication import Finding
from tests.mail.authenticity.zone import Zone

PEER = "192.0.2.10"
LATE = Answer(failure="it took too long")


def records(**spf: str) -> dict[Any, Any]:
    """TXT records of names under example.com; ``top`` is that name itself."""
    return {
        ("example.com" if name == "top" else f"{name}.example.com", "TXT"): [text]
        for name, text in spf.items()
    }


def found(
    zone: Any, peer: str = PEER, sender: str = "ann@example.com", helo: str = "mx.example.com"
) -> Finding:
    return Zone(zone).found(lambda known: check_spf(peer, helo, sender, known))


def result(record: str, more: Any = None, **how: str) -> str:
    return found(records(top=record) | (more or {}), **how).result


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", "pass"),
        ("v=spf1 ip4:198.51.100.0/24 -all", "fail"),
        ("v=spf1 ~all", "softfail"),
        ("v=spf1 ?all", "neutral"),
        ("v=spf1", "neutral"),
        ("v=spf1 +all", "pass"),
        ("v=spf10 -all", "none"),
        ("v=spf1 ip4:192.0.2.0/99 -all", "permerror"),
        ("v=spf1 moo -all", "permerror"),
        ("v=spf1 ip4:192.0.2.10 moo", "permerror"),
        ("v=spf1 %{ -all", "permerror"),
        ("v=spf1 exists:%{}.example.com -all", "permerror"),
        ("v=spf1 exists:%{y}.example.com -all", "permerror"),
        ("v=spf1 a:" + "x" * 300 + ".example.com -all", "fail"),
        ("v=spf1 redirect=a.example redirect=b.example", "permerror"),
        ("v=spf1 \xe4 -all", "permerror"),
    ],
)
def test_records(record: str, expected: str) -> None:
    assert result(record) == expected


def test_a_domain_without_a_record_says_nothing() -> None:
    assert found({}).result == "none"
    assert found({("example.com", "TXT"): ["other", "v=DKIM1"]}).result == "none"


def test_two_records_are_an_error() -> None:
    assert found({("example.com", "TXT"): ["v=spf1 +all", "v=spf1 -all"]}).result == "permerror"


def test_the_reason_says_who_lets_whom_and_by_what() -> None:
    finding = found(records(top="v=spf1 ip4:192.0.2.0/24 -all"))
    assert finding.reason == "example.com lets 192.0.2.10 send for it (ip4:192.0.2.0/24)"
    assert finding.domain == "example.com"


def test_included_records_count_where_they_pass() -> None:
    more = records(a="v=spf1 ip4:192.0.2.0/24 -all", b="v=spf1 -all")
    assert result("v=spf1 include:b.example.com include:a.example.com -all", more) == "pass"
    assert result("v=spf1 include:b.example.com ~all", more) == "softfail"
    assert result("v=spf1 include:none.example.com ~all", more) == "permerror"


def test_a_redirect_leads_to_the_record_that_counts() -> None:
    more = records(a="v=spf1 ip4:192.0.2.0/24 -all")
    assert result("v=spf1 redirect=a.example.com", more) == "pass"
    assert result("v=spf1 redirect=none.example.com", more) == "permerror"


def test_addresses_mail_hosts_and_names_of_the_client() -> None:
    more: Any = {
        ("example.com", "A"): ["192.0.2.9"],
        ("example.com", "MX"): ["mx1.example.com", "mx2.example.com"],
        ("mx1.example.com", "A"): ["192.0.2.1"],
        ("mx2.example.com", "A"): ["192.0.2.2", PEER],
        ("10.2.0.192.in-addr.arpa", "PTR"): ["liar.example.org", "out.example.com"],
        ("out.example.com", "A"): [PEER],
    }
    assert result("v=spf1 a -all", more) == "fail"
    assert result("v=spf1 a/28 -all", more) == "pass"
    assert result("v=spf1 mx -all", more) == "pass"
    assert result("v=spf1 ptr -all", more) == "pass"
    assert result("v=spf1 ptr:example.org -all", more) == "fail"


def test_ipv6_clients_are_matched_with_ipv6() -> None:
    more: Any = {("mx.example.com", "AAAA"): ["2001:db8::1"]}
    here = {"peer": "2001:db8::1"}
    assert result("v=spf1 ip6:2001:db8::/32 -all", **here) == "pass"
    assert result("v=spf1 a:mx.example.com -all", more, **here) == "pass"
    assert result("v=spf1 ip4:0.0.0.0/0 -all", **here) == "fail"
    assert result("v=spf1 ip4:192.0.2.0/24 -all", peer="::ffff:192.0.2.10") == "pass"


def test_macros_make_names_of_the_sender_and_the_client() -> None:
    more: Any = {("10.2.0.192.ann.example.com._spf.example.com", "A"): ["127.0.0.2"]}
    record = "v=spf1 exists:%{ir}.%{l}.%{o}._spf.%{d} -all"
    assert result(record, more) == "pass"
    assert result(record, more, sender="eve@example.com") == "fail"


def test_without_a_sender_the_name_that_the_client_gave_counts() -> None:
    zone: Any = {("mx.example.com", "TXT"): ["v=spf1 ip4:192.0.2.10 -all"]}
    finding = found(zone, sender="")
    assert (finding.result, finding.domain) == ("pass", "mx.example.com")
    assert found(zone, sender="", helo="[192.0.2.10]").result == "none"


@pytest.mark.parametrize(
    "sender",
    [
        *("x", "x@", "@", "x@localhost", "x@a.invalid", "x@a..b", "\x00@\x00.a"),
        "x@" + "a" * 64 + ".example",
        "x@" + "a." * 200 + "b",
    ],
)
def test_senders_that_dns_cannot_know_are_not_asked_for(sender: str) -> None:
    zone = Zone({})
    assert zone.found(lambda known: check_spf(PEER, "h", sender, known)).result == "none"
    assert zone.asked == []


def test_a_local_part_may_hold_anything() -> None:
    zone = records(top="v=spf1 ip4:192.0.2.10 exists:%{l}.%{d} -all")
    for local_part in ['"a@evil.example"', "%{d}", "ä", "a b", ".." * 500]:
        finding = found(zone, sender=f"{local_part}@example.com")
        assert (finding.result, finding.domain) == ("pass", "example.com")


def test_international_domains_are_asked_for_in_ascii() -> None:
    zone: Any = {("xn--bcher-kva.example", "TXT"): ["v=spf1 ip4:192.0.2.10 -all"]}
    assert found(zone, sender="a@Bücher.example").result == "pass"


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.2.3", "192.168.0.1", "::1", "fd00::1"])
def test_no_domain_is_asked_about_clients_of_this_machines_network(peer: str) -> None:
    zone = Zone(records(top="v=spf1 -all"))
    finding = zone.found(lambda known: check_spf(peer, "h", "ann@example.com", known))
    assert finding.result == "none"
    assert "this machine's network" in finding.reason
    assert zone.asked == []


def test_a_client_without_an_address_is_nobodys() -> None:
    assert found(records(top="v=spf1 +all"), peer="/run/socket").result == "none"


def test_silence_of_dns_may_pass() -> None:
    assert found({("example.com", "TXT"): LATE}).result == "temperror"
    more: Any = {("mx1.example.com", "A"): LATE, ("example.com", "MX"): ["mx1.example.com"]}
    assert result("v=spf1 mx -all", more) == "temperror"
    assert result("v=spf1 ip4:192.0.2.10 mx -all", more) == "pass"
    ptr: Any = {("10.2.0.192.in-addr.arpa", "PTR"): LATE}
    assert result("v=spf1 ptr -all", ptr) == "fail"


def test_ten_lookups_are_allowed() -> None:
    def record(count: int) -> str:
        return "v=spf1 " + " ".join(f"a:a{n}.example.com" for n in range(count)) + " -all"

    more: Any = {(f"a{n}.example.com", "A"): ["192.0.2.1"] for n in range(20)}
    assert result(record(10), more) == "fail"
    finding = found(records(top=record(11)) | more)
    assert (finding.result, "Too many" in finding.reason) == ("permerror", True)


def test_two_lookups_may_find_nothing() -> None:
    assert result("v=spf1 a:x.example.com a:y.example.com -all") == "fail"
    assert result("v=spf1 a:x.example.com a:y.example.com a:z.example.com -all") == "permerror"


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 include:example.com -all",
        "v=spf1 redirect=example.com",
        "v=spf1 include:a.example.com",
        "v=spf1 " + "include:a.example.com " * 500,
    ],
)
def test_loops_end(record: str) -> None:
    more = records(a="v=spf1 include:b.example.com", b="v=spf1 redirect=a.example.com")
    assert result(record, more) == "permerror"


def test_one_message_does_not_make_us_ask_for_long() -> None:
    """Ten MX of ten hosts each would be a hundred questions, all to somebody's server."""
    hosts: Any = {
        (f"m{m}.example.com", "MX"): [f"h{m}-{n}.victim.example" for n in range(10)]
        for m in range(10)
    }
    hosts |= {(f"h{m}-{n}.victim.example", "A"): ["192.0.2.1"]
              for m in range(10) for n in range(10)}  # fmt: skip
    zone = Zone(
        records(top="v=spf1 " + " ".join(f"mx:m{m}.example.com" for m in range(10)) + " -all")
        | hosts
    )
    finding = zone.found(lambda known: check_spf(PEER, "h", "a@example.com", known))
    assert (finding.result, len(zone.asked) <= MOST_QUESTIONS) == ("permerror", True)


def test_more_than_ten_mail_hosts_are_an_error() -> None:
    more: Any = {("example.com", "MX"): [f"h{n}.example.com" for n in range(11)]}
    assert result("v=spf1 mx -all", more) == "permerror"


def test_what_a_record_holds_stays_harmless_in_the_reason() -> None:
    finding = found(records(top="v=spf1 \x00\x07evil:" + "x" * 5000 + " -all"))
    assert finding.result == "permerror"
    assert finding.reason.isprintable()
    assert len(finding.reason) < 500
