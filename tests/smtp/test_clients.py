"""Clients that are not ours, on real sockets: in clear, by STARTTLS and by TLS from the start."""

from __future__ import annotations

import os
import selectors
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tempmail.smtp.replies import HELP
from tempmail.smtp.tls import ReloadedContext, self_signed
from tests.smtp.edge import ENVELOPE, HELLO, Edge, codes

MAIL = ENVELOPE + b"DATA\r\nhi\r\n.\r\n"
POSTFIX = Path(sys.prefix, "postfix/usr")
"""Debian's package postfix, unpacked there by tests/run."""


class RealClients(TestCase):
    """An edge on loopback."""

    timeout = 30

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.files = self_signed(self.folder, "mx.example.com")
        self.context = ReloadedContext(*self.files, reactor)
        self.edge = Edge(tls_context=self.context, clock=reactor)
        self.ports: list[IListeningPort] = []
        self.listen("tcp:0:interface=127.0.0.1")

        async def stop() -> None:
            for port in self.ports:
                port.stopListening()
            drained = self.edge.factory.drain()
            self.edge.factory.abort()
            await drained

        self.addCleanup(lambda: Deferred.fromCoroutine(stop()))

    def listen(self, endpoint: str) -> None:
        """Receive on another endpoint, whose port is the one to connect to from now on."""
        port = self.successResultOf(serverFromString(reactor, endpoint).listen(self.edge.factory))
        self.ports.append(port)
        address = port.getHost()
        assert isinstance(address, IPv4Address)
        self.port = address.port

    def run_client(self, *arguments: str, **options: Any) -> Deferred[Any]:
        """A program to its end, which has to be a success."""
        return self.talk(
            lambda: subprocess.run(
                arguments, capture_output=True, timeout=20, check=True, **options
            )
        )

    def talk(self, client: Callable[[], Any]) -> Deferred[Any]:
        return deferToThread(client)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def openssl(self) -> list[str]:
        address = f"127.0.0.1:{self.port}"
        return ["openssl", "s_client", "-starttls", "smtp", "-connect", address]


class StartTLSTests(RealClients):
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

    async def test_curl_delivers_by_starttls(self) -> None:
        mail = self.folder / "mail"
        mail.write_bytes(b"Subject: curl\r\n\r\n.dot\r\n")
        await self.run_client(
            *("curl", "-sS", "--ssl-reqd", "--insecure", f"smtp://127.0.0.1:{self.port}"),
            *("--mail-from", "a@example.org", "--mail-rcpt", "box@example.com"),
            *("--upload-file", str(mail)),
        )
        (envelope,) = self.edge.door.envelopes
        self.assertEqual(b"".join(envelope.chunks), mail.read_bytes())
        self.assertRegex(envelope.tls or "", "TLSv1.3 ")

    async def test_swaks_delivers_in_clear_and_by_starttls(self) -> None:
        for options in ((), ("--tls",)):
            await self.run_client(
                *("swaks", "--server", f"127.0.0.1:{self.port}", "--helo", "client.example.org"),
                *("--from", "a@example.org", "--to", "box@example.com", *options),
            )
        clear, by_tls = self.edge.door.envelopes
        self.assertIsNone(clear.tls)
        self.assertRegex(by_tls.tls or "", "TLS")
        self.assertIn(b"X-Mailer: swaks", b"".join(by_tls.chunks))

    async def test_swaks_pipelines(self) -> None:
        await self.run_client(
            *("swaks", "--server", f"127.0.0.1:{self.port}", "--pipeline"),
            *("--from", "a@example.org", "--to", "box@example.com,other@example.com"),
        )
        (envelope,) = self.edge.door.envelopes
        self.assertEqual(len(envelope.recipients), 2)

    async def test_postfix_smtp_source_delivers_many(self) -> None:
        libraries = {**os.environ, "LD_LIBRARY_PATH": str(POSTFIX / "lib/postfix")}
        await self.run_client(
            *(str(POSTFIX / "sbin/smtp-source"), "-s", "10", "-m", "200", "-r", "3", "-l", "5000"),
            *("-f", "a@example.org", "-t", "box@example.com", f"127.0.0.1:{self.port}"),
            env=libraries,
        )
        self.assertEqual(len(self.edge.door.envelopes), 200)
        self.assertEqual({len(each.recipients) for each in self.edge.door.envelopes}, {3})

    async def test_a_renewed_certificate_is_used_without_a_restart(self) -> None:
        def certificate() -> Any:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=10) as smtp:
                smtp.starttls(context=unverified())
                tls: Any = smtp.sock
                return tls.getpeercert(binary_form=True)

        before = await self.talk(certificate)
        other = self.folder / "other"
        other.mkdir()
        for new, old in zip(self_signed(other, "mx.example.com"), self.files, strict=True):
            new.replace(old)
        self.context._looked -= 1  # a second has passed
        self.assertNotEqual(await self.talk(certificate), before)


class ImplicitTLSTests(RealClients):
    """TLS from the start (RFC 8314): nothing of STARTTLS, and the envelope says so all the same."""

    def deliver(self) -> bool:
        context = unverified()
        with smtplib.SMTP_SSL("127.0.0.1", self.port, timeout=10, context=context) as smtp:
            smtp.ehlo()
            smtp.sendmail("a@example.org", ["box@example.com"], b"hi\r\n")
            return smtp.has_extn("starttls")

    def check(self, announced: bool) -> None:
        self.assertFalse(announced)
        (envelope,) = self.edge.door.envelopes
        self.assertEqual(envelope.tls, "TLSv1.3 TLS_AES_256_GCM_SHA384")
        self.assertEqual(envelope.peer_ip, "127.0.0.1")

    async def test_an_ssl_endpoint(self) -> None:
        certificate, key = self.files
        self.listen(f"ssl:0:interface=127.0.0.1:certKey={certificate}:privateKey={key}")
        self.check(await self.talk(self.deliver))

    async def test_a_tls_endpoint(self) -> None:
        both = self.folder / "pems"
        both.mkdir()
        pem = b"".join(file.read_bytes() for file in reversed(self.files))
        (both / "mx.example.com.pem").write_bytes(pem)
        self.listen(f"tls:{both}:0:interface=127.0.0.1")
        self.check(await self.talk(self.deliver))

    async def test_starttls_within_tls_is_refused(self) -> None:
        certificate, key = self.files
        self.listen(f"ssl:0:interface=127.0.0.1:certKey={certificate}:privateKey={key}")
        spoken = await self.run_client(
            *("openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-quiet", "-crlf"),
            input=b"EHLO x\nSTARTTLS\nquit\n",
        )
        heard = spoken.stdout.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        self.assertEqual(codes(heard), ["220", "250", "503 5.5.1", "221 2.0.0"])


class ProxiedTests(RealClients):
    """Behind a proxy that tells the client's address first (the PROXY protocol)."""

    async def test_a_mail_by_starttls_carries_the_clients_address(self) -> None:
        self.listen("haproxy:tcp:0:interface=127.0.0.1")

        def client() -> None:
            with self.connect() as clear:
                clear.sendall(b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 25\r\n")
                clear.recv(4096)
                clear.sendall(b"STARTTLS\r\n")
                clear.recv(4096)
                with unverified().wrap_socket(clear) as safe:
                    safe.sendall(HELLO + MAIL + b"QUIT\r\n")
                    while safe.recv(4096):
                        pass

        await self.talk(client)
        (envelope,) = self.edge.door.envelopes
        self.assertEqual(envelope.peer_ip, "203.0.113.9")
        self.assertEqual(envelope.tls, "TLSv1.3 TLS_AES_256_GCM_SHA384")


def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
