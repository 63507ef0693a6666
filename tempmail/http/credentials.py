"""Whose request it is: the credentials that may come with one."""

from __future__ import annotations

import re

import msgspec
from twisted.web.server import Request

from tempmail.core.callers import Callers
from tempmail.http.cookies import FORGET, session_cookie
from tempmail.http.same_origin import check_same_origin
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

    A browser sends its cookie by itself, so that counts only where nothing else is shown.

    :param given: parameters that may hold a credential as well, by the names of the contract.
    :param optional: whether nobody in particular may ask as well.
    :raises Unauthenticated: where there is no credential, more than one, or what is none.
    :raises Forbidden: a cookie, sent on behalf of another site's page.
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
    ticket: str | None = getattr(given, "ticket", None)
    if ticket is not None and not tokens:
        return await callers.by_ticket(ticket)
    cookie = session_cookie(request)
    if cookie is not None and not tokens:
        return await _by_cookie(request, callers, cookie)
    if optional and not tokens:
        return NOBODY
    if len(set(tokens)) != 1 or ticket is not None or not _TOKEN.match(tokens[0]):
        raise Unauthenticated(_HOW)
    return await callers.by_token(tokens[0].decode("ascii"))


async def _by_cookie(request: Request, callers: Callers, cookie: str) -> Caller:
    check_same_origin(request)
    try:
        return await callers.by_cookie(cookie)
    except Unauthenticated:
        request.setHeader("Set-Cookie", FORGET)  # a page cannot: it does not even see it
        raise
