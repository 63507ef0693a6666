"""Ports that the daemon opens for itself hold a burst of senders, however they are described."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock

from tempmail.listening import Listening
from tempmail.model.errors import InvalidInput
from tempmail.smtp.tls import self_signed


def opened(description: str) -> tuple[int, int]:
    """Port and backlog."""
    reactor = MemoryReactorClock()
    Listening(reactor).open("--smtp", description, Factory())
    ((port, _, backlog, _),) = reactor.tcpServers
    return port, backlog


@pytest.mark.parametrize("around", ["", "haproxy:", "secured:{certificate}:{key}:"])
def test_a_port_behind_any_wrapper_has_a_long_backlog(around: str, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path, "localhost")
    around = around.format(certificate=certificate, key=key)
    assert opened(f"{around}tcp:2525") == (2525, 1024)
    assert opened(f"{around}tcp:2525:backlog=7") == (2525, 7)


def test_a_secured_endpoint_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    certificate, key = map(str, self_signed(tmp_path, "localhost"))
    for description in (
        "secured:",
        f"secured:{certificate}",
        f"secured:{certificate}:{key}",
        f"secured:{key}:{certificate}:tcp:443",
    ):
        with pytest.raises(InvalidInput):
            opened(description)
