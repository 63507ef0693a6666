"""A real Redis as a child process, on a port and in a folder of its own."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 20.0  # seconds


class RedisServer:
    """Can be stopped, frozen and started again on its port.

    :param options: more lines for its command line.
    """

    def __init__(self, folder: Path, *options: str, tls: bool = False) -> None:
        self._folder = folder
        self._options = options
        self._tls = tls
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        port = ("--port", "0", "--tls-port") if self._tls else ("--port",)
        self.process = subprocess.Popen(
            [
                *("redis-server", *port, str(self.port), "--bind", "127.0.0.1", "--save", ""),
                *("--appendonly", "no", "--dir", str(self._folder), *self._options),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.process.poll() is None, "redis-server has ended"
            time.sleep(0.02)
        raise AssertionError("redis-server does not listen")

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def ask(self, *words: str | bytes) -> bytes:
        """Send one command, and return what comes first, undecoded."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as client:
            client.sendall(command(*words))
            return client.recv(65536)

    def connections(self) -> list[str]:
        """Its clients as CLIENT LIST shows them, but for the one that asks."""
        lines = self.ask("CLIENT", "LIST").decode().split("\n")
        return [line for line in lines if line.startswith("id=") and "cmd=client" not in line]


def command(*words: str | bytes) -> bytes:
    """In RESP, as a client sends it."""
    encoded = [word.encode() if isinstance(word, str) else word for word in words]
    parts = b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)
    return b"*%d\r\n%b" % (len(encoded), parts)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def redis_server(folder: Path, *options: str, tls: bool = False) -> Iterator[RedisServer]:
    """Run one until the block ends."""
    server = RedisServer(folder, *options, tls=tls)
    server.start()
    try:
        yield server
    finally:
        server.kill()
