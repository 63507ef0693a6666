"""Readers of the documents beside the inbox: Chromium, whatever it complains of, and axe-core."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.web.tools.packages import packages

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
NARROW = {"width": 320, "height": 640}
ZOOMED = {"width": 640, "height": 400}
"""What is left of a desktop at 200 %."""

SETTLED = """async () => {  // else colours are looked at on their way
  for (let calm = 0; calm < 5; ) {
    await new Promise(requestAnimationFrame);
    const moving = document.getAnimations().some((one) =>
      one.playState === 'running' && one.effect.getComputedTiming().endTime < 1e4);
    calm = moving ? 0 : calm + 1;
  }
}"""
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_WATCH = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted += one.value;
}).observe({ type: 'layout-shift', buffered: true });
window.reports = [];
addEventListener('securitypolicyviolation', (e) => {
  reports.push(`${e.violatedDirective} ${e.sample}`);
});
"""


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core's source."""
    folder = packages(tmp_path_factory, "axe-core")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")


def violations(page: Page, axe: str, *, contrast: bool = True) -> list[str]:
    """What axe-core finds wrong with a page, when nothing of it moves any more.

    :param axe: its source.
    :param contrast: False where the colours are the reader's own.
    """
    page.evaluate(SETTLED)
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(axe)
    found = page.evaluate(
        "([tags, contrast]) => axe.run(document, {resultTypes: ['violations'], iframes: false,"
        " runOnly: {type: 'tag', values: tags},"
        " rules: {'color-contrast': {enabled: contrast}}}).then((found) => found.violations)",
        [_RULES, contrast],
    )
    return [
        f"{one['id']}: {node['html'][:120]} {node.get('failureSummary', '')[:200]}"
        for one in found
        for node in one["nodes"]
    ]


class Reader:
    """A tab.

    :ivar said: what the console, or a script that failed, said.
    """

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.origin = origin
        self.said: list[str] = []
        self.expects: set[int] = set()
        page.add_init_script(_WATCH)
        page.on("console", lambda message: self._hear(message.text, message.location["url"]))
        page.on("pageerror", lambda error: self.said.append(str(error)))

    def _hear(self, text: str, url: str) -> None:
        """All but the browser's own notes of answers that were to be refusals."""
        if not any(f"status of {status} " in text for status in self.expects):
            self.said.append(f"{text} ({url})")

    def open(self, path: str) -> int:
        answer = self.page.goto(self.origin + path, wait_until="networkidle")
        assert answer is not None
        return answer.status

    def complaints(self) -> list[str]:
        """Of the console, of the content security policy, of the layout."""
        shifted = self.page.evaluate("() => shifted")
        moved = [f"the layout shifted by {shifted}"] if shifted else []
        return [*self.said, *self.page.evaluate("() => reports"), *moved]

    def overflows(self) -> bool:
        """Whether the page can be scrolled sideways."""
        script = "() => document.documentElement.scrollWidth > innerWidth"
        return bool(self.page.evaluate(script))

    def faults(self, axe: str, *, contrast: bool = True) -> list[str]:
        """See :func:`violations`."""
        return violations(self.page, axe, contrast=contrast)

    def focused(self) -> str:
        """The name of what has the focus."""
        return str(
            self.page.evaluate(
                "() => { const e = document.activeElement;"
                " return e.getAttribute('aria-label') || e.name || e.textContent.trim(); }"
            )
        )

    def tab_to(self, name: str, most: int = 60) -> None:
        """Press Tab until something of this name has the focus."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if self.focused() == name:
                return
        raise AssertionError(f"{name} cannot be reached by keys; at last: {self.focused()}")


def looks(reader: Reader, axe: str) -> Iterator[tuple[str, list[str]]]:
    """What is wrong with the page that is open, in each look that it has."""
    page = reader.page
    for size in (DESKTOP, PHONE, NARROW, ZOOMED):
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = reader.faults(axe) if size in (DESKTOP, PHONE) else []
            if reader.overflows():
                found.append("can be scrolled sideways")
            yield f"{size['width']} {scheme}", found
    page.set_viewport_size({"width": DESKTOP["width"], "height": DESKTOP["height"]})
    page.emulate_media(color_scheme="light", forced_colors="active")
    yield "forced colours", reader.faults(axe, contrast=False)
    page.emulate_media(forced_colors="none")


def wrong_looks(reader: Reader, axe: str) -> dict[str, list[str]]:
    """The looks in which something is wrong."""
    return {look: found for look, found in looks(reader, axe) if found}


@contextmanager
def browsing() -> Iterator[Browser]:
    """A headless browser with a fresh profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu"],  # tests run as root too
        )
        try:
            yield browser
        finally:
            browser.close()


def context(browser: Browser, **options: Any) -> BrowserContext:
    return browser.new_context(viewport={"width": 1280, "height": 800}, **options)
