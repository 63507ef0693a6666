"""How the pages look and load: for every eye, width and theme, and how much they weigh."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tempmail.http.pages import SCRIPTS
from tempmail.http.web_files import WebFiles
from tests.daemon import Daemon
from tests.web.documents import axe, violations
from tests.web.visitor import CODE, CONFIRM, Visitor, mail

__all__ = ["axe"]  # a fixture

SHOTS = os.environ.get("TEMPMAIL_SHOTS")
"""A folder for pictures of the main states; none are taken without it."""

_PHISHING = mail(
    "URGENT",
    "Confirm your identity.\n",
    '<a href="https://198.51.100.7/x">https://northbank.example/x</a>',
    "NorthBank Security <alert@northbank.example>",
    {"statement.pdf.exe": b"MZ", "letter.pdf": b"%PDF-1.4"},
)
_NEWS = mail("News", "Cabbage\n", '<p>Cabbage</p><img src="https://x.leak.test/a.png">')


def states(visitor: Visitor) -> Iterator[str]:
    """Bring the page into one state after the other."""
    page = visitor.page
    visitor.opens()
    yield "landing"
    page.fill(".land [name=username]", "postmaster")
    page.click(".land button.primary")
    expect(page.locator(".land .wrong")).not_to_be_empty()
    yield "wrong-name"
    page.fill(".land [name=username]", "")
    page.click(".land button.primary")
    visitor.lives()
    yield "waiting"
    visitor.gets(CODE)
    visitor.gets(CONFIRM)
    visitor.gets(_PHISHING)
    visitor.gets(_NEWS)
    yield "list"
    for number, name in ((3, "code"), (2, "link"), (1, "phishing"), (0, "images")):
        visitor.rows.nth(number).locator("a").dispatch_event("click")
        page.wait_for_selector("[role=tablist]")
        yield name
    for number, name in enumerate(("text", "headers", "source"), 1):
        page.locator("[role=tab]").nth(number).click()
        yield name
    page.keyboard.press("Escape")
    page.fill("#q", "no such words")
    expect(page.locator(".list")).to_contain_text("Nothing matches")
    yield "no-match"
    page.fill("#q", "")
    page.locator("#q").blur()
    for key, name in (("q", "qr"), ("n", "new"), ("?", "keys")):
        page.keyboard.press(key)
        expect(page.locator("dialog")).to_be_visible()
        if key == "q":
            expect(page.locator("dialog img")).to_be_visible()
        yield f"dialog-{name}"
        page.keyboard.press("Escape")
    page.get_by_role("button", name="Your throwaway address").click()
    yield "switcher"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Delete this inbox").click()
    yield "dialog-delete"
    page.click("#really")
    expect(page.locator(".land")).to_be_visible()


DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("desk-light", DESK),
        ("desk-dark", {**DESK, "color_scheme": "dark"}),
        ("phone-light", PHONE),
        ("phone-dark", {**PHONE, "color_scheme": "dark"}),
        ("forced-colors", {**DESK, "forced_colors": "active"}),
    ],
)
def test_60_and_33_nobody_is_shut_out_in_any_state(
    visitors: Callable[..., Visitor], axe: str, name: str, options: dict[str, Any]
) -> None:
    visitor = visitors(bypass_csp=True, **options)
    found = {}
    for state in states(visitor):
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            visitor.page.screenshot(path=Path(SHOTS) / f"{name}-{state}.png")
        if wrong := violations(visitor.page, axe):
            found[state] = wrong
        assert visitor.sideways == 0, state
    assert found == {}


@pytest.mark.alone
def test_33_the_console_is_silent_and_nothing_moves_in_any_state(visitor: Visitor) -> None:
    for state in states(visitor):
        assert visitor.complaints("Failed to load resource", "x.leak.test") == [], state
    visitor.said = []
    visitor.asked = [one for one in visitor.asked if "x.leak.test" not in one]
    visitor.opens()
    visitor.makes()
    visitor.gets(CODE)
    visitor.page.reload()
    visitor.lives()
    expect(visitor.rows).to_have_count(1)
    visitor.reads("482913 is your verification code")
    assert visitor.shift == 0


def test_23_the_theme_stays(visitor: Visitor) -> None:
    visitor.opens()
    page = visitor.page
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(paper)
    page.click("#theme")
    dark = page.evaluate(paper)
    assert dark != light
    page.reload()
    assert page.evaluate(paper) == dark


@pytest.mark.parametrize(
    "options",
    [
        {"viewport": {"width": 320, "height": 640}},
        {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},  # 1280 at 200 %
    ],
    ids=["31_320_pixels", "32_zoom_of_200_percent"],
)
def test_nothing_runs_out_at_the_side(
    visitors: Callable[..., Visitor], options: dict[str, Any]
) -> None:
    visitor = visitors(**options)
    for state in states(visitor):
        assert visitor.sideways == 0, state


def test_59_long_words_from_right_to_left_fit(visitors: Callable[..., Visitor]) -> None:
    def lengthen(route: Route) -> None:
        script = route.fetch().text()
        texts, colon, rest = script.partition("export const words")
        longer = re.sub(
            r"^(  \w+: ?\n? *')(.*)(',)$", r"\1[\2 ‏وزيادة]\3", texts, flags=re.MULTILINE
        )
        assert longer != texts
        route.fulfill(body=longer + colon + rest, content_type="text/javascript")

    visitor = visitors(viewport={"width": 360, "height": 740})
    visitor.context.route("**/js/i18n.js", lengthen)
    visitor.page.add_init_script("document.documentElement.dir = 'rtl'")
    visitor.page.add_init_script(
        "addEventListener('DOMContentLoaded', () => document.documentElement.dir = 'rtl')"
    )
    visitor.opens()
    visitor.page.click(".land button.primary")
    visitor.page.wait_for_selector("#addr")
    visitor.deliver(CODE)
    expect(visitor.rows).to_have_count(1)
    assert visitor.sideways == 0
    visitor.rows.first.locator("a").click()
    visitor.page.wait_for_selector("[role=tablist]")
    expect(visitor.page.locator("[role=tab]").first).to_contain_text("وزيادة")
    assert visitor.sideways == 0


def test_the_page_weighs_little() -> None:
    files = WebFiles()
    sizes = files.compressed()
    mine = {name: n for name, n in sizes.items() if name.endswith(".js")}
    scripts = sum(mine[name] for name in SCRIPTS)
    styles = len(gzip.compress(files.text("app.css").encode()))
    print(f"scripts {scripts} bytes, styles {styles} bytes")
    assert scripts <= 40_000
    assert styles <= 10_000


def test_a_first_visit_asks_for_little(visitor: Visitor, served: Daemon) -> None:
    visitor.opens()
    visitor.page.wait_for_load_state("networkidle")
    print(f"{len(visitor.asked)} requests")
    assert len(visitor.asked) <= 16


def test_nothing_is_painted_later_for_lack_of_scripts(visitors: Callable[..., Visitor]) -> None:
    visitor = visitors()
    visitor.context.route("**/static/**/*.js", lambda route: route.abort())
    visitor.opens()
    expect(visitor.page.locator(".land h1")).to_be_visible()
    assert visitor.page.evaluate("performance.getEntriesByName('first-contentful-paint').length")
