"""CPU that the SMTP edge alone takes for a mail: ``python tests/smtp/edge_cost.py [seconds]``.

The daemon's side runs in a process of its own with a door that answers at once, so that
nothing but the edge and the reactor is measured.  The figures are microseconds of that
process's time on a CPU (user and system, /proc/pid/schedstat) for one mail.
"""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 6
ROOT = Path(__file__).resolve().parents[2]
LINE = b"The quick brown fox jumps over the lazy dog, again and again and then again.\r\n"


def serve() -> None:
    """Listen on a free port, say which, and end with standard input."""
    from twisted.internet import reactor, stdio
    from twisted.internet.address import IPv4Address
    from twisted.internet.defer import Deferred, succeed
    from twisted.internet.protocol import Protocol

    from tempmail.core.budget import ByteBudget
    from tempmail.core.metrics import Metrics
    from tempmail.model.address import Domains
    from tempmail.model.message import Envelope, Placement
    from tempmail.smtp.factory import MailFactory, SmtpSettings

    class AtOnce:
        def deliver(self, envelope: Envelope) -> Deferred[list[Placement]]:
            return succeed([])

    class EndOfInput(Protocol):
        def connectionLost(self, reason: object = None) -> None:
            if profile is not None:
                profile.disable()
                profile.dump_stats(os.environ["PROFILE"])
            os._exit(0)

    metrics = Metrics()
    factory = MailFactory(
        AtOnce(),  # type: ignore[arg-type]  # a door is whatever delivers
        Domains(["example.com"]),
        ByteBudget(256 * 1024 * 1024, metrics.bytes_in_flight),
        metrics,
        SmtpSettings("mx.example.com"),
        reactor,
    )
    port = reactor.listenTCP(0, factory, backlog=1024, interface="127.0.0.1")
    address = port.getHost()
    assert isinstance(address, IPv4Address)
    print(address.port, flush=True)
    profile = None
    if "PROFILE" in os.environ:
        import cProfile

        profile = cProfile.Profile()
        profile.enable()
    stdio.StandardIO(EndOfInput())
    reactor.run()


class Client:
    """One connection that sends mails and waits for each reply that it must wait for."""

    def __init__(self, port: int, steps: list[tuple[bytes, int]], *, keep: bool) -> None:
        self.port = port
        self.steps = steps  # what to send, and how many reply lines to wait for
        self.keep = keep
        self.mails = 0
        self.connect()

    def connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        assert self.socket.recv(4096).startswith(b"220 ")
        self.socket.sendall(b"EHLO client.example.org\r\n")
        while b"250 " not in self.socket.recv(4096):
            pass
        self.step = -1
        self.awaited = 0
        self.advance()

    def advance(self) -> None:
        self.step = (self.step + 1) % len(self.steps)
        text, self.awaited = self.steps[self.step]
        self.socket.sendall(text)

    def readable(self, selector: selectors.BaseSelector) -> None:
        data = self.socket.recv(4096)
        assert data[:1] in (b"2", b"3"), data
        self.awaited -= data.count(b"\n")
        if self.awaited > 0:
            return
        if self.step == len(self.steps) - 1:
            self.mails += 1
            if not self.keep:
                selector.unregister(self.socket)
                self.socket.sendall(b"QUIT\r\n")
                while self.socket.recv(4096):
                    pass
                self.socket.close()
                self.connect()
                selector.register(self.socket, selectors.EVENT_READ, self)
                return
        self.advance()


def run(
    port: int, pid: int, clients: int, steps: list[tuple[bytes, int]], keep: bool, seconds: float
) -> tuple[float, float]:
    """Microseconds of CPU a mail and mails a second, of the least disturbed round."""
    selector = selectors.DefaultSelector()
    everyone = [Client(port, steps, keep=keep) for _ in range(clients)]
    for client in everyone:
        selector.register(client.socket, selectors.EVENT_READ, client)

    def spin(until: float) -> None:
        while time.monotonic() < until:
            for key, _ in selector.select(1):
                key.data.readable(selector)

    spin(time.monotonic() + 0.3)
    rounds = []
    for _ in range(ROUNDS):
        mails, cpu, started = sum(c.mails for c in everyone), on_cpu(pid), time.monotonic()
        spin(started + seconds / ROUNDS)
        mails, cpu = sum(c.mails for c in everyone) - mails, on_cpu(pid) - cpu
        rounds.append((cpu / 1000 / mails, mails / (time.monotonic() - started)))
    for client in everyone:
        client.socket.close()
    return min(rounds)


def on_cpu(pid: int) -> int:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def main(seconds: float, only: str) -> None:
    envelope = b"MAIL FROM:<sender@example.org> SIZE=2048\r\n", b"RCPT TO:<box@example.com>\r\n"
    small = b"Subject: test\r\n\r\n" + LINE * 26 + b".\r\n"
    large = b"Subject: test\r\n\r\n" + LINE * 650 + b".\r\n"
    single = [(line, 1) for line in (*envelope, b"DATA\r\n", small)]
    cases = {
        "2 KB, 20 connections kept": (20, single, True),
        "2 KB, one mail a connection": (20, single, False),
        "50 KB, 20 connections kept": (20, [*single[:3], (large, 1)], True),
        "2 KB, 200 connections pipelining": (
            200,
            [(b"".join(envelope) + b"DATA\r\n", 3), (small, 1)],
            True,
        ),
        "2 KB, 200 connections, a mail a write": (
            200,
            [(b"".join(envelope) + b"DATA\r\n" + small, 4)],
            True,
        ),
    }
    for name, (clients, steps, keep) in cases.items():
        if only not in name:
            continue
        server = subprocess.Popen(
            [sys.executable, __file__, "serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(server.stdout.readline())
        cpu, rate = run(port, server.pid, clients, steps, keep, seconds)
        print(f"{name:40} {cpu:7.1f} us CPU a mail  {rate:7.0f} mails/s", flush=True)
        server.stdin.close()
        server.wait(10)


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        main(float((sys.argv[1:] or ["3"])[0]), (sys.argv[2:] or [""])[0])
