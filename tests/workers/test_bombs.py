"""Mails made to exhaust whoever reads them, in a pool with the limits of every day."""

from __future__ import annotations

import base64
import time

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tempmail.core.metrics import Metrics
from tempmail.model.message import View
from tempmail.workers.pool import ParserPool

ASKER = "192.0.2.1"
MAIL = b"Subject: hello\r\n\r\nbody"
MULTIPART = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
BASE64 = b"Content-Transfer-Encoding: base64\r\n\r\n"
MIB = 2**20


@pytest.mark.alone
class Bombs(TestCase):
    """Each is read within two seconds of processor time and 256 MB, or given up alone."""

    timeout = 60

    async def after(self, bomb: bytes) -> View:
        """The view of ``bomb``, by the only worker; the next mail waits no second longer than
        the first one does for a worker to start."""
        pool = ParserPool(reactor, Metrics(), size=1)
        pool.start()
        self.addCleanup(pool.stop)
        first = await self.seconds(pool.parse(ASKER, MAIL))
        lost, kept = pool.parse(ASKER, b"Subject: bomb\r\n" + bomb), pool.parse(ASKER, MAIL)
        view = await lost
        self.assertLess(await self.seconds(kept), 1 + first)
        self.assertEqual(view.subject, "bomb")
        return view

    async def seconds(self, reading: Deferred[View]) -> float:
        """How long it takes from now until ``MAIL`` is read."""
        started = time.monotonic()
        self.assertEqual((await reading).body_text, "body")
        return time.monotonic() - started

    async def test_parts(self) -> None:
        view = await self.after(MULTIPART + b"--b\r\n\r\nx\r\n" * 1_000_000)
        self.assertIn("more than 1000 parts", view.defects)

    async def test_attachments(self) -> None:
        part = b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + MAIL + b"\r\n"
        view = await self.after(MULTIPART + part * 1000)
        self.assertEqual(len(view.attachments), 200)
        self.assertIn("more than 200 attachments", view.defects)

    async def test_nesting(self) -> None:
        levels = (
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
            for n in range(100_000)
        )
        view = await self.after(b"".join(levels))
        self.assertIn("parts nested deeper than 50", view.defects)

    async def test_headers(self) -> None:
        view = await self.after(b"X: y\r\n" * 100_000 + b"\r\nbody")
        self.assertEqual((len(view.headers), view.body_text), (1000, "body"))
        self.assertIn("more than 1000 headers", view.defects)

    async def test_a_header_line_of_ten_megabytes(self) -> None:
        for filler in (b"x", b"=?utf-8?b?", b'"', b"(", b"a@b,", b";a*0*=", b"\r\n x"):
            view = await self.after(
                b"From: " + filler * (10 * MIB // len(filler)) + b"\r\n\r\nbody"
            )
            self.assertEqual(view.body_text, "body")
            self.assertIn("header too long", view.defects)

    async def test_base64(self) -> None:
        zeros = await self.after(BASE64 + base64.encodebytes(bytes(18 * MIB)))
        self.assertIn("text cut at 2097152 bytes", zeros.defects)
        for filler in (b"=", b"a=", b"!", b"a!", b"====a"):
            view = await self.after(BASE64 + filler * (20 * MIB // len(filler)))
            self.assertNotIn("parsing took too long", view.defects)

    async def test_very_many_short_lines(self) -> None:
        for line_end in (b"\n", b"\r\n"):
            view = await self.after(line_end + (b"a" + line_end) * (20 * MIB // 3))
            self.assertIn("text cut at 2097152 bytes", view.defects)

    async def test_what_cannot_be_read_in_time_is_given_up(self) -> None:
        view = await self.after(MULTIPART + b"--bx\n" * (25 * MIB // 5))
        self.assertEqual(view.defects, ("parsing took too long",))
