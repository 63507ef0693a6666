"""Refusals as people see them: Chromium against the real daemon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tempmail.storage.connection import connect
from tempmail.storage.plans import change_plan
from tests.daemon import Daemon, daemon
from tests.web.documents import CHROMIUM, Reader, axe, browsing, context, wrong_looks

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

__all__ = ["axe"]  # a fixture


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon(tmp_path_factory.mktemp("errors")) as running:
        yield running


@pytest.fixture
def reader(running: Daemon, browser: Browser) -> Iterator[Reader]:
    visiting = context(browser)
    yield Reader(visiting.new_page(), f"http://localhost:{running.http}")
    visiting.close()


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        ("/nothing/here", 404, "There is nothing here"),
        ("/static/old/js/nothing", 404, None),
        ("/%00", 400, "That was no request we understand"),
    ],
)
def test_who_comes_with_a_browser_gets_a_page_that_leads_on(
    path: str, status: int, title: str | None, reader: Reader
) -> None:
    reader.expects.add(status)
    assert reader.open(path) == status
    if title is None:  # a file of the page: nobody reads that
        assert '"status":404' in reader.page.content()
        return
    expect(reader.page.get_by_role("heading", level=1)).to_have_text(title)
    reader.page.get_by_role("main").get_by_role("link", name="Guide").click()
    reader.page.wait_for_url("**/docs")
    assert reader.complaints() == []


def test_programs_get_problem_documents_at_the_same_paths(running: Daemon) -> None:
    assert running.request("GET", "/nothing")[1]["code"] == "not_found"
    assert running.request("GET", "/docs/nothing")[1]["code"] == "not_found"


def test_the_api_answers_a_browser_as_it_answers_programs(reader: Reader) -> None:
    reader.expects.update({401, 404})
    for path, code in (("/api/v1/account", "unauthenticated"), ("/api/v1/nothing", "not_found")):
        reader.open(path)
        assert f'"code":"{code}"' in reader.page.locator("body").inner_text()


@pytest.mark.alone
def test_it_is_accessible_and_fits_in_every_look(reader: Reader, axe: str) -> None:
    reader.expects.add(404)
    reader.open("/nothing")
    assert wrong_looks(reader, axe) == {}
    assert reader.complaints() == []


def test_who_asks_too_often_is_told_for_how_long_to_wait(
    browser: Browser, tmp_path: Path, dsn: str
) -> None:
    connection = connect(dsn)
    with connection, connection.cursor() as cursor:
        change_plan(cursor, "anonymous", requests_per_minute=1)
    connection.close()
    with daemon(tmp_path, "--database", dsn, "--rate-limits", "on") as running:
        reader = Reader(context(browser).new_page(), f"http://localhost:{running.http}")
        reader.expects.add(429)
        statuses = [reader.page.request.get(reader.origin + "/status.json").status]
        while statuses[-1] == 200:
            statuses.append(reader.page.request.get(reader.origin + "/status.json").status)
            assert len(statuses) < 200
        assert reader.open("/status") == 429
        expect(reader.page.get_by_role("heading", level=1)).to_have_text("Too fast")
        expect(reader.page.get_by_role("main")).to_contain_text("seconds, then try again.")
        reader.page.context.close()


def test_an_unknown_name_of_the_site_gets_a_few_words(running: Daemon, browser: Browser) -> None:
    visiting = context(browser)
    answer = visiting.request.get(
        f"http://127.0.0.1:{running.http}/",
        headers={"Host": "rebound.example", "Accept": "text/html"},
    )
    assert answer.status == 421
    assert "This is not the site you look for" in answer.text()
    assert len(answer.body()) < 500
    visiting.close()
