"""Who gets a refusal as a page, and what stands in it."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.callers import Callers
from tempmail.core.metrics import Metrics
from tempmail.http.answers import Answer
from tempmail.http.error_pages import ErrorPages
from tempmail.http.layout import Layout
from tempmail.http.problems import Problem, Refused
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Route, dispatched, klein_app
from tempmail.http.site import Site
from tempmail.http.web_files import WebFiles
from tests.http.service import Connection, Reply, replies, request_bytes

_BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
_STATUSES = (400, 401, 403, 404, 410, 413, 429, 500, 503)


class ErrorPagesTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.problem = Problem(404, "not_found", "there is no such thing")
        routes = [
            Route("GET", path, self.refuse, access=Access.ANYBODY)
            for path in ("/thing", "/api/v1/thing", "/m/thing")
        ]
        nobody = Callers(None, None, None)  # type: ignore[arg-type]  # no credential is looked at
        root = dispatched(routes, nobody, klein_app(routes, nobody).resource())
        pages = ErrorPages(Layout(WebFiles(), "1.2.3"))
        self.site = Site(root, Clock(), Metrics(), errors=pages)

    async def refuse(self, _: Ask[Nothing]) -> Answer:
        if self.problem.code == "bug":
            raise ZeroDivisionError
        raise Refused(self.problem)

    def ask(self, path: str, **headers: str) -> Reply:
        connection = Connection(self.site)
        connection.send(request_bytes("GET", path, headers))
        [reply] = replies(connection.received(), "GET")
        connection.leave(cleanly=True)
        return reply

    def test_every_status_has_a_page_with_a_title_of_its_own(self) -> None:
        titles = set()
        for status in _STATUSES:
            self.problem = Problem(status, "word", "what to do", {"Retry-After": "17"})
            reply = self.ask("/thing", **_BROWSER)
            assert (reply.status, reply.headers["content-type"]) == (
                status,
                "text/html; charset=utf-8",
            )
            assert reply.headers["cache-control"] == "no-store"
            assert reply.headers["retry-after"] == "17"
            assert "require-trusted-types-for" in reply.headers["content-security-policy"]
            page = reply.body.decode()
            assert "What to do." in page
            assert ("17 seconds" in page) == (status in (429, 503)), status
            assert ("/sign-in" in page) == (status == 401)
            titles.add(page.partition("<title>")[2].partition("<")[0])
        assert len(titles) == len(_STATUSES)

    def test_only_who_asks_for_html_gets_it(self) -> None:
        for accept in ("*/*", "application/json", "application/json, text/htmlx", ""):
            reply = self.ask("/thing", Accept=accept)
            assert reply.headers["content-type"] == "application/problem+json", accept

    def test_parts_of_the_interface_for_programs_stay_as_they_are(self) -> None:
        for path in ("/api/v1/thing", "/m/thing", "/api/v1/none", "/openapi.json", "/health/none"):
            reply = self.ask(path, **_BROWSER)
            assert reply.headers["content-type"] == "application/problem+json", path

    def test_what_a_client_sent_stands_in_the_page_as_text(self) -> None:
        self.problem = Problem(400, "bad", "no <script>alert(1)</script>\u202e here")
        page = self.ask("/thing", **_BROWSER).body.decode()
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page
        assert "\u202e" not in page

    def test_a_page_is_compressed_for_who_takes_that(self) -> None:
        long = self.ask("/thing", **_BROWSER)
        short = self.ask("/thing", **_BROWSER, **{"Accept-Encoding": "gzip, br"})
        assert short.headers["content-encoding"] == "gzip"
        assert len(short.body) < len(long.body) / 2

    def test_who_is_shut_out_gets_few_bytes(self) -> None:
        self.problem = Problem(429, "blocked", "your network is shut out", {"Retry-After": "60"})
        reply = self.ask("/thing", **_BROWSER)
        assert reply.status == 429
        assert reply.headers["retry-after"] == "60"
        assert len(reply.body) < 300

    def test_failures_of_ours_have_a_page_that_says_nothing_of_them(self) -> None:
        self.problem = Problem(500, "bug", "")
        reply = self.ask("/thing", **_BROWSER)
        assert reply.status == 500
        assert b"ZeroDivision" not in reply.body
        assert b"Something went wrong on our side" in reply.body
        [failure] = self.flushLoggedErrors(ZeroDivisionError)
        assert failure is not None

    def test_however_many_different_refusals_there_are_few_pages_are_kept(self) -> None:
        for number in range(100):
            self.problem = Problem(400, "bad", f"number {number} is wrong")
            assert f"Number {number} is wrong" in self.ask("/thing", **_BROWSER).body.decode()
        pages = self.site.errors
        assert isinstance(pages, ErrorPages)
        assert len(pages._prepared) <= 64
