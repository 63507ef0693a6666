"""What a client asks for when it opens a WebSocket (RFC 6455 section 4.2)."""

from __future__ import annotations

from collections.abc import Container
from urllib.parse import urlsplit

from attrs import frozen
from twisted.web.server import Request

from tempmail.model.errors import InvalidInput, NotFound, Unauthenticated

_MAX_DIGITS = 18


@frozen
class Asked:
    """A wish to follow a mailbox.

    :ivar token: a session token or an API key.
    :ivar after: the last sequence number known; None for what comes from now on.
    """

    address: str
    token: str
    after: int | None


def asked(request: Request, origins: Container[str]) -> Asked:
    """What the client asks for; whether it may have it is for others to say.

    :param origins: foreign origins that are welcome.
    :raises InvalidInput: with the code ``upgrade_required`` where it asks for no WebSocket,
        ``origin_refused`` for another site's page, else for a malformed value.
    :raises Unauthenticated: without a credential.
    :raises NotFound: for a path that names no address.
    """
    upgrade = request.getHeader("upgrade") or ""
    if request.method != b"GET" or "websocket" not in upgrade.lower():
        raise InvalidInput("this is a WebSocket; connect with ws://", code="upgrade_required")
    _check_origin(request, origins)
    return Asked(_address(request), _token(request), _after(request))


def _check_origin(request: Request, origins: Container[str]) -> None:
    """Other sites' pages may not use a visitor's browser to ask us (section 10.2)."""
    origin = request.getHeader("origin")
    if origin is None or origin in origins:
        return
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        host = ""
    if not host or host.lower() != (request.getHeader("host") or "").lower():
        raise InvalidInput("pages of this origin are not welcome", code="origin_refused")


def _address(request: Request) -> str:
    try:
        [segment] = request.postpath or []
        address = str(segment, "utf-8")
    except ValueError:
        address = ""
    if not address or not address.isprintable():
        raise NotFound("the path is /ws/inbox/{address}")
    return address


def _token(request: Request) -> str:
    scheme, _, credential = (request.getHeader("authorization") or "").partition(" ")
    token = (
        (credential.strip() if scheme.lower() == "bearer" else "")
        or request.getHeader("x-session-token")
        or _parameter(request, b"token")
        or _parameter(request, b"api_key")
    )
    if not token:
        raise Unauthenticated(
            "give the session token as ?token=, an API key as ?api_key=, or either as Bearer"
        )
    return token


def _after(request: Request) -> int | None:
    text = _parameter(request, b"after")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise InvalidInput("after is a sequence number: 0 or more")
    return int(text)


def _parameter(request: Request, name: bytes) -> str | None:
    match request.args.get(name, []):
        case []:
            return None
        case [value]:
            return str(value, "utf-8", "surrogateescape")
        case _:
            raise InvalidInput(f"{name.decode()} is given more than once")
