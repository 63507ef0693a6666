"""Whose request it is: the credentials that may come with one."""

from __future__ import annotations

import re

import msgspec
from twisted.web.server import Request

from tempmail.core.callers import Callers
from tempmail.model.account import NOBODY, Caller
from tempmail.model.errors import Unauthenticated

_TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]{1,256}=*\Z")  # RFC 6750 section 2.1, b64token
_HOW = (
    "send the mailbox's token or an API key as 'Authorization: Bearer ...', "
    "or the token as 'X-Session-Token: ...'"
)
_IN_QUERY = ("token", "api_key")


async def caller_of(
    request: Request, callers: Callers, given: msgspec.Struct | None, *, optional: bool
) -> Caller:
    """Who asks.

    :param given: parameters that may hold a credential as well, by the names of the contract.
    :param optional: whether nobody in particular may ask as well.
    :raises Unauthenticated: where there is no credential, more than one, or what is none.
    """
    headers = request.requestHeaders
    shown = [getattr(given, name, None) for name in _IN_QUERY]
    tokens = [token.encode("utf-8") for token in shown if token is not None]
    tokens += headers.getRawHeaders(b"X-Session-Token", ())
    for authorization in headers.getRawHeaders(b"Authorization", ()):
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            raise Unauthenticated(_HOW)
        tokens.append(token.strip(b" "))
    if optional and not tokens:
        return NOBODY
    if len(set(tokens)) != 1 or not _TOKEN.match(tokens[0]):
        raise Unauthenticated(_HOW)
    return await callers.by_token(tokens[0].decode("ascii"))
