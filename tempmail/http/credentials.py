"""Whose request it is."""

from __future__ import annotations

import re

from twisted.web.server import Request

from tempmail.core.mailboxes import owner_of
from tempmail.model.errors import Unauthenticated
from tempmail.model.mailbox import SessionOwner

_TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]{1,256}=*\Z")  # RFC 6750 section 2.1, b64token
_HOW = "send the mailbox's token as 'Authorization: Bearer TOKEN' or 'X-Session-Token: TOKEN'"


def session_owner(request: Request) -> SessionOwner:
    """The holder of the session token that came with ``request``.

    :raises Unauthenticated: where there is none, more than one, or what is no token.
    """
    headers = request.requestHeaders
    given = list(headers.getRawHeaders(b"X-Session-Token", ()))
    for authorization in headers.getRawHeaders(b"Authorization", ()):
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            raise Unauthenticated(_HOW)
        given.append(token.strip(b" "))
    if len(set(given)) != 1 or not _TOKEN.match(given[0]):
        raise Unauthenticated(_HOW)
    return owner_of(given[0].decode("ascii"))
