"""Chromium under watch: what a page ran, asked for and changed, and who was connected to."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Dialog,
    Frame,
    Page,
    Request,
    Route,
    sync_playwright,
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_QUIET = (
    "--no-sandbox",  # tests run as root too
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=LocalNetworkAccessChecks",  # it would hide a leak to the listener
    # Names lead to the listener or nowhere: no test asks a name server.
    "--host-resolver-rules=MAP *.leak.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"

# What no frame with a mail may hold, read from its DOM (whose own methods a mail may shadow).
_STRANGE = r"""() => {
  const elements = new Set(('script iframe frame object embed applet base link form input button '
    + 'select textarea video audio source track template dialog portal map area').split(' '));
  const attributes = new Set(('id name srcdoc srcset ping formaction popover autofocus background '
    + 'action poster slot is').split(' '));
  const names = Function.prototype.call.bind(Element.prototype.getAttributeNames);
  const valueOf = Function.prototype.call.bind(Element.prototype.getAttribute);
  const strange = [];
  for (const one of document.querySelectorAll('*')) {
    const element = one.localName;
    const html = one.namespaceURI === 'http://www.w3.org/1999/xhtml';
    if (!html || !/^[a-z0-9]+$/.test(element) || elements.has(element) || one.shadowRoot)
      strange.push(element);
    for (const name of names(one)) {
      const value = valueOf(one, name);
      if (/^on/.test(name) || name === 'http-equiv' && element === 'meta'
          || attributes.has(name) && element !== 'meta'
          || name === 'href' && !/^(https?:\/\/[^\/@\\]+($|[\/?#])|mailto:)/.test(value)
          || name === 'src' && !/^(https:|data:image\/|\/m\/)/.test(value)
          || name === 'style' && /url|expression|position|behavior|\\|\/\*/i.test(value))
        strange.push(`${element} ${name}=${value}`);
    }
  }
  return strange;
}"""

_NEXT = """([sandbox, src]) => new Promise((loaded) => {
  const frame = document.createElement('iframe');
  frame.sandbox = sandbox;
  frame.src = src;
  frame.onload = () => { frame.onload = null; loaded(); };
  document.body.append(frame);
})"""


class Listener:
    """Accepts whoever connects, and remembers what it was sent."""

    def __init__(self) -> None:
        self._heard: list[bytearray] = []
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def heard(self) -> list[bytes]:
        """The first bytes of every connection, empty where none came."""
        return [bytes(one) for one in self._heard]

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self._heard.append(bytearray())
            threading.Thread(target=_answer, args=(client, self._heard[-1]), daemon=True).start()

    def close(self) -> None:
        self._socket.close()


def _answer(client: socket.socket, heard: bytearray) -> None:
    with client, suppress(OSError):
        client.settimeout(60)
        heard += client.recv(2000)
        client.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


class Tab:
    """A page around one frame, and what has happened since the frame was filled.

    :param origin: of the daemon; the page is put there, for nobody else may frame a mail.
    :ivar said: dialogs, errors and console messages.
    :ivar asked: addresses that were asked for and not blocked.
    :ivar blocked: addresses that the document's policy kept from being asked for.
    :ivar windows: that were opened.
    """

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self._origin = origin
        self._pages: dict[str, tuple[bytes, str]] = {}
        self.said: list[str] = []
        self.asked: list[str] = []
        self.blocked: list[str] = []
        self.windows: list[str] = []
        page.route(f"{origin}/stage/*", self._serve)
        page.on("popup", lambda other: self.windows.append(other.url))
        page.on("console", self._console)
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("requestfailed", self._failed)

    def show(self, source: str) -> None:
        """Fill a sandboxed frame from an address."""
        self._open(f'<iframe sandbox="{_SANDBOX}" src="{source}"></iframe>')

    def show_next(self, source: str) -> None:
        """Fill another such frame, in the place of the one that is there: the page stays."""
        self.page.evaluate("document.querySelector('iframe').remove()")
        self._forget()
        self.page.evaluate(_NEXT, [_SANDBOX, source])

    def show_unprotected(self, html: bytes, charset: str) -> None:
        """Fill a frame that may do anything with this HTML."""
        self._pages["mail"] = (html, charset)
        self._open('<iframe src="/stage/mail"></iframe>')

    def _open(self, frame: str) -> None:
        page = f"<!doctype html><title>inbox</title><p>Inbox</p>{frame}"
        self._pages["page"] = (page.encode(), "utf-8")
        self.page.goto("about:blank")
        self._forget()
        self.page.goto(f"{self._origin}/stage/page", wait_until="load")

    def _forget(self) -> None:
        for what in (self.said, self.asked, self.blocked, self.windows):
            what.clear()

    def _serve(self, route: Route) -> None:
        body, charset = self._pages[route.request.url.rpartition("/")[2]]
        route.fulfill(body=body, content_type=f"text/html; charset={charset}")

    def _dialog(self, dialog: Dialog) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _console(self, message: ConsoleMessage) -> None:
        """All but the browser's own reports of images that it did not get: see ``asked``."""
        if not message.text.startswith(("Loading the image 'https:", "Failed to load resource")):
            self.said.append(message.text)

    def _failed(self, request: Request) -> None:
        if request.failure == "csp" and request.url in self.asked:
            self.asked.remove(request.url)
            self.blocked.append(request.url)

    @property
    def frame(self) -> Frame:
        return self.page.frames[1]

    def strange(self) -> list[str]:
        """Elements and attributes in the frame that no mail may keep."""
        found: list[str] = self.frame.evaluate(_STRANGE)
        return found

    def state(self) -> str:
        """Of the page around the frame."""
        found: dict[str, Any] = self.page.evaluate(
            """() => ({ html: document.documentElement.innerHTML.replace(/<iframe.*/s, ''),
                        title: document.title, address: location.pathname, frames: length,
                        names: Object.keys(window).length, stored: Object.keys(localStorage),
                        focus: document.activeElement.localName, cookies: document.cookie })"""
        )
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
