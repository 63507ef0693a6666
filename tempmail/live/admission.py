"""What a client asks for when it opens a WebSocket (RFC 6455 section 4.2)."""

from __future__ import annotations

from collections.abc import Container, Mapping
from urllib.parse import parse_qsl, urlsplit

from attrs import frozen
from twisted.web.server import Request

from tempmail.model.errors import InvalidInput, NotFound, Unauthenticated

_NAMES = ("token", "api_key", "ticket", "after")
_MOST_PARAMETERS = 20
_MAX_DIGITS = 18


@frozen
class Asked:
    """A wish to follow a mailbox.

    :ivar token: a session token or an API key; None where a ticket is shown.
    :ivar ticket: None where a token is shown.
    :ivar after: the last sequence number known; None for what comes from now on.
    """

    address: str
    token: str | None
    ticket: str | None
    after: int | None


def asked(request: Request, origins: Container[str]) -> Asked:
    """What the client asks for; whether it may have it is for others to say.

    :param origins: foreign origins that are welcome.
    :raises InvalidInput: with the code ``upgrade_required`` where it asks for no WebSocket,
        ``origin_refused`` for another site's page, else for a malformed value.
    :raises Unauthenticated: without a credential, or with several.
    :raises NotFound: for a path that names no address.
    """
    upgrade = request.getHeader("upgrade") or ""
    if request.method != b"GET" or "websocket" not in upgrade.lower():
        raise InvalidInput("this is a WebSocket; connect with ws://", code="upgrade_required")
    _check_origin(request, origins)
    given = _parameters(request)
    token, ticket = _credential(request, given)
    return Asked(_address(request), token, ticket, _after(given))


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


def _credential(request: Request, given: Mapping[str, str]) -> tuple[str | None, str | None]:
    """A token or a ticket."""
    scheme, _, credential = (request.getHeader("authorization") or "").partition(" ")
    shown = {
        credential.strip() if scheme.lower() == "bearer" else None,
        request.getHeader("x-session-token"),
        given.get("token"),
        given.get("api_key"),
    } - {None, ""}
    ticket = given.get("ticket") or None
    if len(shown) + (ticket is not None) != 1:
        raise Unauthenticated(
            "give the session token as ?token=, an API key as ?api_key=, either as Bearer, or a "
            "ticket as ?ticket=; one of them"
        )
    return (shown.pop() if shown else None), ticket


def _after(given: Mapping[str, str]) -> int | None:
    text = given.get("after")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise InvalidInput("after: is a sequence number, 0 or more")
    return int(text)


def _parameters(request: Request) -> dict[str, str]:
    """Those of the query, each once."""
    query = request.uri.partition(b"?")[2].decode("ascii", "surrogateescape")
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, errors="surrogateescape", max_num_fields=_MOST_PARAMETERS
        )
    except ValueError:
        raise InvalidInput("the query has too many parts") from None
    given: dict[str, str] = {}
    for name, text in pairs:
        shown = name[:64].encode("ascii", "backslashreplace").decode()
        if name not in _NAMES:
            known = ", ".join(_NAMES)
            raise InvalidInput(f"{shown}: no such parameter; those in the query are: {known}")
        if name in given:
            raise InvalidInput(f"{shown}: given more than once")
        given[name] = text
    return given
