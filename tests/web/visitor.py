"""Somebody with a browser, who minds every error, every report and every request elsewhere."""

from __future__ import annotations

import json
import smtplib
import time
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    expect,
)

from tests.daemon import PATIENCE, Daemon

SECONDS = 15.0
expect.set_options(timeout=SECONDS * 1000)

LINK = "https://app.lumen.example/confirm?token=Zk3v9Q8sW1xYbN4vKeQpR2"

# What the browser has noted of one kind.  It is asked for afterwards, for a script that is there
# from the beginning would be in the frames of mails as well, of which the browser complains.
_NOTED = """(type) => new Promise((done) => {
  const noted = [];
  const observer = new PerformanceObserver((list) => noted.push(...list.getEntries()));
  observer.observe({type, buffered: true});
  setTimeout(() => done(noted.map((one) => [one.startTime, one.value ?? one.duration,
    one.hadRecentInput ?? false])), 100);
})"""


def mail(
    subject: str = "Hello",
    text: str = "Hi\n",
    html: str | None = None,
    sender: str = "Ann <ann@sender.test>",
    files: dict[str, bytes] | None = None,
) -> bytes:
    """The bytes of a mail."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "you@example.org", subject
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    for name, content in (files or {}).items():
        message.add_attachment(
            content, maintype="application", subtype="octet-stream", filename=name
        )
    return message.as_bytes()


CODE = mail(
    "482913 is your verification code",
    "Your verification code is 482913.\n",
    "<h1>Your code</h1><p>Your verification code is <b>482913</b>.</p>",
    "Acme ID <no-reply@id.acme.example>",
)
CONFIRM = mail(
    "Confirm your email address",
    f"Almost there. Confirm this address:\n{LINK}\n",
    f'<p>Almost there.</p><a href="{LINK}">Confirm your address</a>',
    "Lumen Notes <hello@lumen.example>",
)


class Visitor:
    """One person with one browser profile.

    :param origin: where the site is.
    :ivar said: errors, warnings and reports of all tabs.
    :ivar asked: every address that was asked for.
    """

    def __init__(self, browser: Browser, served: Daemon, origin: str = "", **options: Any) -> None:
        self.served = served
        self.origin = origin or f"http://127.0.0.1:{served.http}"
        self.context: BrowserContext = browser.new_context(
            **{"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **options}
        )
        self.said: list[str] = []
        self.asked: list[str] = []
        self.requests: list[Request] = []
        self.context.set_default_timeout(SECONDS * 1000)
        self.context.on("page", self._watch)
        self.context.on("request", self._request)
        self.page = self.context.new_page()

    def _watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        self.said.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _request(self, request: Request) -> None:
        self.asked.append(request.url)
        self.requests.append(request)

    def close(self) -> None:
        self.context.close()

    def until(self, true: Callable[[], Any], seconds: float = SECONDS) -> None:
        """Wait for what no locator sees; the policy of our pages forbids Playwright's own way."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, "it did not happen"
            self.context.pages[-1].wait_for_timeout(20)  # meanwhile the browser is heard

    def opens(self, path: str = "/", page: Page | None = None) -> None:
        (page or self.page).goto(self.origin + path)

    def makes(self, name: str = "", minutes: int = 60) -> str:
        """Get an address on the landing page, and wait until it is listened to."""
        self.opens()
        if name:
            self.page.fill(".land [name=username]", name)
        self.page.locator(f".land [name=ttl_minutes][value='{minutes}']").check(force=True)
        self.page.click(".land button.primary")
        self.page.wait_for_selector("#addr")
        self.lives()
        return self.address

    def makes_another(self) -> None:
        """Get one more address, which is shown then."""
        self.page.keyboard.press("n")
        self.page.locator("dialog button.primary").click()
        expect(self.page.get_by_role("dialog")).to_have_count(0)
        self.lives()

    def switches(self, address: str) -> None:
        """Show another inbox of this browser."""
        self.page.get_by_role("button", name="Your throwaway address").click()
        self.page.locator("#inboxes").get_by_role("button", name=address).click()
        expect(self.page.locator("#addr")).to_have_text(address)
        self.lives()

    def lives(self, page: Page | None = None) -> None:
        expect((page or self.page).locator("tm-live")).to_have_attribute("data-s", "live")

    @property
    def address(self) -> str:
        return (self.page.text_content("#addr") or "").strip()

    @property
    def inboxes(self) -> list[dict[str, Any]]:
        """As the browser keeps them."""
        found = self.page.evaluate("localStorage.getItem('inboxes')")
        kept: list[dict[str, Any]] = json.loads(found or "[]")
        return kept

    @property
    def token(self) -> str:
        return next(str(one["token"]) for one in self.inboxes if one["address"] == self.address)

    def gets(self, *mails: bytes) -> None:
        """Have these delivered, and wait until all of them are in the list."""
        before = self.rows.count()
        self.deliver(*mails)
        expect(self.rows).to_have_count(before + len(mails))

    def deliver(self, *mails: bytes, to: str = "") -> None:
        deliver(self.served, to or self.address, *mails)

    @property
    def rows(self) -> Locator:
        return self.page.locator(".row")

    def row(self, text: str) -> Locator:
        return self.page.locator(".row", has_text=text)

    def reads(self, subject: str) -> None:
        """Open a message, and wait until all of it is there."""
        self.row(subject).locator("a").click()
        expect(self.page.locator("#subject")).to_have_text(subject)
        self.page.wait_for_selector("[role=tablist]")

    @property
    def clipboard(self) -> str:
        return str(self.page.evaluate("navigator.clipboard.readText()"))

    @property
    def focused(self) -> str:
        """The id of what has the focus, else its tag."""
        return str(
            self.page.evaluate("document.activeElement.id || document.activeElement.localName")
        )

    @property
    def sideways(self) -> int:
        """Pixels by which the page is wider than the window."""
        return int(
            self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )

    @property
    def shift(self) -> float:
        """How much has moved without having been touched."""
        noted = self.page.evaluate(_NOTED, "layout-shift")
        return float(sum(value for _, value, touched in noted if not touched))

    def longest_task(self, since: float) -> float:
        """Milliseconds for which scripts held the page at the most, 0 where that was below 50.

        :param since: by :attr:`now`.
        """
        noted = self.page.evaluate(_NOTED, "longtask")
        return float(max((lasted for began, lasted, _ in noted if began >= since), default=0))

    @property
    def now(self) -> float:
        """Milliseconds since the page was opened."""
        return float(self.page.evaluate("performance.now()"))

    def complaints(self, *allowed: str) -> list[str]:
        """What the browser said but for what is expected."""
        return [one for one in self.said if not any(words in one for words in allowed)]

    def elsewhere(self) -> list[str]:
        """Addresses that are not the site's."""
        own = (self.origin, "data:", "blob:", "about:")
        return [one for one in self.asked if not one.startswith(own)]


def deliver(served: Daemon, to: str, *mails: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", served.smtp, timeout=PATIENCE) as client:
        for one in mails:
            client.sendmail("bounce@sender.test", [to], one)
