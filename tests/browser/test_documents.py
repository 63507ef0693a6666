"""Hostile mails, delivered to a real daemon and opened in Chromium as a page would frame them."""

from __future__ import annotations

import base64
import re
import time
from collections import deque
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
from attrs import frozen

from tests.browser.vectors import ACTIVE, ALL, Vector
from tests.browser.watch import CHROMIUM, Listener, Tab, chromium, connected
from tests.daemon import Daemon, daemon

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

A_MAILBOX_HOLDS = 100
TABS = 6
PATIENCE = 10.0  # seconds for an unprotected page to show what it does
AFTERTHOUGHTS = 1000  # milliseconds for the last pages to do something late
GIF = base64.b64decode("R0lGODlhAQABAIAAAP8AAP///yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==")


@frozen
class Delivered:
    """A vector as the daemon shows it."""

    vector: Vector
    url: str


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon(tmp_path_factory.mktemp("daemon")) as it:
        yield it


def substitutes(vector: Vector, listener: Listener) -> dict[str, str]:
    url = f"http://127.0.0.1:{listener.port}/{vector.name}"
    return {
        "N": vector.name,
        "PORT": str(listener.port),
        "URL": url,
        "TLS": url.replace("http:", "https:"),
        "HOST": f"http://{vector.name}.leak.test:{listener.port}/",
        "JS": f"console.log(`pwned {vector.name}`);top.pwned=`{vector.name}`;fetch(`{url}`)",
    }


def origin(running: Daemon) -> str:
    return f"http://127.0.0.1:{running.http}"


def delivered(running: Daemon, mails: list[bytes]) -> list[str]:
    """The signed addresses of mails that went through SMTP, in order."""
    address, token = running.create()
    for mail in mails:
        running.send(address, mail=mail)
    messages = f"/api/v1/mailboxes/{address}/messages"
    _, listed = running.request("GET", f"{messages}?limit=200&after=0", token)
    assert len(listed["messages"]) == len(mails)
    return [
        origin(running) + running.request("GET", f"{messages}/{one['id']}", token)[1]["html_url"]
        for one in listed["messages"]
    ]


def test_no_hostile_mail_runs_asks_or_changes_anything(
    running: Daemon, listener: Listener, tmp_path: Path
) -> None:
    urls = [
        url
        for start in range(0, len(ALL), A_MAILBOX_HOLDS)
        for url in delivered(
            running,
            [one.mail(substitutes(one, listener)) for one in ALL[start : start + A_MAILBOX_HOLDS]],
        )
    ]
    assert len(ALL) == len(urls) >= 100
    with chromium(tmp_path / "net.json") as browser:
        context = browser.new_context()
        tabs = [Tab(context.new_page(), origin(running)) for _ in range(TABS)]
        for tab in tabs:
            tab.show_unprotected(b"<p>x", "utf-8")
        undisturbed = tabs[0].state()
        shown: deque[tuple[Tab, Delivered]] = deque()
        for tab, vector, url in zip(cycle(tabs), ALL, urls, strict=False):
            if len(shown) == TABS:  # each has had the time that the next five took
                check(*shown.popleft(), undisturbed)
            tab.show_next(url)  # the page stays: one that was changed would have failed the check
            shown.append((tab, Delivered(vector, url)))
        tabs[0].page.wait_for_timeout(AFTERTHOUGHTS)
        for tab, one in shown:
            check(tab, one, undisturbed)
    assert listener.heard == []
    assert connected(tmp_path / "net.json") == {f"127.0.0.1:{running.http}"}


def check(tab: Tab, one: Delivered, undisturbed: str) -> None:
    name = one.vector.name
    assert tab.said == [], name
    assert tab.windows == [], name
    assert tab.frame.url == one.url, name
    assert tab.strange() == [], name
    assert tab.state() == undisturbed, name
    assert [url for url in tab.asked if not url.startswith(one.url)] == [], name
    assert [url for url in tab.blocked if not url.startswith("https://127.0.0.1:")] == [], name


def test_without_protection_the_same_mails_run_ask_and_change(
    listener: Listener, tmp_path: Path
) -> None:
    """Else the test above could not fail: each way of telling is told by many."""
    told = {"said": 0, "heard": 0, "changed": 0}
    with chromium(tmp_path / "net.json") as browser:
        tab = Tab(browser.new_page(), f"http://127.0.0.1:{listener.port}")
        tab.show_unprotected(b"<p>x", "utf-8")
        undisturbed = tab.state()
        for vector in ACTIVE:
            before = len(listener.heard)
            tab.show_unprotected(vector.content(substitutes(vector, listener)), vector.charset)
            deadline = time.monotonic() + PATIENCE
            while True:
                name = vector.name.encode()
                signs = {
                    "said": f"pwned {vector.name}" in tab.said,
                    "heard": len(listener.heard) > before
                    or any(b"/%s " % name in one for one in listener.heard),
                    "changed": tab.state() != undisturbed,
                }
                if any(signs.values()):
                    break
                assert time.monotonic() < deadline, f"{vector.name} does nothing"
                tab.page.wait_for_timeout(20)
            for sign, given in signs.items():
                told[sign] += given
    assert min(told.values()) >= 20, told


