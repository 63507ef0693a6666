"""The pages and their files over HTTP: what is kept for how long, and what a page may do."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
from base64 import b64encode
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase
from twisted.web.server import Request
from twisted.web.test.requesthelper import DummyChannel, DummyRequest

from tempmail.core.metrics import Metrics
from tempmail.http.answers import Answer
from tempmail.http.layout import Layout
from tempmail.http.pages import InboxPage
from tempmail.http.plain import _set_cookie
from tempmail.http.plain_shown import PATH
from tempmail.http.prepared import Prepared
from tempmail.http.qr import QrRoutes
from tempmail.http.requests import Nothing
from tempmail.http.routes import Ask
from tempmail.http.web_files import WebFiles
from tempmail.model.account import NOBODY
from tempmail.model.errors import Busy, Forbidden, InvalidInput, NotFound


def ask(**headers: str) -> Ask[Any]:
    request: Any = DummyRequest([b""])
    for name, value in headers.items():
        request.requestHeaders.setRawHeaders(name.replace("_", "-"), [value])
    request.isSecure = lambda: False
    request.content = io.BytesIO()
    return Ask(request, NOBODY, Nothing())


class PreparedAnswers(TestCase):
    def setUp(self) -> None:
        self.prepared = Prepared(b"x" * 5000, "text/plain", {})

    def test_is_compressed_for_who_takes_that(self) -> None:
        for accepted in ("gzip", "br, gzip;q=0.5", "*", "deflate , GZIP"):
            answer = self.prepared.answer(ask(accept_encoding=accepted).request)
            self.assertEqual(gzip.decompress(answer.body), b"x" * 5000, accepted)
            self.assertEqual(answer.headers["Content-Encoding"], "gzip")

    def test_is_not_compressed_for_who_does_not(self) -> None:
        for accepted in ("", "identity", "gzip;q=0", "br"):
            answer = self.prepared.answer(ask(accept_encoding=accepted).request)
            self.assertEqual(answer.body, b"x" * 5000, accepted)
            self.assertNotIn("Content-Encoding", answer.headers)
            self.assertEqual(answer.headers["Vary"], "Accept-Encoding")

    def test_it_varies_by_what_the_gate_found_as_well(self) -> None:
        asked = Request(DummyChannel(), False)
        asked.responseHeaders.addRawHeader("Vary", "Origin")
        self.prepared.answer(asked).set_head(asked)
        self.assertEqual(asked.responseHeaders.getRawHeaders("Vary"), ["Origin, Accept-Encoding"])

    def test_is_not_sent_again_to_who_has_it(self) -> None:
        first = self.prepared.answer(ask(accept_encoding="gzip").request)
        again = ask(accept_encoding="gzip", if_none_match=first.headers["ETag"])
        self.assertEqual(self.prepared.answer(again.request).status, 304)
        other = ask(if_none_match=first.headers["ETag"])  # another coding is another body
        self.assertEqual(self.prepared.answer(other.request).status, 200)


class Files(TestCase):
    def setUp(self) -> None:
        self.files = WebFiles()

    async def test_a_file_at_todays_digest_is_kept_for_good(self) -> None:
        answer = await self.files.below(ask(), self.files.tag, "js", "app.js")
        self.assertIn("immutable", answer.headers["Cache-Control"])
        self.assertEqual(answer.content_type, "text/javascript; charset=utf-8")

    async def test_a_file_at_another_digest_is_kept_by_nobody(self) -> None:
        answer = await self.files.below(ask(), "0" * 12, "js", "app.js")
        self.assertEqual(answer.headers["Cache-Control"], "public, no-cache")

    async def test_there_is_nothing_else_to_be_had(self) -> None:
        for folder, name in (("js", "nothing.js"), ("..", "pages.py"), ("vendor", "LICENSE")):
            with self.assertRaises(NotFound):
                await self.files.below(ask(), self.files.tag, folder, name)


class Pages(TestCase):
    def setUp(self) -> None:
        files = WebFiles()
        self.layout = Layout(files, "1.0")
        self.page = InboxPage(self.layout, ["a.example", "b.example"])

    async def test_the_policy_names_just_what_is_in_the_document(self) -> None:
        answer = await self.page.page(ask())
        policy, document = answer.headers["Content-Security-Policy"], answer.body.decode()
        self.assertNotIn("unsafe", policy)
        self.assertIn("require-trusted-types-for 'script'; trusted-types lit-html", policy)
        inline = re.findall(r"<script>(.*?)</script>|<style>(.*?)</style>", document, re.DOTALL)
        self.assertEqual(len(inline), 2)
        for script, style in inline:
            digest = b64encode(hashlib.sha256((script or style).encode()).digest()).decode()
            self.assertIn(f"'sha256-{digest}'", policy)
        self.assertIsNone(re.search(r"\sstyle=|\son[a-z]+=", document.split("</head>")[1]))

    async def test_the_form_offers_every_domain(self) -> None:
        document = (await self.page.page(ask())).body.decode()
        self.assertIn("<option>a.example</option><option>b.example</option>", document)
        self.assertIn('<form class="mk-form" method="post" action="/plain">', document)

    def test_what_varies_is_text_in_a_document(self) -> None:
        document = self.layout.document("<b>&", "<main></main>").decode()
        self.assertIn("<title>&lt;b&gt;&amp;</title>", document)


class Cookies(TestCase):
    def test_the_cookie_is_for_the_plain_pages_alone(self) -> None:
        request: Any = ask().request
        cookie = _set_cookie(request, "token.a@b.example")
        for part in (f"Path={PATH}", "HttpOnly", "SameSite=Strict", "plain=token.a@b.example"):
            self.assertIn(part, cookie)
        self.assertNotIn("Secure", cookie)
        request.isSecure = lambda: True
        self.assertTrue(_set_cookie(request, "x").endswith("; Secure"))
        self.assertIn("Max-Age=0", _set_cookie(request, ""))


class Threads:
    """Keeps what is for a thread."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def getThreadPool(self) -> Threads:
        return self

    def callInThreadWithCallback(self, *call: Any) -> None:
        self.kept.append(call)

    def callFromThread(self, call: Any, *args: Any) -> None:
        call(*args)

    def work(self) -> None:
        """Do the oldest of it."""
        done, work, *args = self.kept.pop(0)
        done(True, work(*args))


