"""STARTTLS and plain sessions on real sockets, with clients that are not ours."""

from __future__ import annotations

import selectors
import smtplib
import socket
import ssl
import stat
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tempmail.model.errors import InvalidInput
from tempmail.smtp.replies import HELP
from tempmail.smtp.tls import self_signed, server_context
from tests.smtp.edge import ENVELOPE, HELLO, Edge, codes

MAIL = ENVELOPE + b"DATA\r\nhi\r\n.\r\n"


class FileTests(TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_a_certificate_is_made_once_and_its_key_is_private(self) -> None:
        certificate, key = self_signed(self.folder, "mx.example.com")
        made = certificate.read_bytes(), key.read_bytes()
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
        self.assertEqual(self_signed(self.folder, "mx.example.com"), (certificate, key))
        self.assertEqual((certificate.read_bytes(), key.read_bytes()), made)
        self.assertEqual(sorted(self.folder.iterdir()), sorted((certificate, key)))

    def test_a_context_says_what_is_wrong_with_its_files(self) -> None:
        certificate, key = self_signed(self.folder, "mx.example.com")
        nonsense = self.folder / "nonsense"
        nonsense.write_bytes(b"nonsense")
        other = self.folder / "other"
        other.mkdir()
        _, foreign_key = self_signed(other, "mx.example.com")
        for wrong in (
            (nonsense, key),
            (certificate, nonsense),
            (certificate, foreign_key),
            (self.folder / "missing", key),
        ):
            self.assertRaises(InvalidInput, server_context, *wrong)


class RealClientTests(TestCase):
    timeout = 30

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        context = server_context(*self_signed(Path(folder.name), "mx.example.com"))
        self.edge = Edge(tls_context=context, clock=reactor)
        port = reactor.listenTCP(0, self.edge.factory, interface="127.0.0.1")
        address = port.getHost()
        assert isinstance(address, IPv4Address)
        self.port = address.port

        async def stop() -> None:
            port.stopListening()
            drained = self.edge.factory.drain()
            self.edge.factory.abort()
            await drained

        self.addCleanup(lambda: Deferred.fromCoroutine(stop()))

    def talk(self, client: Callable[[], Any]) -> Deferred[Any]:
        return deferToThread(client)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def openssl(self) -> list[str]:
        address = f"127.0.0.1:{self.port}"
        return ["openssl", "s_client", "-starttls", "smtp", "-connect", address]

    async def test_smtplib_delivers_in_clear(self) -> None:
        def client() -> None:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=10) as smtp:
                smtp.sendmail(
                    "a@example.org", ["box@example.com"], b"Subject: x\r\n\r\n.dots\r\n..\r\n"
                )

        await self.talk(client)
        self.assertEqual(self.edge.door.contents, [b"Subject: x\r\n\r\n.dots\r\n..\r\n"])

    async def test_smtplib_delivers_by_tls_and_the_envelope_says_so(self) -> None:
        def client() -> tuple[bool, bool]:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=10) as smtp:
                smtp.ehlo()
                before = smtp.has_extn("starttls")
                smtp.starttls(context=unverified())
                smtp.ehlo()
                smtp.sendmail("a@example.org", ["box@example.com"], b"x" * 300_000)
                return before, smtp.has_extn("starttls")

        self.assertEqual(await self.talk(client), (True, False))
        (envelope,) = self.edge.door.envelopes
        self.assertEqual(envelope.tls, "TLSv1.3 TLS_AES_256_GCM_SHA384")
        self.assertEqual(envelope.size, 300_002)

    async def test_openssl_speaks_starttls(self) -> None:
        def client() -> bytes:
            return subprocess.run(
                [*self.openssl(), "-quiet", "-crlf", "-tls1_2"],
                input=b"EHLO x\nNOOP\nSTARTTLS\nquit\n",
                capture_output=True,
                timeout=10,
                check=False,
            ).stdout

        heard = (await self.talk(client)).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        self.assertEqual(codes(heard)[-4:], ["250", "250 2.0.0", "503 5.5.1", "221 2.0.0"])

    async def test_tls_before_1_2_is_refused(self) -> None:
        def client() -> int:
            return subprocess.run(
                [*self.openssl(), "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
                input=b"",
                capture_output=True,
                timeout=10,
                check=False,
            ).returncode

        self.assertNotEqual(await self.talk(client), 0)

    async def test_nothing_said_before_starttls_survives_it(self) -> None:
        def client() -> bytes:
            with self.connect() as clear:
                clear.recv(4096)
                clear.sendall(HELLO + ENVELOPE + b"STARTTLS\r\nNOOP\r\nEHLO evil\r\n" + ENVELOPE)
                heard = b""
                while b"220 2.0.0" not in heard:
                    heard += clear.recv(4096)
                assert heard.endswith(b"TLS\r\n"), heard
                with unverified().wrap_socket(clear) as safe:
                    safe.sendall(b"MAIL FROM:<>\r\nRCPT TO:<box@example.com>\r\nDATA\r\nQUIT\r\n")
                    answers = b""
                    while piece := safe.recv(4096):
                        answers += piece
                    return answers

        answers = codes(await self.talk(client))
        self.assertEqual(answers, ["503 5.5.1", "503 5.5.1", "503 5.5.1", "221 2.0.0"])

    async def test_starttls_with_an_argument_is_refused(self) -> None:
        session = self.edge.connect()
        self.assertEqual(codes(session.send(HELLO + b"STARTTLS now\r\n"))[1:], ["501 5.5.4"])
        session.leave()

    async def test_a_handshake_of_nonsense_ends_the_session_quietly(self) -> None:
        def client() -> bytes:
            with self.connect() as clear:
                clear.recv(4096)
                clear.sendall(b"STARTTLS\r\n")
                clear.recv(4096)
                clear.sendall(MAIL * 20)
                while piece := clear.recv(4096):
                    assert b"250" not in piece
                return piece

        self.assertEqual(await self.talk(client), b"")
        self.assertEqual(self.edge.door.envelopes, [])

    async def test_replies_that_are_not_read_stop_the_session_and_none_is_lost(self) -> None:
        count = 20_000

        def client() -> int:
            with self.connect() as slow, selectors.DefaultSelector() as selector:
                slow.setblocking(False)
                selector.register(slow, selectors.EVENT_READ | selectors.EVENT_WRITE)
                unsent = memoryview(b"HELP\r\n" * count)
                heard = 0
                while heard < count * len(HELP) + len(self.edge.factory.greeting):
                    for _, events in selector.select(10):
                        if events & selectors.EVENT_WRITE and unsent:
                            unsent = unsent[slow.send(unsent[:65536]) :]
                        elif events & selectors.EVENT_READ:
                            heard += len(slow.recv(65536))
                return (heard - len(self.edge.factory.greeting)) // len(HELP)

        self.assertEqual(await self.talk(client), count)

    async def test_a_stalled_reader_holds_little_in_memory(self) -> None:
        def client() -> socket.socket:
            stalled = self.connect()
            stalled.setblocking(False)
            try:
                while True:
                    stalled.send(b"HELP\r\n" * 10_000)
            except BlockingIOError:
                return stalled

        stalled = await self.talk(client)
        (session,) = self.edge.factory.sessions
        transport = session.transport
        self.assertLess(len(transport.dataBuffer) + transport._tempDataLen, 1 << 20)
        self.assertLess(len(session._rest), 1 << 18)
        stalled.close()


def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
