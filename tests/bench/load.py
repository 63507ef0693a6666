#!/usr/bin/env python3
"""An SMTP load generator in one thread: epoll, and bytes made beforehand.

It sends ordinary mails (mails.py) to 127.0.0.1, counts what was answered, and takes the time
from the last byte of a mail to the reply for it, as close to the socket as Python gets.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.mails import Mail, mails
from tests.bench.processes import BenchError, reported
from tests.bench.sessions import HOLD, SHAPES, Session, fresh


class LoadError(BenchError):
    """The load could not be applied: nobody listens, nobody answers, or time is up."""


@dataclass
class Outcome:
    """What a load met with.

    :ivar replies: to complete mails, by reply code.
    :ivar failures: anything else that ended a session, in words, with how often.
    :ivar sent: mails that were begun.
    :ivar seconds: from the first command to the last reply.
    :ivar latencies: seconds from the end of DATA to 250, ascending once finished.
    """

    replies: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """Mails answered 250."""
        return self.replies["250"]

    def percentile(self, share: float) -> float:
        """Return the latency in seconds that ``share`` (0 to 1) of the mails did not exceed."""
        if not self.latencies:
            return float("nan")
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]

    def summary(self) -> dict[str, object]:
        """Return the figures for people and for JSON; times in milliseconds."""
        return {
            "sent": self.sent,
            "accepted": self.accepted,
            "refused": {code: n for code, n in self.replies.items() if code != "250"},
            "failures": dict(self.failures),
            "seconds": round(self.seconds, 3),
            "mails_per_second": round(self.accepted / self.seconds, 1),
            "p50_ms": round(self.percentile(0.5) * 1000, 3),
            "p99_ms": round(self.percentile(0.99) * 1000, 3),
        }


class _Connection:
    """One socket with its session."""

    __slots__ = ("answered", "input", "output", "replies", "sent_at", "session", "socket", "step")

    def __init__(self, sock: socket.socket, session: Session) -> None:
        self.socket = sock
        self.session = session
        self.step = next(session)
        self.answered = 0
        self.input = b""
        self.output: memoryview | None = None
        self.replies = b""
        self.sent_at = 0.0


class _SessionEnded(Exception):
    """The session is over; the text says why, or is empty when all went well."""


class Load:
    """Applies ``count`` mails from ``bag`` over ``width`` concurrent sessions.

    :ivar ready: called once, when every session is connected and before the first mail.
    """

    def __init__(
        self,
        port: int,
        shape: str,
        bag: Iterator[Mail],
        *,
        width: int,
        timeout: float = 120,
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._address = ("127.0.0.1", port)
        self._shape = SHAPES[shape]
        self._width = width
        self._timeout = timeout
        self._ready = ready
        self._epoll = select.epoll()
        self._open: dict[int, _Connection] = {}
        self._held: deque[_Connection] = deque()
        self._released = False
        self._started = 0.0
        self._empty = False
        self._bag = self._counted(bag)
        self.outcome = Outcome()

    def _counted(self, bag: Iterator[Mail]) -> Iterator[Mail]:
        for mail in bag:
            self.outcome.sent += 1
            yield mail
        self._empty = True

    def run(self) -> Outcome:
        """Send everything and return what became of it; raise LoadError when that cannot be."""
        try:
            return self._run()
        finally:
            for connection in self._open.values():
                connection.socket.close()
            self._epoll.close()

    def _run(self) -> Outcome:
        deadline = time.monotonic() + self._timeout
        if self._shape is fresh:
            self._release()
        for _ in range(self._width):
            self._connect()
        while self._open:
            for descriptor, event in self._epoll.poll(1.0):
                self._serve(self._open[descriptor], event)
            if time.monotonic() > deadline:
                raise LoadError(f"not done in {self._timeout:.0f} s: {self._state()}")
            if self._held and len(self._held) == len(self._open):
                self._release()
        self.outcome.seconds = time.perf_counter() - self._started
        self.outcome.latencies.sort()
        return self.outcome

    def _release(self) -> None:
        self._ready()
        self._released = True
        self._started = time.perf_counter()
        while self._held:
            self._guarded(self._held.popleft(), self._advance)

    def _state(self) -> str:
        return f"{self.outcome.replies} replies, {self.outcome.failures}, {len(self._open)} open"

    def _connect(self) -> None:
        sock = socket.socket()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        sock.connect_ex(self._address)  # a refusal shows in the first read
        self._open[sock.fileno()] = _Connection(sock, self._shape(self._bag))
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def _serve(self, connection: _Connection, event: int) -> None:
        if event & select.EPOLLOUT:
            self._guarded(connection, self._flush)
        else:
            self._guarded(connection, self._read)

    def _guarded(self, connection: _Connection, act: Callable[[_Connection], None]) -> None:
        """Do ``act``, and when the session ends by it put another one in its place."""
        try:
            act(connection)
        except (_SessionEnded, OSError) as reason:
            if str(reason):
                self.outcome.failures[str(reason)] += 1
                if sum(self.outcome.failures.values()) > 10 * self._width:
                    raise LoadError(f"too many failures: {self._state()}") from reason
            descriptor = connection.socket.fileno()
            self._epoll.unregister(descriptor)
            connection.socket.close()
            del self._open[descriptor]
            if not self._empty:
                self._connect()

    def _read(self, connection: _Connection) -> None:
        data = connection.socket.recv(65536)
        now = time.perf_counter()
        if not data:
            raise _SessionEnded("closed by the server")
        *lines, connection.input = (connection.input + data).split(b"\n")
        for line in lines:
            connection.replies += line
            if line[3:4] != b"-":
                self._reply(connection, line[:3], now)
        if not lines or connection.answered < len(connection.step.expected):
            return
        self._advance(connection)

    def _reply(self, connection: _Connection, code: bytes, now: float) -> None:
        step, index = connection.step, connection.answered
        if index >= len(step.expected):
            raise _SessionEnded(f"{code.decode('latin-1')} out of turn")
        if step.delivers and index == 0:
            self.outcome.replies[code.decode("latin-1")] += 1
            if code == b"250":
                self.outcome.latencies.append(now - connection.sent_at)
        elif code != step.expected[index]:
            wanted = step.expected[index].decode()
            raise _SessionEnded(f"{code.decode('latin-1')} where {wanted} was expected")
        connection.answered = index + 1

    def _advance(self, connection: _Connection) -> None:
        try:
            step = connection.session.send(connection.replies)
        except StopIteration:
            raise _SessionEnded from None
        connection.step = step
        connection.answered = 0
        connection.replies = b""
        if step is HOLD:
            if self._released:
                self._advance(connection)
            else:
                self._held.append(connection)
            return
        written = connection.socket.sendmsg(step.payload)
        connection.sent_at = time.perf_counter()
        if written < sum(map(len, step.payload)):
            connection.output = memoryview(b"".join(step.payload))[written:]
            self._epoll.modify(connection.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def _flush(self, connection: _Connection) -> None:
        assert connection.output is not None
        written = connection.socket.send(connection.output)
        connection.sent_at = time.perf_counter()
        connection.output = connection.output[written:]
        if not connection.output:
            connection.output = None
            self._epoll.modify(connection.socket.fileno(), select.EPOLLIN)


def main() -> None:
    """Read the command line, send, and print the outcome as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0],
        epilog="Example: load.py 2525 --shape pipelined --width 200 --mails 20000",
    )
    parser.add_argument("port", type=int, help="where the server listens, on 127.0.0.1")
    parser.add_argument(
        "--shape",
        choices=SHAPES,
        default="kept",
        help="kept: connections stay, one command at a time; fresh: one mail a connection; "
        "pipelined: connections stay, RFC 2920 where announced (default kept)",
    )
    parser.add_argument("--width", type=int, default=20, help="sessions at once (default 20)")
    parser.add_argument("--mails", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument("--size", type=int, default=2048, help="bytes a mail (default 2048)")
    parser.add_argument(
        "--mailboxes", type=int, default=1000, help="to box0@bench.test and on (default 1000)"
    )
    parser.add_argument("--timeout", type=float, default=120, help="seconds (default 120)")
    options = parser.parse_args()
    bag = mails(options.size, options.mails, options.mailboxes)
    load = Load(options.port, options.shape, bag, width=options.width, timeout=options.timeout)
    with reported("load"):
        outcome = load.run()
    print(json.dumps(outcome.summary(), indent=1))
    raise SystemExit(outcome.accepted != options.mails)


if __name__ == "__main__":
    main()
