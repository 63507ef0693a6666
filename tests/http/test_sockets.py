"""The same service over real sockets: what a transport in memory cannot show."""

from __future__ import annotations

import resource
import socket
from typing import cast

from autobahn.twisted.resource import WebSocketResource
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IListeningPort, IReactorTime
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from twisted.web.resource import IResource
from websockets.sync.client import connect

from tempmail.http.channel import Limits
from tempmail.http.site import Site
from tests.http.service import Service, replies, request_bytes

MIB = 1024 * 1024
CLOSE = {"Connection": "close"}


class Echo(WebSocketServerProtocol):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N803  # Autobahn's name
        self.sendMessage(payload, isBinary)


class Sockets(TestCase):
    timeout = 30

    async def serve(
        self,
        websocket: IResource | None = None,
        limits: Limits | None = None,
        clock: IReactorTime | None = None,
    ) -> None:
        self.service = Service(websocket)
        self.site = Site(
            self.service.resource,
            clock or cast(IReactorTime, reactor),
            self.service.metrics,
            limits or Limits(linger_seconds=0.2),
        )
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port: IListeningPort = await endpoint.listen(self.site)
        self.addCleanup(port.stopListening)
        self.port: int = cast(IPv4Address, port.getHost()).port

    def exchange(self, data: bytes, *, keep_sending: int = 0) -> Deferred[bytes]:
        """Everything that comes back for ``data``, until the service closes."""

        def talk() -> bytes:
            received = b""
            with socket.create_connection(("127.0.0.1", self.port), timeout=20) as client:
                client.sendall(data)
                try:
                    for _ in range(keep_sending):
                        client.sendall(b"x" * MIB)
                except OSError:
                    pass  # cut while sending, as it should be in the end
                try:
                    while more := client.recv(65536):
                        received += more
                except ConnectionResetError:
                    pass
            return received

        return deferToThread(talk)

    async def test_a_request_is_answered(self) -> None:
        await self.serve()
        received = await self.exchange(request_bytes("GET", "/health", CLOSE))
        self.assertEqual(replies(received, "GET")[0].status, 200)

    async def test_300_mb_are_refused_before_they_come(self) -> None:
        await self.serve()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        head = request_bytes("POST", "/api/v1/mailboxes", {"Content-Length": str(300 * MIB)})
        received = await self.exchange(head)
        self.assertEqual(replies(received, "POST")[0].status, 413)
        received = await self.exchange(head, keep_sending=300)
        if received:  # where the client went on regardless it may not see the answer
            self.assertEqual(replies(received, "POST")[0].status, 413)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        self.assertLess(grown, 16 * 1024)
        self.assertEqual(self.service.responses("POST", 413), 2)

    async def test_a_chunked_300_mb_likewise(self) -> None:
        await self.serve()
        head = request_bytes("POST", "/api/v1/mailboxes", {"Transfer-Encoding": "chunked"})
        received = await self.exchange(head + b"12C00000\r\n", keep_sending=300)
        if received:
            self.assertEqual(replies(received, "POST")[0].status, 413)
        self.assertEqual(self.service.responses("POST", 413), 1)

    async def test_a_client_that_stalls_is_told_and_cut(self) -> None:
        await self.serve(limits=Limits(head_seconds=0.2, body_seconds=0.2, linger_seconds=0.2))
        received = await self.exchange(request_bytes("GET", "/health")[:20])
        self.assertEqual(replies(received, "GET")[0].status, 408)
        head = request_bytes("POST", "/api/v1/mailboxes", {"Content-Length": "10"})
        received = await self.exchange(head + b"{")
        self.assertEqual(replies(received, "POST")[0].status, 408)
        self.assertEqual(self.service.storage.boxes, {})

    async def test_a_large_message_arrives_whole(self) -> None:
        await self.serve()
        url, token = self.service.mailbox("ann")
        raw = bytes(range(256)) * 4 * 4096
        self.service.storage.arrive("ann@mail.test", raw)
        headers = {"Authorization": f"Bearer {token}", **CLOSE}
        request = request_bytes("GET", f"{url}/messages/latest/raw", headers)
        received = await self.exchange(request)
        self.assertEqual(replies(received, "GET")[0].body, raw)

    async def test_a_client_that_leaves_in_mid_request_leaves_nothing_undone(self) -> None:
        await self.serve()
        gate = self.service.storage.gate
        gate.close()
        left: Deferred[None] = Deferred()
        record = self.site.record

        def recorded(*fields: object) -> None:
            record(*fields)  # type: ignore[arg-type]  # passed on as it came
            left.callback(None)

        self.site.record = recorded  # type: ignore[method-assign,assignment]  # tells us

        def start_and_leave() -> None:
            with socket.create_connection(("127.0.0.1", self.port), timeout=20) as client:
                client.sendall(request_bytes("POST", "/api/v1/mailboxes?username=ann"))

        await deferToThread(start_and_leave)
        await left
        gate.open()
        self.assertIn("ann@mail.test", self.service.storage.boxes)
        self.assertEqual(self.service.responses("POST", 499), 1)

    async def test_a_websocket_outlives_every_deadline(self) -> None:
        factory = WebSocketServerFactory()
        factory.protocol = Echo
        clock = Clock()
        await self.serve(WebSocketResource(factory), clock=clock)

        def ask(word: str) -> object:
            self.client.send(word)
            return self.client.recv(timeout=20)

        url = f"ws://127.0.0.1:{self.port}/ws/inbox/a@mail.test?token=x"
        self.client = await deferToThread(connect, url, compression=None)
        self.assertEqual(await deferToThread(ask, "early"), "early")
        clock.advance(1_000_000)
        self.assertEqual(await deferToThread(ask, "late"), "late")
        await deferToThread(self.client.close)
        self.assertEqual(clock.getDelayedCalls(), [])
