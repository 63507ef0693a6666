"""Documents made by real workers, of HTML that costs them their lives too."""

from __future__ import annotations

import pytest
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from tempmail.core.metrics import Metrics
from tempmail.core.rendering import GivenUp
from tempmail.mail.document import html_document, text_document
from tempmail.workers.answers import Rendering, request
from tempmail.workers.pool import ParserPool

ASKER = "192.0.2.1"
FORMATS = "".join(f"<b id={n}>" for n in range(20_000)) + "<p>x" * 20_000
"""Each paragraph opens all of them again: minutes, and gigabytes."""


@pytest.mark.alone
class Documents(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.pool = ParserPool(reactor, Metrics(), size=1)
        self.pool.start()
        self.addCleanup(self.pool.stop)

    async def test_html_is_made_safe_and_its_parts_are_named(self) -> None:
        html = "<p onclick=x>hi <img src=cid:a>"
        images = {"a": "/m/TOKEN/images/0"}
        made = await self.pool.document(ASKER, html, "text", images)
        self.assertEqual(made, html_document(html, images))
        self.assertIn('<p>hi <img src="/m/TOKEN/images/0"></p>', made)

    async def test_without_html_the_text_is_shown(self) -> None:
        self.assertEqual(
            await self.pool.document(ASKER, " \n", "te<xt", {}), text_document("te<xt")
        )

    async def test_html_that_kills_its_worker_is_shown_as_text_and_harms_nobody(self) -> None:
        lost = self.pool.document(ASKER, FORMATS, "the text", {})
        kept = self.pool.document(ASKER, "<p>next", "", {})
        with self.assertRaises(GivenUp) as given_up:
            await lost
        self.assertTrue(given_up.exception.lasting)
        self.assertIn("<p>next</p>", await kept)
        text = await self.pool.text_instead(ASKER, "the text")
        self.assertEqual(text, text_document("the text", instead=True))

    async def test_html_nested_without_end_is_made_safe_or_given_up(self) -> None:
        for tag in ("<div>", "<table><td>", "<a><p>", "<svg><g>", "<b><i>"):
            try:
                made = await self.pool.document(ASKER, tag * 100_000, "the text", {})
            except GivenUp:
                continue
            self.assertTrue(made.startswith("<!doctype html>"))

    def test_a_request_comes_through_as_it_was(self) -> None:
        asked = Rendering("<p>\u00e9\U0001f600", "text", {"a": "/b"}, instead=True)
        self.assertEqual(request(asked.encoded()[4:]), asked)
