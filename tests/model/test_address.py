"""Which addresses are ours, and which mailbox each of them means."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tempmail.model.address import RESERVED, Domains, Recipient, domain_name, local_part
from tempmail.model.errors import InvalidInput

OURS = Domains(["example.test", "Bücher.example"])


@pytest.mark.parametrize(
    ("given", "address", "tag"),
    [
        ("box@example.test", "box@example.test", ""),
        ("Box@EXAMPLE.Test", "box@example.test", ""),
        ("box+Shop@example.test", "box@example.test", "Shop"),
        ("box+a+b@example.test", "box@example.test", "a+b"),
        ("box+@example.test", "box@example.test", ""),
        ("+tag@example.test", "+tag@example.test", ""),
        ("box@example.test.", "box@example.test", ""),
        ("box@bücher.example", "box@xn--bcher-kva.example", ""),
        ("box@XN--BCHER-KVA.example", "box@xn--bcher-kva.example", ""),
        ("a@b@example.test", "a@b@example.test", ""),
        ("@example.test", "@example.test", ""),
    ],
)
def test_a_path_means_a_mailbox(given: str, address: str, tag: str) -> None:
    assert OURS.recipient(given) == Recipient(address, tag, given)


@pytest.mark.parametrize(
    "given",
    ["box@other.test", "box@sub.example.test", "box", "", "box@", "box@example.test@x", "b@\0"],
)
def test_other_domains_are_not_ours(given: str) -> None:
    assert OURS.recipient(given) is None


@given(st.text(max_size=80))
def test_whatever_it_is_given_it_answers(text: str) -> None:
    OURS.recipient(text)
    OURS.recipient(f"{text}@example.test")
    OURS.recipient(f"box@{text}")


@pytest.mark.alone
def test_a_domain_of_a_megabyte_is_refused_at_once() -> None:
    began = time.perf_counter()
    for text in ("ü" * 1_000_000, "a." * 500_000, "\u0345" * 1_000_000):
        with pytest.raises(InvalidInput) as refusal:
            domain_name(text)
        assert len(refusal.value.detail) < 200
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize(
    "text", ["", ".", "a..b", "-a.test", "a-.test", "a b", "a/b", "x" * 64 + ".test", "a\n.test"]
)
def test_what_is_no_host_name_is_no_domain(text: str) -> None:
    with pytest.raises(InvalidInput):
        domain_name(text)


def test_the_first_domain_is_the_default_and_none_counts_twice() -> None:
    domains = Domains(["B.test", "a.test", "b.test."])
    assert (domains.default, domains.names) == ("b.test", ("b.test", "a.test"))


def test_there_is_at_least_one_domain() -> None:
    with pytest.raises(InvalidInput):
        Domains([])


@pytest.mark.parametrize("text", ["a", "A1", "a.b", "a-b_c", " box ", "x" * 64])
def test_a_local_part_that_can_be_asked_for(text: str) -> None:
    assert local_part(text) == text.strip().lower()


@pytest.mark.parametrize(
    "text", ["", ".a", "a.", "-a", "a_", "a..b", "a b", "a+b", "a@b", "x" * 65, "ä", "a\0", "a\nb"]
)
def test_a_local_part_that_cannot(text: str) -> None:
    with pytest.raises(InvalidInput, match="letters, digits"):
        local_part(text)


def test_a_mailbox_that_was_asked_for_is_found_by_what_is_sent_to_it() -> None:
    for name in ("Box", "a.b-c_d"):
        found = OURS.recipient(f"{name.upper()}@example.test")
        assert found is not None
        assert found.address == f"{local_part(name)}@example.test"


def test_names_that_prove_a_domain_are_reserved() -> None:
    assert {"postmaster", "abuse", "admin", "administrator", "hostmaster", "webmaster"} <= RESERVED
