"""Keeping other sites' pages from using a visitor's cookie."""

from __future__ import annotations

from twisted.web.server import Request

from tempmail.http.origins import is_own
from tempmail.model.errors import Forbidden

_SAFE = (b"GET", b"HEAD", b"OPTIONS")


def check_same_origin(request: Request, *, browsers_only: bool = True) -> None:
    """Let through what pages of our own origin ask for.

    Browsers say of each request where it comes from: in ``Sec-Fetch-Site`` (Fetch Metadata), and
    those that do not know that in ``Origin``, wherever something may change.

    :param browsers_only: whether a request that may change something has to say so.
    :raises Forbidden: with the code ``origin_refused``.
    """
    site, origin = request.getHeader("sec-fetch-site"), request.getHeader("origin")
    safe = request.method in _SAFE
    if site is not None:
        own = site == "same-origin" or (safe and site == "none")  # an address that was typed
    elif origin is not None:
        own = is_own(origin, request)
    else:
        own = safe or not browsers_only
    if not own:
        raise Forbidden("other sites' pages may not do this", code="origin_refused")
