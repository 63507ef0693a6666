"""The running daemon under clients of every kind: it neither fails, ends nor grows."""

from __future__ import annotations

import itertools
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.daemon import PATIENCE, Daemon, daemon
from tests.smtp.edge import codes

LINES = [
    *(b"EHLO client.test", b"HELO client.test", b"EHLO", b"RSET", b"QUIT", b"STARTTLS"),
    *(b"MAIL FROM:<a@sender.test>", b"MAIL FROM:<>", b"MAIL FROM:<a@sender.test> SIZE=99999999"),
    *(b"RCPT TO:<box@tempmail.localhost>", b"RCPT TO:<Box+tag@TEMPMAIL.localhost>"),
    *(b"RCPT TO:<box@elsewhere.test>", b"RCPT TO:<>", b"NOOP x", b"HELP", b"VRFY box", b"EXPN box"),
    *(b"XYZZY", b"", b"\xff\xfe", b"NO\0OP", b"NOOP\nNOOP", b"x" * 3000, b"GET / HTTP/1.1"),
]
ENVELOPE = b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<box@tempmail.localhost>\r\n"
CONTENT = st.binary(max_size=200) | st.sampled_from(
    [b"\n.\n", b"\r.\r", b".\r\n..\r\n", b"x" * 100_000, b"\r\nQUIT\r\n"]
)
ROUNDS = 3
GROWTH = 1 << 20
"""Octets that an allocator may win in as many rounds."""

_addresses = (f"127.{n >> 8 & 255}.{n & 255}.9" for n in itertools.count(1))


class Client(RuleBasedStateMachine):
    """One client at a time, each from an address of its own so that limits leave it alone.

    :cvar kept: mails that were answered 250, of all clients.
    """

    port: int
    kept = 0

    @initialize()
    def connect(self) -> None:
        self.socket = socket.create_connection(
            ("127.0.0.1", self.port), PATIENCE, source_address=(next(_addresses), 0)
        )
        self.heard = self.socket.recv(4096)
        assert codes(self.heard) == ["220"], self.heard
        self.gone = False

    @rule(line=st.sampled_from(LINES))
    def say(self, line: bytes) -> None:
        self.send(line + b"\r\n")

    @rule(octets=st.binary(min_size=1, max_size=50))
    def babble(self, octets: bytes) -> None:
        self.send(octets)

    @rule(content=CONTENT, envelope=st.booleans())
    def hand_over(self, content: bytes, envelope: bool) -> None:
        stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
        self.send(ENVELOPE * envelope + b"DATA\r\n" + stuffed + b"\r\n.\r\n")

    @rule(content=CONTENT, envelope=st.booleans(), more=st.sampled_from([0, 0, -3, 3]))
    def hand_over_in_chunks(self, content: bytes, envelope: bool, more: int) -> None:
        first, second = content[: len(content) // 2], content[len(content) // 2 :]
        said = max(0, len(second) + more)  # not always the truth
        chunks = b"BDAT %d\r\n%sBDAT %d LAST\r\n%s" % (len(first), first, said, second)
        self.send(ENVELOPE * envelope + chunks)

    @rule()
    def vanish(self) -> None:
        self.socket.close()
        self.gone = True

    @invariant()
    def hear(self) -> None:
        """What has been said until now; the rest comes later, or never."""
        if self.gone:
            return
        self.socket.settimeout(0.002)
        try:
            while piece := self.socket.recv(65536):
                self.heard += piece
            self.vanish()
        except TimeoutError:
            self.socket.settimeout(PATIENCE)
        except OSError:
            self.vanish()
        *lines, self.heard = self.heard.split(b"\r\n")
        for line in lines:
            assert line[:1] in b"245" or line.startswith(b"354 "), line
            assert line[3:4] in b" -", line
            Client.kept += line.endswith(b"taken")

    def send(self, octets: bytes) -> None:
        """To the connection there is, or to a new one."""
        if self.gone:
            self.connect()
        try:
            self.socket.sendall(octets)
        except OSError:
            self.vanish()

    def teardown(self) -> None:
        self.socket.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    metrics = ("--metrics", "tcp:0:interface=127.0.0.1")
    with daemon(tmp_path_factory.mktemp("fuzz"), *metrics) as it:
        yield it


def test_a_daemon_survives_every_client(running: Daemon, request: pytest.FixtureRequest) -> None:
    exhaustive = request.config.getoption("exhaustive", False)
    seeded = settings(
        max_examples=500 if exhaustive else 10,
        stateful_step_count=40,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    Client.port = running.smtp
    Client.kept = 0
    address, token = running.create()
    memory: list[int] = []
    for _ in range(2 * ROUNDS):
        run_state_machine_as_test(Client, settings=seeded)
        running.send(address)
        memory.append(_resident(running.process.pid))
    assert Client.kept >= 50
    assert running.process.poll() is None
    assert "Traceback" not in "".join(running.output)
    assert max(memory[ROUNDS:]) - memory[ROUNDS - 1] < GROWTH, memory
    figures = _figures(running)
    assert figures["tempmail_smtp_connections"] == 0
    assert figures["tempmail_bytes_in_flight"] == 0
    status, mailbox = running.request("GET", f"/api/v1/mailboxes/{address}", token)
    assert (status, mailbox["message_count"]) == (200, 2 * ROUNDS)


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def _figures(running: Daemon) -> dict[str, float]:
    """The metrics without labels."""
    place = next(line.split()[1] for line in running.output if line.startswith("  metrics"))
    with urllib.request.urlopen(place, timeout=PATIENCE) as response:
        lines = response.read().decode().splitlines()
    pairs = (line.split() for line in lines if not line.startswith("#") and "{" not in line)
    return {name: float(value) for name, value in pairs}
