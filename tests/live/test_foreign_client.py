"""The ``websockets`` library over loopback, against the HTTP site of the daemon."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
from typing import Any, cast

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.ssl import CertificateOptions, KeyPair
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import TestCase
from websockets.asyncio import client as asyncio_client
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tempmail.http.gate import Gate
from tempmail.http.origins import Origins
from tempmail.http.site import Site
from tests.live.doubles import ADDRESS, FOREIGN_TOKEN, TOKEN, Service, arrival

reactor = cast(Any, installed)


class ForeignClientTests(TestCase):
    timeout = 20.0

    def setUp(self) -> None:
        self.service = Service(
            cast(IReactorTime, reactor),
            origins=["https://friend.example"],
            expires_at=time.time() + 3600,
        )
        metrics = self.service.metrics
        gate = Gate(metrics, origins=Origins(["https://friend.example"]))
        self.site = Site(self.service.site.resource, reactor, metrics, gate=gate)
        self.port = self.listen(self.site)
        self.clients: list[ClientConnection] = []

    def listen(self, factory: Any) -> int:
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return int(port.getHost().port)

    async def tearDown(self) -> None:  # type: ignore[override]  # trial waits for it
        closing = self.service.factory.close_all(1)
        for client in self.clients:
            await deferToThread(client.close)
        await closing
        await deferLater(reactor, 0.01)

    def connect(self, query: str = f"?token={TOKEN}", **more: Any) -> Deferred[ClientConnection]:
        scheme = "wss" if "ssl" in more else "ws"

        def connected() -> ClientConnection:
            url = f"{scheme}://127.0.0.1:{self.port}/ws/inbox/{ADDRESS}{query}"
            client: ClientConnection = connect(url, **more)
            self.clients.append(client)
            return client

        return deferToThread(connected)

    async def until_open(self) -> None:
        while not self.service.metrics.registry.get_sample_value("tempmail_websockets"):
            await deferLater(reactor, 0.01)

    async def received(self, client: ClientConnection) -> Any:
        return json.loads(await deferToThread(client.recv, 5))

    async def close_code(self, client: ClientConnection) -> int | None:
        def read() -> int | None:
            try:
                while True:
                    client.recv(5)
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd is not None else None

        return await deferToThread(read)

    async def refused_with(self, query: str, **more: Any) -> int:
        try:
            await self.connect(query, **more)
        except InvalidStatus as refused:
            problem = json.loads(refused.response.body)
            self.assertEqual(problem["status"], refused.response.status_code)
            return refused.response.status_code
        return 101

    async def test_denials_come_in_the_handshake(self) -> None:
        self.assertEqual(await self.refused_with(""), 401)
        self.assertEqual(await self.refused_with("?token=guessed"), 401)
        self.assertEqual(await self.refused_with(f"?token={FOREIGN_TOKEN}"), 404)
        self.assertEqual(await self.refused_with(f"?token={TOKEN}&after=x"), 422)
        query = f"?token={TOKEN}"
        self.assertEqual(await self.refused_with(query, origin="https://evil.example"), 403)
        self.assertEqual(await self.refused_with(query, origin="https://friend.example"), 101)
        own = f"http://127.0.0.1:{self.port}"
        self.assertEqual(await self.refused_with(query, origin=own), 101)

    async def test_frames_arrive_and_a_client_resumes_where_it_left(self) -> None:
        first = await self.connect()
        self.service.arrive()
        self.assertEqual((await self.received(first))["seq"], 1)
        await deferToThread(first.close)
        self.service.arrive()
        self.service.arrive()
        second = await self.connect(f"?token={TOKEN}&after=1")
        self.assertEqual([(await self.received(second))["seq"] for _ in range(2)], [2, 3])

    async def test_a_stop_says_goodbye_to_all(self) -> None:
        clients = [await self.connect() for _ in range(3)]
        gone = self.service.factory.close_all(5)
        for client in clients:
            self.assertEqual(await self.close_code(client), 4503)
        await gone
        self.assertEqual(self.service.open(), 0)

    async def test_a_connection_over_tls_is_the_same(self) -> None:
        self.port = self.listen(TLSMemoryBIOFactory(_self_signed(), False, self.site))
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE

        async def dialogue() -> tuple[int, int | None]:
            url = f"wss://127.0.0.1:{self.port}/ws/inbox/{ADDRESS}?token={TOKEN}"
            # Python's TLS sockets are not for two threads at once: no blocking client here.
            async with asyncio_client.connect(url, ssl=trusting) as client:
                seq = json.loads(await client.recv())["seq"]
                await client.wait_closed()
                return seq, client.close_code

        heard = deferToThread(asyncio.run, dialogue())
        await self.until_open()
        self.service.arrive()
        self.service.factory.close_all(5)
        self.assertEqual(await heard, (1, 4503))

    async def test_a_reader_that_stops_reading_is_closed_and_loses_nothing(self) -> None:
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await deferToThread(raw.connect, ("127.0.0.1", self.port))
        # One frame fills the library's own queue; from there on it stops reading the socket.
        client = await self.connect(sock=raw, max_queue=1)
        sent = 0
        while not self.service.refused("slow"):
            for _ in range(1000):
                sent += 1
                self.service.bus.publish(arrival(sent))
            await deferLater(reactor, 0)
            self.assertLess(sent, 1_000_000)

        def read() -> tuple[list[int], int | None]:
            seqs = []
            try:
                while True:
                    seqs.append(json.loads(client.recv(5))["seq"])
            except ConnectionClosed as closed:
                return seqs, closed.rcvd.code if closed.rcvd is not None else None

        seqs, code = await deferToThread(read)
        self.assertEqual(code, 4408)
        self.assertEqual(seqs, list(range(1, len(seqs) + 1)))
        self.assertLess(len(seqs), sent)


def _self_signed() -> CertificateOptions:
    key = KeyPair.generate(size=2048)
    certificate = key.selfSignedCert(1, CN="localhost")
    return cast(CertificateOptions, certificate.options())
