"""The guide as people read it: Chromium against the real daemon."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tempmail.core.metrics import Metrics
from tempmail.http.guide.pages import GROUPS, path_of
from tempmail.options import OPTIONS
from tests.daemon import Daemon, daemon
from tests.web.documents import CHROMIUM, Reader, axe, browsing, context, wrong_looks

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

__all__ = ["axe"]  # a fixture

DOCS = Path(__file__).parents[2] / "tempmail" / "docs"
PAGES = [name for _, names in GROUPS for name in names if DOCS.joinpath(f"{name}.md").exists()]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon(tmp_path_factory.mktemp("docs"), "--domain", "mail.test") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture
def reader(running: Daemon, browser: Browser) -> Iterator[Reader]:
    visiting = context(browser, permissions=["clipboard-read", "clipboard-write"])
    yield Reader(visiting.new_page(), f"http://localhost:{running.http}")
    visiting.close()


def test_every_file_of_the_guide_is_a_page_and_every_link_between_them_leads_somewhere(
    reader: Reader,
) -> None:
    assert {one.stem for one in DOCS.glob("*.md")} == {*PAGES}
    anchors: dict[str, set[str]] = {}
    links: set[tuple[str, str]] = set()
    for path in ("/docs", *map(path_of, PAGES)):
        assert reader.open(path) == 200, path
        anchors[path] = set(
            reader.page.eval_on_selector_all("[id]", "(all) => all.map((e) => e.id)")
        )
        for link in reader.page.eval_on_selector_all("main a", "(all) => all.map((e) => e.href)"):
            links.add((path, link))
    own = [(path, link) for path, link in links if link.startswith(reader.origin)]
    assert len(own) > 50
    for path, link in own:
        target, _, anchor = link.removeprefix(reader.origin).partition("#")
        if target not in anchors:
            assert reader.page.request.get(reader.origin + target).status == 200, (path, link)
        elif anchor:
            assert anchor in anchors[target], (path, link)
    assert reader.complaints() == []


@pytest.mark.alone
@pytest.mark.parametrize(
    "path",
    [
        "/docs",
        "/docs/quick-start",
        "/docs/configuration",
        "/docs?q=port",
        "/docs?q=nowhere",
        "/docs/api",
        "/abuse",
    ],
)
def test_a_page_is_accessible_and_fits_in_every_look(path: str, reader: Reader, axe: str) -> None:
    reader.open(path)
    assert wrong_looks(reader, axe) == {}
    assert reader.complaints() == []


def test_the_copy_button_copies_an_example_with_the_readers_own_host(reader: Reader) -> None:
    reader.open("/docs/quick-start")
    reader.page.get_by_role("button", name="Copy code").first.click()
    expect(reader.page.get_by_role("status").first).to_have_text("Copied")
    copied = reader.page.evaluate("() => navigator.clipboard.readText()")
    assert f"API={reader.origin}/api/v1\n" in copied
    assert reader.complaints() == []


def test_what_was_copied_works_in_a_shell(reader: Reader, running: Daemon) -> None:
    reader.open("/docs/quick-start")
    code = reader.page.locator("tm-code code").first.inner_text()
    base = re.search(r"API=(\S+)", code)
    assert base is not None
    made = reader.page.request.post(f"{base[1]}/mailboxes")
    assert made.status == 201
    assert running.request("GET", f"/api/v1/mailboxes/{made.json()['address']}")[0] == 401


def test_one_reads_on_by_keys_alone(reader: Reader) -> None:
    reader.open("/docs/quick-start")
    reader.page.keyboard.press("Tab")
    assert reader.focused() == "Skip to the content"
    reader.page.keyboard.press("Enter")
    assert reader.page.evaluate("() => document.activeElement.id") == "main"
    reader.tab_to("From a program")
    reader.page.keyboard.press("Enter")
    assert reader.page.url.endswith("#from-a-program")
    reader.page.get_by_role("link", name=re.compile("Next")).focus()
    reader.page.keyboard.press("Enter")
    reader.page.wait_for_url("**/docs/recipes")
    current = reader.page.locator("aside [aria-current=page]")
    expect(current).to_have_text("Mail in test suites")


def test_a_page_that_is_not_there_suggests_those_that_are(reader: Reader) -> None:
    reader.expects.add(404)
    assert reader.open("/docs/reverse-proxy") == 404
    main = reader.page.locator("main")
    expect(main.get_by_role("heading", level=1)).to_have_text("There is no such page")
    main.get_by_role("link", name="Reverse proxies").click()
    reader.page.wait_for_url("**/docs/proxies")
    assert reader.complaints() == []


def test_words_find_the_sections_that_have_them(reader: Reader) -> None:
    reader.open("/docs")
    reader.page.keyboard.press("/")
    reader.page.keyboard.type("port 25")
    reader.page.keyboard.press("Enter")
    reader.page.wait_for_url("**/docs?q=port+25")
    expect(reader.page.get_by_role("searchbox")).to_have_value("port 25")
    first = reader.page.locator(".found li").first
    expect(first).to_contain_text("DNS and port 25")
    marked = reader.page.locator(".found mark").all_inner_texts()
    assert {one.lower() for one in marked} >= {"port", "25"}
    first.get_by_role("link").click()
    reader.page.wait_for_url("**/docs/dns")
    assert reader.complaints() == []


def test_words_that_are_nowhere_are_shown_as_text(reader: Reader) -> None:
    reader.open("/docs?q=%3Cb%3Exyzzy%3C/b%3E")
    expect(reader.page.get_by_role("status")).to_have_text(
        "No section has all of that: <b>xyzzy</b>"
    )
    assert reader.complaints() == []


def test_the_reference_has_no_scripts_and_keeps_to_the_theme_chosen_elsewhere(
    reader: Reader,
) -> None:
    paper = "() => getComputedStyle(document.documentElement).backgroundColor"
    reader.open("/docs/api")
    light = reader.page.evaluate(paper)
    assert reader.page.locator("script").count() == 0
    reader.open("/docs")
    reader.page.get_by_role("button", name="Switch theme").click()
    reader.open("/docs/api")
    assert reader.page.evaluate(paper) != light
    assert reader.complaints() == []


def test_options_metrics_and_plans_are_those_of_the_program(reader: Reader) -> None:
    reader.open("/docs/configuration")
    shown = reader.page.locator("article h3").all_inner_texts()
    assert shown == [f"--{option.name}" for option in OPTIONS]
    reader.open("/docs/metrics")
    text = reader.page.locator("article").inner_text()
    families = [*Metrics().registry.collect()]
    assert len(families) > 40
    assert [one.name for one in families if one.name not in text] == []
    reader.open("/docs/plans")
    expect(reader.page.get_by_role("row").filter(has_text="anonymous")).to_contain_text("1,440")


def test_the_guide_stays_where_the_reference_is_off(
    browser: Browser, tmp_path: Path, dsn: str
) -> None:
    with daemon(tmp_path, "--database", dsn, "--docs", "off") as closed:
        reader = Reader(context(browser).new_page(), f"http://localhost:{closed.http}")
        assert reader.open("/docs") == 200
        assert reader.page.locator('a[href="/docs/api"]').count() == 0
        reader.expects.add(404)
        assert reader.open("/docs/api") == 404
        reader.page.context.close()


def test_without_scripts_all_of_it_is_there(running: Daemon, browser: Browser) -> None:
    visiting = context(browser, java_script_enabled=False)
    page = visiting.new_page()
    page.goto(f"http://localhost:{running.http}/docs/quick-start")
    expect(page.locator("main")).to_contain_text("Make a mailbox")
    assert page.get_by_role("button", name="Copy code").count() == 0
    visiting.close()
