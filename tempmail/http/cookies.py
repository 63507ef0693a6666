"""The cookie of a browser that is signed in (RFC 6265; ``__Host-``: RFC 6265bis section 4.1.3)."""

from __future__ import annotations

import re

from twisted.web.server import Request

_NAME = "__Host-session"
_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Strict"
_SECONDS = 30 * 24 * 3600
_VALUE = re.compile(rb"[A-Za-z0-9_-]{1,128}\Z")

FORGET = f"{_NAME}=; Max-Age=0; {_ATTRIBUTES}"
"""As ``Set-Cookie``: the browser is signed out."""


def remember(token: str) -> str:
    """As ``Set-Cookie``: the browser is signed in, as long as storage says so as well."""
    return f"{_NAME}={token}; Max-Age={_SECONDS}; {_ATTRIBUTES}"


def session_cookie(request: Request) -> str | None:
    """The token that a browser sent; None where it sent none that can be one."""
    value: bytes | None = request.getCookie(_NAME.encode())
    return value.decode("ascii") if value is not None and _VALUE.match(value) else None
