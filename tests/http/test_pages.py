"""The pages and their files over HTTP: what is kept for how long, and what a page may do."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
from base64 import b64encode
from typing import Any

from twisted.trial.unittest import TestCase
from twisted.web.test.requesthelper import DummyRequest

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
from tempmail.model.errors import Forbidden, InvalidInput, NotFound


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


class QrCodes(TestCase):
    async def draw(self, body: bytes, site: str = "same-origin") -> bytes:
        asked = ask(sec_fetch_site=site)
        asked.request.method = b"POST"
        asked.request.content = io.BytesIO(body)
        return (await QrRoutes().draw(asked)).body

    async def test_a_link_is_drawn(self) -> None:
        drawn = await self.draw(b"https://a.example/#k=x")
        self.assertTrue(drawn.startswith(b"<svg"))
        self.assertNotIn(b"script", drawn)

    async def test_nothing_or_too_much_is_refused(self) -> None:
        for body in (b"", b"x" * 513, "ü".encode()):
            with self.assertRaises(InvalidInput):
                await self.draw(body)

    async def test_other_sites_get_none(self) -> None:
        with self.assertRaises(Forbidden):
            await self.draw(b"x", "cross-site")
