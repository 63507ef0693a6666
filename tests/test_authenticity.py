"""Where mails come from, through the whole daemon: a signed mail in, its verdicts out."""

from __future__ import annotations

import smtplib
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon import PATIENCE, Daemon, daemon, refused
from tests.dns.nameserver import Nameserver, closed_port, quoted, serving
from tests.mail.authenticity.zone import MAIL, rsa_key, signed


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


ZONE = {
    ("s1._domainkey.shop.example", "TXT"): [quoted(rsa_key(2048)[1])],
    ("_dmarc.shop.example", "TXT"): [quoted("v=DMARC1; p=reject")],
    ("bounces.shop.example", "TXT"): [quoted("v=spf1 include:_spf.shop.example -all")],
    ("_spf.shop.example", "TXT"): [quoted("v=spf1 ip4:192.0.2.0/24 -all")],
}
PROXIED = free_port()


@pytest.fixture(scope="module")
def nameserver() -> Iterator[Nameserver]:
    with serving(ZONE) as it:
        yield it


@pytest.fixture(scope="module")
def running(nameserver: Nameserver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    resolver = f"127.0.0.1:{nameserver.port}"
    proxied = f"haproxy:tcp:{PROXIED}:interface=127.0.0.1"
    folder = tmp_path_factory.mktemp("authenticity")
    with daemon(folder, "--dns", resolver, "--smtp", proxied) as it:
        yield it


def read(it: Daemon, mail: bytes) -> tuple[dict[str, Any], float]:
    """``authentication`` as the first reader sees it, and how long that took."""
    address, token = it.create()
    it.send(address, mail=mail)
    begun = time.monotonic()
    _, message = it.request("GET", f"/api/v1/mailboxes/{address}/messages/latest", token)
    took = time.monotonic() - begun
    return message["authentication"], took


def test_a_signed_mail_is_from_whom_it_says(running: Daemon) -> None:
    found, _ = read(running, signed(key=rsa_key(2048)[0]))
    assert {name: found[name] and found[name]["result"] for name in found} == {
        "spf": "none",
        "dkim": "pass",
        "dmarc": "pass",
        "arc": "none",
        "spam": None,
        "virus": None,
    }
    assert found["dkim"]["domain"] == "shop.example"
    assert found["dkim"]["signatures"] == [
        {
            "domain": "shop.example",
            "selector": "s1",
            "result": "pass",
            "reason": "signed by shop.example and not changed since",
        }
    ]
    assert "this machine's network" in found["spf"]["reason"]
    assert "asks to refuse" in found["dmarc"]["reason"]


def test_a_forged_mail_is_not(running: Daemon) -> None:
    forged = signed(key=rsa_key(2048)[0]).replace(b"Your order", b"Their order")
    found, _ = read(running, forged)
    assert (found["dkim"]["result"], found["dmarc"]["result"]) == ("fail", "fail")


@pytest.mark.parametrize(("peer", "expected"), [("192.0.2.9", "pass"), ("198.51.100.9", "fail")])
def test_the_client_that_a_proxy_tells_of_is_held_against_spf(
    running: Daemon, peer: str, expected: str
) -> None:
    address, token = running.create()
    with smtplib.SMTP() as client:
        client.sock = socket.create_connection(("127.0.0.1", PROXIED), PATIENCE)
        client.sock.sendall(f"PROXY TCP4 {peer} 127.0.0.1 40000 25\r\n".encode())
        assert client.getreply()[0] == 220
        client.sendmail("ann@bounces.shop.example", [address], MAIL)
    path = f"/api/v1/mailboxes/{address}/messages/latest"
    found = running.request("GET", path, token)[1]["authentication"]
    assert (found["spf"]["result"], found["dmarc"]["result"]) == (expected, expected)
    assert found["spf"]["domain"] == "bounces.shop.example"
    assert found["dkim"]["result"] == "none"


def test_the_verdict_is_kept_and_dns_is_asked_once(running: Daemon, nameserver: Nameserver) -> None:
    address, token = running.create()
    running.send(address, mail=signed(key=rsa_key(2048)[0]))
    path = f"/api/v1/mailboxes/{address}/messages/latest"
    first = running.request("GET", path, token)[1]["authentication"]
    del nameserver.zone["s1._domainkey.shop.example", "TXT"]
    asked = len(nameserver.asked)
    assert running.request("GET", path, token)[1]["authentication"] == first
    assert len(nameserver.asked) == asked
    nameserver.zone |= ZONE


def test_without_dns_nothing_is_shown_and_nobody_waits(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with daemon(tmp_path_factory.mktemp("off"), "--dns", "off") as it:
        found, _ = read(it, signed())
    assert set(found.values()) == {None}


@pytest.mark.parametrize(
    ("options", "complaint"),
    [(("--dns", "dns.example"), "--dns"), (("--dns", "off", "--dns", "192.0.2.1"), "stand alone")],
)
def test_a_resolver_is_an_address(options: tuple[str, ...], complaint: str, tmp_path: Path) -> None:
    status, said = refused(tmp_path, *options)
    assert (status, complaint in said) == (2, True)


@pytest.mark.alone
def test_a_resolver_that_is_not_there_keeps_nobody_waiting(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with daemon(tmp_path_factory.mktemp("dead"), "--dns", f"127.0.0.1:{closed_port()}") as it:
        found, took = read(it, signed())
    assert set(found.values()) == {None}
    assert took < 2
