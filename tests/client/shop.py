"""A site that confirms its users' addresses by mail, as the sites do that our users test."""

from __future__ import annotations

import smtplib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "8f3a9c0d2b7e4f61"
CODE = "471123"
_PAGE = "<!doctype html><meta charset=utf-8><title>Shop</title>"
_SIGN_UP = """
<form method=post action=/sign-up>
  <label>E-mail <input name=email></label> <button>Sign up</button>
</form>"""
_LOOK = """
<p>Look into your mailbox</p>
<form method=post action=/confirm>
  <input type=hidden name=email value="%s">
  <label>Code <input name=code></label> <button>Confirm</button>
</form>"""
_MAIL = """\
From: Shop <shop@example.org>\r
Subject: Please confirm your address\r
\r
Your code is %s. Or confirm your address here:\r
%s/confirm?email=%s&token=%s\r
"""


class _Shop(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/confirm":
            self._confirm(parse_qs(parts.query))
        else:
            self._show(_SIGN_UP)

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        fields = parse_qs(self.rfile.read(length).decode())
        if self.path == "/confirm":
            self._confirm(fields)
        else:
            (email,) = fields["email"]
            self._show(_LOOK % email)
            self.server.send(email)

    def _confirm(self, fields: dict[str, list[str]]) -> None:
        if fields.get("token") == [TOKEN] or fields.get("code") == [CODE]:
            self._show(f"<p>Welcome, {fields['email'][0]}</p>")
        else:
            self._show("<p>Wrong</p>")

    def _show(self, html: str) -> None:
        body = (_PAGE + html).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name there
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, smtp_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Shop)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._smtp_port = smtp_port

    def send(self, email: str) -> None:
        with smtplib.SMTP("127.0.0.1", self._smtp_port) as smtp:
            text = _MAIL % (CODE, self.url, email, TOKEN)
            smtp.sendmail("shop@example.org", [email], text)


@contextmanager
def shop(smtp_port: int) -> Iterator[str]:
    """A shop that sends its mail to that port; yields its URL."""
    with _Server(smtp_port) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.url
        finally:
            server.shutdown()
            thread.join()
