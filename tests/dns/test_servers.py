from __future__ import annotations

from pathlib import Path

import pytest

from tempmail.dns.exchange import Server
from tempmail.dns.servers import server, servers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", Server("192.0.2.1", 53)),
        ("192.0.2.1:5353", Server("192.0.2.1", 5353)),
        ("2001:db8::1", Server("2001:db8::1", 53)),
        ("[2001:db8::1]", Server("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", Server("2001:db8::1", 5353)),
    ],
)
def test_addresses(text: str, expected: Server) -> None:
    assert server(text) == expected


@pytest.mark.parametrize("text", ["", "dns.example", "192.0.2.1:0", "192.0.2.1:x", "[::1]:70000"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        server(text)


def test_the_systems_resolvers_are_the_first_three_of_its_file(tmp_path: Path) -> None:
    conf = tmp_path / "resolv.conf"
    conf.write_text(
        "# comment\nsearch example\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\nnameserver\n"
        "nameserver 2001:db8::1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n"
    )
    found = [one.host for one in servers(("system",), conf)]
    assert found == ["192.0.2.1", "2001:db8::1", "192.0.2.2"]
    assert servers(("system",), tmp_path / "none") == []


def test_off_is_none_and_chosen_ones_are_taken() -> None:
    assert servers(("off",)) == []
    assert servers(("192.0.2.1", "192.0.2.2:54")) == [Server("192.0.2.1"), Server("192.0.2.2", 54)]
