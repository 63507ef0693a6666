"""What an idle WebSocket costs: ``python -m tests.live.idle_memory [connections]``.

A server process with the daemon's HTTP site and doubles of storage, raw sockets in this one;
each connection follows the same mailbox.  Prints the growth of the server's resident memory and
the CPU time of a handshake, of an idle second and of a frame to everybody.
"""

from __future__ import annotations

import gc
import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast
from urllib.request import urlopen

from tests.live.doubles import ADDRESS, TOKEN, Service

_FILES = 20_000
_WARM = 200
_HANDSHAKE = (
    f"GET /ws/inbox/{ADDRESS}?token={TOKEN} HTTP/1.1\r\n"
    "Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: */*\r\nAccept-Encoding: gzip, deflate, br\r\nCache-Control: no-cache\r\n\r\n"
).encode()


def serve() -> None:
    """The server: prints its port, then serves until it is ended."""
    from twisted.internet import reactor as installed
    from twisted.web.resource import Resource
    from twisted.web.server import Request

    from tempmail.http.site import Site

    reactor = cast(Any, installed)
    service = Service(reactor, most=_FILES, expires_at=time.time() + 3600)

    class Figures(Resource):
        isLeaf = True  # noqa: N815  # Twisted's name

        def render_GET(self, request: Request) -> bytes:
            if request.path.endswith(b"/arrive"):
                service.arrive()
            gc.collect()
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            cpu = sum(os.times()[:2])
            return f"{pages * resource.getpagesize()} {cpu} {service.open():.0f}".encode()

    root = cast(Resource, service.site.resource)
    root.putChild(b"figures", Figures())
    site = Site(root, reactor, service.metrics)
    port = reactor.listenTCP(0, site, backlog=4096, interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    reactor.run()


def _connect(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(_HANDSHAKE)
    return client


def measure(count: int) -> None:
    """Open ``count`` connections to a server of our own and print what they cost it."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, _FILES))
    server = subprocess.Popen(
        [sys.executable, "-m", __spec__.name, "serve"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    clients: list[socket.socket] = []
    try:
        port = int(server.stdout.readline())

        def figures(path: str = "") -> tuple[int, float, int]:
            with urlopen(f"http://127.0.0.1:{port}/figures{path}") as answer:
                memory, cpu, open_now = answer.read().split()
            return int(memory), float(cpu), int(open_now)

        for _ in range(_WARM):
            client = _connect(port)
            assert b" 101 " in client.recv(4096)
            client.close()
        before, cpu, _ = figures()
        while len(clients) < count:
            batch = [_connect(port) for _ in range(50)]
            assert all(b" 101 " in client.recv(4096) for client in batch)
            clients += batch
        after, connected_cpu, open_now = figures()
        assert open_now == len(clients), open_now
        time.sleep(10)
        _, idle_cpu, _ = figures()
        figures("/arrive")
        for client in clients:
            while b"new_message" not in client.recv(65536):
                pass  # pings
        _, told_cpu, _ = figures()
        print(
            f"{open_now} idle WebSockets: {(after - before) / open_now / 1000:.1f} kB each; "
            f"{(connected_cpu - cpu) / open_now * 1e6:.0f} us CPU a handshake; "
            f"{(idle_cpu - connected_cpu) * 100:.0f} ms CPU a second with pings; "
            f"{(told_cpu - idle_cpu) / open_now * 1e6:.0f} us CPU a frame to each"
        )
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        measure(int(sys.argv[1]) if sys.argv[1:] else 5000)