class QrCodes(TestCase):
    LONGEST = b"https://mail.example:8443/#k=" + b"k" * 43 + b"&a=" + b"a" * 64 + b"%40long.example"

    def setUp(self) -> None:
        self.metrics, self.threads = Metrics(), Threads()
        self.codes = QrRoutes(["a.example", "long.example"], self.metrics, self.threads)

    def draw(
        self, body: bytes, site: str = "same-origin", client: str = "192.0.2.1"
    ) -> Deferred[Answer]:
        asked = ask(sec_fetch_site=site, host="mail.example:8443")
        asked.request.getClientAddress = lambda: IPv4Address("TCP", client, 1)  # type: ignore[method-assign]
        asked.request.method = b"POST"
        asked.request.content = io.BytesIO(body)
        return Deferred.fromCoroutine(self.codes.draw(asked))

    def test_a_link_is_drawn_beside_the_reactor(self) -> None:
        for link in (b"https://a.example/#k=x", self.LONGEST):
            drawing = self.draw(link)
            self.assertNoResult(drawing)
            self.threads.work()
            drawn = self.successResultOf(drawing).body
            self.assertTrue(drawn.startswith(b"<svg"))
            self.assertNotIn(b"script", drawn)

    def test_nothing_or_more_than_a_link_of_ours_is_refused(self) -> None:
        for body in (b"", self.LONGEST + b"x", "ü".encode()):
            self.failureResultOf(self.draw(body), InvalidInput)

    def test_two_are_drawn_at_once_and_few_wait(self) -> None:
        drawings = [self.draw(b"x") for _ in range(7)]
        self.assertEqual(len(self.threads.kept), 2)
        self.failureResultOf(self.draw(b"x"), Busy)
        drawings += [self.draw(b"x", client=f"192.0.2.{n}") for n in range(2, 17)]
        self.failureResultOf(self.draw(b"x", client="192.0.2.99"), Busy)
        denied = self.metrics.limit_denials.labels("qr_codes")._value.get()
        self.assertEqual(denied, 2)
        while self.threads.kept:
            self.threads.work()
        for drawing in drawings:
            self.successResultOf(drawing)

    def test_other_sites_get_none(self) -> None:
        self.failureResultOf(self.draw(b"x", "cross-site"), Forbidden)
