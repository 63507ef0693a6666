"""Chromium under watch: what a page ran, asked for and changed, and who was connected to."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from attrs import Factory, define
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Route, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_QUIET = (
    "--no-sandbox",  # tests run as root too
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Names lead to the listener or nowhere: no test asks a name server.
    "--host-resolver-rules=MAP *.leak.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"

# What a frame that shows a mail may hold, read from its DOM.
_STRANGE = """() => {
  const strange = [];
  for (const one of document.querySelectorAll('*')) {
    const name = one.localName;
    if (one.namespaceURI !== 'http://www.w3.org/1999/xhtml' || !/^[a-z0-9]+$/.test(name)
        || /^(script|iframe|frame|object|embed|applet|base|link|form|input|button|select|textarea|
             video|audio|source|track|template|dialog|portal|fencedframe)$/x.test(name))
      strange.push(name);
    const head = document.head.contains(one);
    if ((name === 'style' || name === 'meta' || name === 'title') && !head) strange.push(name);
    for (const { name: attribute, value } of one.attributes) {
      if (/^on|^(id|name|srcdoc|srcset|ping|formaction|popover|autofocus|background)$/
          .test(attribute) && !head) strange.push(`${name} ${attribute}`);
      if (attribute === 'href' && !/^(https?:\\/\\/|mailto:)/.test(value)) strange.push(value);
      if (attribute === 'style' && /url|expression|position|\\\\/i.test(value)) strange.push(value);
    }
    if (one.shadowRoot) strange.push('shadow root');
  }
  return strange;
}""".replace("\n             ", "").replace("/x.test", "/.test")


class Listener:
    """Accepts whoever connects, and remembers that."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self.heard.append(b"?")
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client:
            client.settimeout(2)
            try:
                self.heard[-1] = client.recv(200)
                client.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            except OSError:
                pass

    def close(self) -> None:
        self._socket.close()


@define
class Seen:
    """What happened while a page was open.

    :ivar said: dialogs and console messages.
    :ivar asked: addresses that were asked for and not blocked.
    :ivar blocked: addresses that the document's policy kept from being asked for.
    :ivar opened: windows.
    """

    said: list[str] = Factory(list)
    asked: list[str] = Factory(list)
    blocked: list[str] = Factory(list)
    opened: list[str] = Factory(list)
    strange: list[str] = Factory(list)
    page: str = ""
    frame: str = ""


class Watched:
    """A browser whose pages hold one frame each.

    :param origin: of the daemon; the page is put there, for nobody else may frame a mail.
    """

    def __init__(self, browser: Browser, origin: str, listener: Listener) -> None:
        self._browser = browser
        self._origin = origin
        self._listener = listener

    def framed(self, source: str, *, dwell: float = 150) -> Seen:
        """Open a page with ``source`` in a sandboxed frame.

        :param dwell: milliseconds for whatever comes after loading.
        """
        return self._open(f'<iframe sandbox="{_SANDBOX}" src="{source}"></iframe>', {}, dwell)

    def control(self, html: bytes, charset: str, *, dwell: float = 150) -> Seen:
        """Open a page with this HTML in a frame without any protection."""
        return self._open('<iframe src="/control"></iframe>', {"control": (html, charset)}, dwell)

    def _open(self, frame: str, pages: dict[str, tuple[bytes, str]], dwell: float) -> Seen:
        seen = Seen()
        parent = f"<!doctype html><title>inbox</title><p>Inbox</p>{frame}"
        pages = {"page": (parent.encode(), "utf-8"), **pages}
        context = self._browser.new_context()
        page = context.new_page()
        for name, (body, charset) in pages.items():
            page.route(f"{self._origin}/{name}", partial(_fulfil, body, charset))
        context.on("page", lambda other: seen.opened.append(other.url))
        context.on("console", lambda message: _said(seen, message))
        context.on("dialog", lambda dialog: (seen.said.append("dialog"), dialog.dismiss()))
        context.on("weberror", lambda error: seen.said.append(str(error.error)))
        context.on("request", lambda request: seen.asked.append(request.url))
        context.on("requestfailed", lambda request: _failed(seen, request))
        page.goto(f"{self._origin}/page", wait_until="load")
        page.wait_for_timeout(dwell)
        seen.page = _state(page)
        shown = page.frames[1]
        seen.frame = shown.url
        seen.strange = shown.evaluate(_STRANGE)
        context.close()
        return seen

    def undisturbed(self) -> str:
        """The state of a page whose frame does nothing."""
        return self.control(b"<p>x", "utf-8", dwell=0).page


def _fulfil(body: bytes, charset: str, route: Route) -> None:
    route.fulfill(body=body, content_type=f"text/html; charset={charset}")


def _said(seen: Seen, message: ConsoleMessage) -> None:
    """A blocked remote image is reported; everything else is somebody's doing."""
    if not message.text.startswith(("Loading the image 'https:", "Failed to load resource")):
        seen.said.append(message.text)


def _failed(seen: Seen, request: Request) -> None:
    if request.failure == "csp" and request.url in seen.asked:
        seen.asked.remove(request.url)
        seen.blocked.append(request.url)


def _state(page: Page) -> str:
    found: dict[str, Any] = page.evaluate(
        """() => ({ html: document.documentElement.innerHTML.replace(/src="[^"]*"/, ''),
                    title: document.title, address: location.pathname,
                    names: Object.keys(window), stored: Object.keys(localStorage),
                    cookies: document.cookie, frames: window.length })"""
    )
    found["html"] = found["html"].replace(f' sandbox="{_SANDBOX}"', "")
    return json.dumps(found)


@contextmanager
def chromium(net_log: Path) -> Iterator[Browser]:
    """A headless browser with a fresh profile.

    :param net_log: where it writes down every connection that it tries.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*_QUIET, f"--log-net-log={net_log}"]
        )
        try:
            yield browser
        finally:
            browser.close()


def connected(net_log: Path) -> set[str]:
    """The addresses to which TCP connections were tried, by the browser's own record."""
    log = json.loads(net_log.read_text("utf-8"))
    names = {number: name for name, number in log["constants"]["logEventTypes"].items()}
    return {
        event["params"]["address"]
        for event in log["events"]
        if names[event["type"]] == "TCP_CONNECT_ATTEMPT" and "address" in event.get("params", {})
    }
