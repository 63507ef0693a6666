# Much of twisted.web has no annotations.
# mypy: disable-error-code="no-untyped-call"
"""What pages of other sites may do: lead to pages of ours, but for those that are welcome.

The WHATWG's Fetch standard, "HTTP extensions" (CORS).  Cookies are never taken from elsewhere.
"""

from __future__ import annotations

import re

from twisted.web.server import Request

from tempmail.core.documents import PATH
from tempmail.http.answers import Answer
from tempmail.http.origins import Origins, is_own
from tempmail.http.problems import Problem

_DOCUMENTS = PATH.encode() + b"/"
_CHANGING = frozenset((b"POST", b"PUT", b"PATCH", b"DELETE"))
_FOR_PROGRAMS = re.compile(rb"/(?:api|generate|inbox|mcp|qr|ws)(?:/|\Z)")

ORIGIN_REFUSED = Problem(
    403,
    "origin_refused",
    "pages of this origin are not welcome; the operator of this site lets some in with "
    "--cors-origin",
)
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PATCH, PUT, DELETE",
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, If-None-Match, Last-Event-ID, Mcp-Method, Mcp-Name, "
        "MCP-Protocol-Version, MCP-Session-Id, X-Session-Token"
    ),
    "Access-Control-Max-Age": "7200",  # what Chromium takes at most
}
_EXPOSED = (
    b"ETag, Location, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, "
    b"Tempmail-After"
)


class CrossOrigin:
    """:param origins: the sites that are welcome."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins

    def refusal(self, request: Request) -> Problem | None:
        """Why the page that made a browser send this may not; None where it may.

        An answer that the page may see is told so.  Programs that are no browsers say nothing
        of any page, and may.
        """
        headers = request.requestHeaders
        if self._origins:
            request.responseHeaders.addRawHeader(b"Vary", b"Origin")
        said = headers.getRawHeaders(b"Origin")
        if said is None:
            foreign = is_from_elsewhere(request) and not _may_lead_here(request)
            return ORIGIN_REFUSED if foreign or _is_embedded(request) else None
        origin = said[0].decode("latin-1")
        if len(said) == 1 and is_own(origin, request):
            return None
        if len(said) == 1 and origin in self._origins:
            response = request.responseHeaders
            response.setRawHeaders(b"Access-Control-Allow-Origin", [said[0]])
            response.setRawHeaders(b"Access-Control-Expose-Headers", [_EXPOSED])
            response.setRawHeaders(b"Cross-Origin-Resource-Policy", [b"cross-origin"])
            return None
        return None if _may_lead_here(request) else ORIGIN_REFUSED

    def preflight(self, request: Request) -> Answer | None:
        """The answer to a browser that asks what it may, where this is one."""
        return Answer(204, headers=_PREFLIGHT) if _is_preflight(request) else None


def is_from_elsewhere(request: Request) -> bool:
    """Whether a browser says that another site's page has it ask (W3C, Fetch Metadata)."""
    return request.requestHeaders.getRawHeaders(b"Sec-Fetch-Site") == [b"cross-site"]


def _may_lead_here(request: Request) -> bool:
    """Whether a request of another site's page is one that any page may make a browser send: a
    link to a page of ours, or a mail's document and its images.

    Everything else could not be read there anyway, and would only use up what the visitor's
    network may ask for.
    """
    headers = request.requestHeaders
    if request.method in _CHANGING or _is_preflight(request) or headers.hasHeader(b"Upgrade"):
        return False
    mode = headers.getRawHeaders(b"Sec-Fetch-Mode")
    if request.path.startswith(_DOCUMENTS):
        return mode in ([b"navigate"], [b"no-cors"])
    framed = headers.getRawHeaders(b"Sec-Fetch-Dest", [b"document"]) != [b"document"]
    return mode == [b"navigate"] and not framed and not _FOR_PROGRAMS.match(request.path)


def _is_embedded(request: Request) -> bool:
    """Whether another page has us as an image, a script and the like, which nothing here is but
    the parts of a mail's document: that has no origin of its own."""
    headers = request.requestHeaders
    return (
        headers.getRawHeaders(b"Sec-Fetch-Mode") == [b"no-cors"]
        and headers.getRawHeaders(b"Sec-Fetch-Site") in ([b"cross-site"], [b"same-site"])
        and not request.path.startswith(_DOCUMENTS)
    )


def _is_preflight(request: Request) -> bool:
    return request.method == b"OPTIONS" and request.requestHeaders.hasHeader(
        b"Access-Control-Request-Method"
    )
