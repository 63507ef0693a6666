"""Requests in which another could hide (RFC 9112 section 11.2), against the site on a socket."""

from __future__ import annotations

import socket
from typing import cast

from attrs import frozen
from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IListeningPort, IReactorTime
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tempmail.http.channel import Limits
from tempmail.http.site import Site
from tests.http.service import Service, replies

HIDDEN = b"POST /api/v1/mailboxes?username=hidden HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
"""What nobody may answer: it would make a mailbox."""

POST = b"POST /api/v1/mailboxes HTTP/1.1\r\nHost: h\r\n"
GET = b"GET /health HTTP/1.1\r\nHost: h\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
BODY = b"2\r\n{}\r\n0\r\n\r\n"


@frozen
class Case:
    """What is sent, and the status that it is refused with."""

    name: str
    sent: bytes
    status: int = 400


def _with(name: str, fields: bytes, body: bytes = BODY) -> Case:
    return Case(name, POST + fields + b"\r\n" + body)


REFUSED = [
    # Two lengths
    _with("length and chunks", b"Content-Length: 11\r\nTransfer-Encoding: chunked\r\n"),
    _with("chunks and length", b"Transfer-Encoding: chunked\r\nContent-Length: 11\r\n"),
    _with("the same length twice", b"Content-Length: 2\r\nContent-Length: 2\r\n", b"{}"),
    _with("two lengths", b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{} "),
    _with("a list of lengths", b"Content-Length: 2, 2\r\n", b"{}"),
    # Lengths that are none
    _with("length +2", b"Content-Length: +2\r\n", b"{}"),
    _with("length -2", b"Content-Length: -2\r\n", b"{}"),
    _with("length 0x2", b"Content-Length: 0x2\r\n", b"{}"),
    _with("length 2.0", b"Content-Length: 2.0\r\n", b"{}"),
    _with("length 1_0", b"Content-Length: 1_0\r\n", b"{}        "),
    _with("length of words", b"Content-Length: two\r\n", b"{}"),
    _with("an empty length", b"Content-Length:\r\n", b"{}"),
    _with("a length with a space in it", b"Content-Length: 1 1\r\n", b"{}"),
    _with("a length in other digits", b"Content-Length: \xd9\xa2\r\n", b"{}"),
    _with("an endless length", b"Content-Length: " + b"9" * 5000 + b"\r\n"),
    # Encodings that two readers may take for different ones
    _with("xchunked", b"Transfer-Encoding: xchunked\r\n"),
    _with("chunked, chunked", b"Transfer-Encoding: chunked, chunked\r\n"),
    _with("chunked twice", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    _with("chunked and identity", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
    _with("identity and length", b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n", b"{}"),
    _with("gzip, chunked", b"Transfer-Encoding: gzip, chunked\r\n"),
    _with("chunked, gzip", b"Transfer-Encoding: chunked, gzip\r\n"),
    _with("chunked with a parameter", b"Transfer-Encoding: chunked;q=1\r\n"),
    _with("quoted chunked", b'Transfer-Encoding: "chunked"\r\n'),
    _with("chunked in vertical tabs", b"Transfer-Encoding: \x0bchunked\r\n"),
    _with("chunked with a NUL", b"Transfer-Encoding: chunked\x00\r\n"),
    _with("an empty encoding", b"Transfer-Encoding:\r\n"),
    _with("a space before the colon", b"Transfer-Encoding : chunked\r\n"),
    _with("a tab before the colon", b"Transfer-Encoding\t: chunked\r\n"),
    _with("a space before the name", b" Transfer-Encoding: chunked\r\n"),
    _with("a folded encoding", b"Transfer-Encoding:\r\n chunked\r\n"),
    _with("a folded field", b"X: a\r\n\tTransfer-Encoding: chunked\r\n"),
    _with("an encoding behind a bare LF", b"X: a\nTransfer-Encoding: chunked\r\n"),
    _with("an encoding behind a bare CR", b"X: a\rTransfer-Encoding: chunked\r\n"),
    Case("chunks in HTTP/1.0", b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + BODY),
    # Fields that are none
    _with("no colon", b"Content-Length 2\r\n", b"{}"),
    _with("no name", b": 2\r\n", b"{}"),
    _with("a NUL in a name", b"A\x00B: c\r\n", b"{}"),
    _with("a space in a name", b"Content Length: 2\r\n", b"{}"),
    _with("a NUL in a value", b"X: a\x00b\r\n", b"{}"),
    # Chunks that are none
    Case("size -1", CHUNKED + b"-1\r\n"),
    Case("size 0x2", CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n"),
    Case("size +2", CHUNKED + b"+2\r\n{}\r\n0\r\n\r\n"),
    Case("a size with spaces", CHUNKED + b" 2 \r\n{}\r\n0\r\n\r\n"),
    Case("an empty size", CHUNKED + b"\r\n{}\r\n0\r\n\r\n"),
    Case("no end of a chunk", CHUNKED + b"2\r\n{}0\r\n\r\n"),
    Case("a longer chunk than its size", CHUNKED + b"1\r\n{}\r\n0\r\n\r\n"),
    Case("a size before a bare LF", CHUNKED + b"2\n{}\r\n0\r\n\r\n"),
    Case("a NUL in an extension", CHUNKED + b"2;\x00\r\n{}\r\n0\r\n\r\n"),
    Case("a bare LF in an extension", CHUNKED + b"2;a\n{}\r\n0\r\n\r\n"),
    Case("an endless size", CHUNKED + b"0" * 5000),
    Case("a bare LF in the trailers", CHUNKED + b"2\r\n{}\r\n0\r\nX: y\n\nZ: z\r\n\r\n"),
    Case("a bare CR in the trailers", CHUNKED + b"2\r\n{}\r\n0\r\nX: y\rZ: z\r\n\r\n"),
    # Request lines
    Case("HTTP/0.9", b"GET /health\r\n"),
    Case("HTTP/2.0", b"GET /health HTTP/2.0\r\nHost: h\r\n\r\n"),
    Case("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    Case("http/1.1 in small letters", b"GET /health http/1.1\r\nHost: h\r\n\r\n"),
    Case("two spaces", b"GET  /health HTTP/1.1\r\nHost: h\r\n\r\n"),
    Case("tabs", b"GET\t/health\tHTTP/1.1\r\nHost: h\r\n\r\n"),
    Case("a space in the target", b"GET /health x HTTP/1.1\r\nHost: h\r\n\r\n"),
    Case("a NUL in the target", b"GET /health\x00 HTTP/1.1\r\nHost: h\r\n\r\n"),
    Case("a method that is no word", b"G(T /health HTTP/1.1\r\nHost: h\r\n\r\n"),
    Case("a space before the method", b" GET /health HTTP/1.1\r\nHost: h\r\n\r\n"),
    Case("two empty lines first", b"\r\n\r\nGET /health HTTP/1.1\r\nHost: h\r\n\r\n"),
    Case("lines that end in LF alone", b"GET /health HTTP/1.1\nHost: h\n\n"),
    Case("one line that ends in LF alone", b"GET /health HTTP/1.1\nHost: h\r\n\r\n"),
    # Whom it is for
    Case("no host", b"GET /health HTTP/1.1\r\n\r\n"),
    Case("two hosts", GET + b"Host: h\r\n\r\n"),
    Case("two hosts that differ", GET + b"Host: other\r\n\r\n"),
    Case("a host with a path", b"GET /health HTTP/1.1\r\nHost: h/x\r\n\r\n"),
    Case("a host with a user", b"GET /health HTTP/1.1\r\nHost: u@h\r\n\r\n"),
    Case("a list of hosts", b"GET /health HTTP/1.1\r\nHost: h, i\r\n\r\n"),
    Case("a host in other letters", b"GET /health HTTP/1.1\r\nHost: \xff\r\n\r\n"),
    Case("half an IPv6 address", b"GET /health HTTP/1.1\r\nHost: [::1\r\n\r\n"),
    Case("a port that is none", b"GET /health HTTP/1.1\r\nHost: h:http\r\n\r\n"),
    Case("a user in the target", b"GET http://u@h/health HTTP/1.1\r\nHost: h\r\n\r\n"),
    # Methods that no proxy must be asked for here
    Case("CONNECT", b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 501),
    Case("TRACE", b"TRACE /health HTTP/1.1\r\nHost: h\r\n\r\n", 501),
]

ANSWERED = [
    (b"\r\n" + GET, "GET", 200),  # one empty line before (RFC 9112 section 2.2)
    (b"GET http://h/health HTTP/1.1\r\nHost: h\r\n", "GET", 200),
    (b"GET HTTP://H:80/health?x=1 HTTP/1.1\r\nHost: other\r\n", "GET", 200),
    (b"GET http://h HTTP/1.1\r\nHost: h\r\n", "GET", 404),
    (b"GET https://h?x HTTP/1.1\r\nHost: h\r\n", "GET", 404),
    (b"OPTIONS * HTTP/1.1\r\nHost: h\r\n", "OPTIONS", 200),
    (b"GET * HTTP/1.1\r\nHost: h\r\n", "GET", 400),
    (b"GET h:80 HTTP/1.1\r\nHost: h\r\n", "GET", 400),
    (b"GET ftp://h/health HTTP/1.1\r\nHost: h\r\n", "GET", 400),
    (GET + b"Connection: keep-alive\r\nX:\ta\t\r\n", "GET", 200),
    (GET + b"Content-Length: 0\r\n", "GET", 200),
    (POST + b"transfer-encoding: \tChunked \t\r\n\r\n2;a=b\r\n{}\r\n0\r\nX: y\r\n", "POST", 201),
    (POST + b"Content-Length: 0002\r\nContent-Type: application/json\r\n", "POST", 201),
]
"""What is whole, and what comes behind it is answered as well."""


class Smuggling(TestCase):
    timeout = 120

    async def serve(self) -> None:
        self.service = Service()
        self.site = Site(
            self.service.resource,
            cast(IReactorTime, reactor),
            self.service.metrics,
            Limits(linger_seconds=0.1),
        )
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port: IListeningPort = await endpoint.listen(self.site)
        self.addCleanup(port.stopListening)
        self.port: int = cast(IPv4Address, port.getHost()).port

    def exchange(self, *parts: bytes) -> Deferred[bytes]:
        """All that comes back until the service closes."""

        def talk() -> bytes:
            received = b""
            with socket.create_connection(("127.0.0.1", self.port), timeout=20) as client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    for part in parts:
                        client.sendall(part)
                except OSError:
                    pass  # cut while it sends
                try:
                    while more := client.recv(65536):
                        received += more
                except ConnectionResetError:
                    pass
            return received

        return deferToThread(talk)

    async def assert_refused(self, case: Case, received: bytes) -> None:
        [reply] = replies(received, case.sent.split(b" ")[0].decode("latin-1").strip())
        self.assertEqual(reply.status, case.status, case.name)
        self.assertEqual(reply.headers["connection"], "close", case.name)
        self.assertNotIn("server", reply.headers)
        self.assertEqual(self.service.storage.boxes, {}, case.name)

    async def test_each_is_refused_and_nothing_behind_it_is_answered(self) -> None:
        await self.serve()
        for case in REFUSED:
            await self.assert_refused(case, await self.exchange(case.sent + HIDDEN))

    async def test_octet_by_octet_likewise(self) -> None:
        await self.serve()
        for case in REFUSED:
            octets = [bytes([octet]) for octet in case.sent]
            if len(octets) < 1000:
                await self.assert_refused(case, await self.exchange(*octets, HIDDEN))

    async def test_what_is_whole_is_answered_and_so_is_what_comes_behind(self) -> None:
        await self.serve()
        for head, method, status in ANSWERED:
            body = b"{}" if b"0002" in head else b""
            behind = GET + b"Connection: close\r\n\r\n"
            received = await self.exchange(head + b"\r\n" + body + behind)
            found = replies(received, method, "GET")
            self.assertEqual([one.status for one in found], [status, 200], head)

    def test_there_are_enough_of_them(self) -> None:
        self.assertGreaterEqual(len(REFUSED), 70)
        self.assertEqual(len({case.name for case in REFUSED}), len(REFUSED))
