"""Whose request it is, and where it comes from."""

from __future__ import annotations

import re

from twisted.web.server import Request

from tempmail.core.mailboxes import owner_of
from tempmail.model.errors import Unauthenticated
from tempmail.model.mailbox import SessionOwner
from tempmail.model.network import network

_TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]{1,256}=*\Z")  # RFC 6750 section 2.1, b64token
_HOW = "send the mailbox's token as 'Authorization: Bearer TOKEN' or 'X-Session-Token: TOKEN'"


def session_owner(request: Request, *given_otherwise: str | None) -> SessionOwner:
    """The holder of the session token that came with ``request``.

    :param given_otherwise: tokens from where a route takes them beside the headers.
    :raises Unauthenticated: where there is none, more than one, or what is no token.
    """
    headers = request.requestHeaders
    given = [token.encode("utf-8") for token in given_otherwise if token is not None]
    given += headers.getRawHeaders(b"X-Session-Token", ())
    for authorization in headers.getRawHeaders(b"Authorization", ()):
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            raise Unauthenticated(_HOW)
        given.append(token.strip(b" "))
    if len(set(given)) != 1 or not _TOKEN.match(given[0]):
        raise Unauthenticated(_HOW)
    return owner_of(given[0].decode("ascii"))


def client_network(request: Request) -> str:
    """The network that ``request`` comes from, which limits count by."""
    return network(getattr(request.getClientAddress(), "host", "local"))
