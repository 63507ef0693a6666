"""WebSockets as plain sockets, for crowds of them."""

from __future__ import annotations

import socket

from tests.bench.api import Inbox, inbox_path
from tests.bench.processes import BenchError


def handshake(http: int, number: int, mailboxes: int) -> socket.socket:
    """Open the ``number``-th WebSocket (RFC 6455 section 4.1) and return its socket."""
    address = f"box{number % mailboxes}@bench.test"
    # A different loopback address for each few hundred: clients are many.
    source = f"127.0.{number // 250 % 250}.1"
    sock = socket.create_connection(("127.0.0.1", http), timeout=10, source_address=(source, 0))
    sock.sendall(
        f"GET {inbox_path(Inbox(address, token=address))} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{http}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    answer = sock.recv(4096)
    if not answer.startswith(b"HTTP/1.1 101 "):
        raise BenchError(f"WebSocket {number} was refused: {answer[:200]!r}")
    return sock
