"""Clients that stop before HTTP begins: in a TLS handshake, in a PROXY header."""

from __future__ import annotations

import socket
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IReactorTime
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tempmail.http.channel import Limits
from tempmail.http.connections import Connections
from tempmail.http.site import Site
from tempmail.secured import SecuredParser
from tempmail.smtp.tls import self_signed
from tests.http.service import Service, replies

SOON = Limits(head_seconds=0.2, linger_seconds=0.2)
HALF_A_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


class Transports(TestCase):
    timeout = 30

    async def serve(self, endpoint: str) -> None:
        """Listen on a port of the loopback interface, as ``endpoint`` says with ``PORT`` in it."""
        self.service = Service()
        self.gauge = self.service.metrics.http_connections
        self.site = Site(
            self.service.resource,
            cast(IReactorTime, reactor),
            self.service.metrics,
            SOON,
            connections=Connections(gauge=self.gauge),
        )
        description = endpoint.replace("PORT", "0:interface=127.0.0.1")
        if description.startswith("secured:"):
            parts = description.split(":")[1:4]
            listening = SecuredParser().parseStreamServer(
                reactor, *parts, "0", interface="127.0.0.1"
            )
        else:
            listening = serverFromString(reactor, description)
        port: IListeningPort = await listening.listen(self.site)
        self.addCleanup(port.stopListening)
        self.port: int = cast(IPv4Address, port.getHost()).port

    def talk(self, *parts: bytes) -> Deferred[bytes]:
        """All that comes back until the service closes."""

        def talk() -> bytes:
            received = b""
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
                for part in parts:
                    client.sendall(part)
                try:
                    while more := client.recv(65536):
                        received += more
                except ConnectionResetError:
                    pass
            return received

        return deferToThread(talk)

    def open(self) -> float | None:
        return self.service.metrics.registry.get_sample_value("tempmail_http_connections")

    async def test_a_tls_handshake_that_never_comes_or_ends_is_cut(self) -> None:
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        certificate, key = self_signed(Path(folder.name), "h.test")
        await self.serve(f"secured:{certificate}:{key}:tcp:PORT")
        for said in [b"", HALF_A_HELLO, b"\x16"]:
            self.assertNotIn(b"HTTP", await self.talk(said))
        self.assertEqual(self.open(), 0)

    async def test_a_proxy_header_that_never_comes_or_ends_is_cut(self) -> None:
        await self.serve("haproxy:tcp:PORT")
        for said in [b"", b"PROXY TCP4 192.0.2.7 192.0.2.1 56", b"\r\n\r\n\x00\r\nQUIT\n\x21"]:
            await self.talk(said)
        self.assertEqual(self.open(), 0)

    async def test_the_address_in_a_proxy_header_is_the_clients(self) -> None:
        await self.serve("haproxy:tcp:PORT")
        made = b"POST /api/v1/mailboxes HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        received = await self.talk(b"PROXY TCP4 192.0.2.7 192.0.2.1 56324 80\r\n", made)
        self.assertEqual(replies(received, "POST")[0].status, 201)
        [box] = self.service.storage.boxes.values()
        self.assertEqual(box.client, "192.0.2.7")