def test_without_protection_the_others_leave_what_no_mail_may_keep(
    listener: Listener, tmp_path: Path
) -> None:
    latent = [one for one in ALL if one not in ACTIVE and not one.name.startswith("utf-7")]
    with chromium(tmp_path / "net.json") as browser:
        tab = Tab(browser.new_page(), f"http://127.0.0.1:{listener.port}")
        for vector in latent:
            tab.show_unprotected(vector.content(substitutes(vector, listener)), vector.charset)
            assert tab.strange(), vector.name


RELATED = (
    b"Subject: logo\r\nContent-Type: multipart/related; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n%s\r\n"
    b"--b\r\nContent-Type: application/octet-stream\r\nContent-ID: <logo@sender.test>\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(GIF) + b"\r\n--b--\r\n"
)


def test_images_of_the_mail_are_shown_and_remote_ones_when_asked_for(
    running: Daemon, listener: Listener, tmp_path: Path
) -> None:
    remote = f"https://127.0.0.1:{listener.port}/pixel"
    html = f'<p style="color:#f00">hi<img src="cid:logo@sender.test"><img src="{remote}">'
    (url,) = delivered(running, [RELATED % html.encode()])
    with chromium(tmp_path / "net.json") as browser:
        tab = Tab(browser.new_page(), origin(running))
        tab.show(url)
        widths = "() => [...document.images].map(image => image.naturalWidth)"
        assert tab.frame.evaluate(widths) == [1, 0]
        colour = "() => getComputedStyle(document.querySelector('p')).color"
        assert tab.frame.evaluate(colour) == "rgb(255, 0, 0)"
        assert tab.blocked == [remote]
        assert listener.heard == []

        tab.show(f"{url}?images=1")
        assert tab.blocked == []
        assert listener.heard, "the reader's own browser asks"


def test_a_link_shows_where_it_leads_and_opens_a_window_that_knows_nothing(
    running: Daemon, listener: Listener, tmp_path: Path
) -> None:
    html = f'<a href="http://127.0.0.1:{listener.port}/go">http://bank.test</a>'
    (url,) = delivered(running, [b"Content-Type: text/html\r\n\r\n" + html.encode()])
    with chromium(tmp_path / "net.json") as browser:
        tab = Tab(browser.new_page(), origin(running))
        tab.show(url)
        tab.frame.hover("a")
        shown = "() => getComputedStyle(document.querySelector('a'), '::after').content"
        assert f"127.0.0.1:{listener.port}/go" in tab.frame.evaluate(shown)
        tab.frame.click("a")
        deadline = time.monotonic() + PATIENCE
        while not any(listener.heard) and time.monotonic() < deadline:
            tab.page.wait_for_timeout(20)
        (asked,) = [one for one in listener.heard if one]
        assert asked.startswith(b"GET /go ")
        assert re.search(rb"^Referer:", asked, re.MULTILINE | re.IGNORECASE) is None
        assert tab.frame.url == url


def test_what_a_link_shows_begins_with_its_host_whichever_way_the_mail_is_written(
    running: Daemon, tmp_path: Path
) -> None:
    href = "https://evil.test/" + "a/" * 300 + "?https://bank.test/"
    html = (
        f'<div dir="rtl" style="direction: rtl; unicode-bidi: bidi-override"><a href="{href}">x</a>'
    )
    (url,) = delivered(running, [b"Content-Type: text/html\r\n\r\n" + html.encode()])
    with chromium(tmp_path / "net.json") as browser:
        tab = Tab(browser.new_page(), origin(running))
        tab.show(url)
        tab.frame.hover("a")
        for name, value in (("direction", "ltr"), ("unicodeBidi", "isolate")):
            shown = f"() => getComputedStyle(document.querySelector('a'), '::after').{name}"
            assert tab.frame.evaluate(shown) == value


def test_plain_text_is_text(running: Daemon, tmp_path: Path) -> None:
    text = b"Subject: x\r\n\r\n<script>top.x=1</script>\r\n  two  spaces https://x.test/a.\r\n"
    (url,) = delivered(running, [text])
    with chromium(tmp_path / "net.json") as browser:
        tab = Tab(browser.new_page(), origin(running))
        tab.show(url)
        assert "<script>top.x=1</script>\n  two  spaces https://x.test/a." in tab.frame.inner_text(
            "body"
        )
        assert tab.frame.evaluate("() => document.links[0].href") == "https://x.test/a"
        assert (tab.said, tab.strange()) == ([], [])


def test_nobody_else_may_frame_a_mail(running: Daemon, listener: Listener, tmp_path: Path) -> None:
    (url,) = delivered(running, [b"Subject: x\r\n\r\nfor your eyes\r\n"])
    with chromium(tmp_path / "net.json") as browser:
        tab = Tab(browser.new_page(), f"http://127.0.0.1:{listener.port}")
        tab.show(url)
        assert "for your eyes" not in tab.frame.content()
        assert any("frame-ancestors" in one for one in tab.said)


def test_a_mail_opens_in_a_window_of_its_own_too(running: Daemon, tmp_path: Path) -> None:
    (url,) = delivered(running, [b"Subject: x\r\n\r\nhello there\r\n"])
    with chromium(tmp_path / "net.json") as browser:
        page = browser.new_page()
        page.goto(url)
        assert "hello there" in page.inner_text("body")
        assert page.evaluate("() => origin") == "null"
