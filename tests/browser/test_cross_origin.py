"""What pages of other sites can do in Chromium, against a real daemon."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.watch import CHROMIUM, chromium
from tests.daemon import Daemon, daemon

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

_USE = """async ([api, address, token]) => {
  const headers = {'Authorization': `Bearer ${token}`, 'Content-Type': 'application/json'};
  const box = `${api}/mailboxes/${address}`;
  const seen = {};
  const made = await fetch(`${api}/mailboxes`, {method: 'POST'});
  seen.made = [made.status, made.headers.get('location') !== null];
  const extended = await fetch(box, {method: 'PATCH', headers, body: '{"ttl_minutes": 30}'});
  seen.extended = [extended.status, extended.headers.get('ratelimit-remaining') !== null];
  const waited = await fetch(`${box}/messages/wait?timeout=1`, {headers});
  seen.waited = [waited.status, waited.headers.get('tempmail-after')];
  const missing = await fetch(`${box}/messages/latest`, {headers});
  seen.missing = [missing.status, (await missing.json()).code];
  const stream = new EventSource(`${box}/events?token=${token}`);
  seen.stream = await new Promise(done => {
    stream.onopen = () => done('open');
    stream.onerror = () => done('refused');
  });
  stream.close();
  const socket = new WebSocket(
    `${api.replace('http', 'ws').replace('/api/v1', '/ws/inbox')}/${address}?token=${token}`);
  seen.socket = await new Promise(done => {
    socket.onopen = () => done('open');
    socket.onerror = () => done('refused');
  });
  socket.close();
  return seen;
}"""
_MISUSE = """async ([api, address, token]) => {
  const box = `${api}/mailboxes/${address}`;
  const attempts = {
    make: () => fetch(`${api}/mailboxes`, {method: 'POST'}),
    blind: () => fetch(`${api}/mailboxes`, {method: 'POST', mode: 'no-cors'}),
    read: () => fetch(box, {headers: {'Authorization': `Bearer ${token}`}}),
    image: () => new Promise((done, fail) => {
      const image = new Image();
      image.onload = done;
      image.onerror = fail;
      image.src = `${api}/mailboxes`;
    }),
    socket: () => new Promise((done, fail) => {
      const socket = new WebSocket(
        `${api.replace('http', 'ws').replace('/api/v1', '/ws/inbox')}/${address}?token=${token}`);
      socket.onopen = done;
      socket.onerror = fail;
    }),
  };
  const seen = {};
  for (const [name, attempt] of Object.entries(attempts))
    seen[name] = await attempt().then(answer => answer && answer.type || 'done', () => 'refused');
  return seen;
}"""


class Blank(BaseHTTPRequestHandler):
    """A page with nothing on it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[int]:
    """The port of all other sites."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Blank)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, site: int) -> Iterator[Daemon]:
    welcome = ("--cors-origin", f"http://app.leak.test:{site}")
    with daemon(tmp_path_factory.mktemp("daemon"), *welcome, "--rate-limits", "on") as it:
        yield it


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("browser") / "net.json") as browser:
        yield browser.new_context().new_page()


def given(running: Daemon) -> list[str]:
    return [f"http://127.0.0.1:{running.http}/api/v1", *running.create(ttl_minutes=10)]


def test_a_welcome_sites_page_can_use_everything(running: Daemon, page: Page, site: int) -> None:
    page.goto(f"http://app.leak.test:{site}/")
    assert page.evaluate(_USE, given(running)) == {
        "made": [201, True],
        "extended": [200, True],
        "waited": [204, "0"],
        "missing": [404, "not_found"],
        "stream": "open",
        "socket": "open",
    }


def test_any_other_sites_page_can_use_nothing(running: Daemon, page: Page, site: int) -> None:
    page.goto(f"http://evil.leak.test:{site}/")
    seen = page.evaluate(_MISUSE, given(running))
    # A blind request is sent and its answer hidden: that it made nothing shows the next test.
    assert seen == {
        **dict.fromkeys(("make", "read", "image", "socket"), "refused"),
        "blind": seen["blind"],
    }


def test_it_has_not_used_up_its_visitors_mailboxes(running: Daemon) -> None:
    """The two tests before made three; ten is what a client may have."""
    assert [running.request("POST", "/api/v1/mailboxes")[0] for _ in range(8)] == [201] * 7 + [429]


def test_a_name_that_was_made_to_lead_here_leads_nowhere(running: Daemon, page: Page) -> None:
    answer = page.goto(f"http://rebound.leak.test:{running.http}/api/v1/mailboxes")
    assert answer is not None
    assert answer.status == 421
    health = page.goto(f"http://rebound.leak.test:{running.http}/health")
    assert health is not None
    assert health.status == 200
