# Much of twisted.web has no annotations.
# mypy: disable-error-code="no-untyped-call"
"""Origins (RFC 6454): ours, as a client sees it, and those of other sites that are welcome."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from twisted.web.server import Request

_DEFAULT_PORTS = {"http": 80, "https": 443}


def request_origin(request: Request) -> str:
    """Where the client sees us: ``scheme://host``, and the port where it is not the scheme's own.

    The host is the request's, which the gate has found to be one of ours; the scheme is that of
    the connection, or what a trusted proxy says it was.
    """
    scheme = "https" if request.isSecure() else "http"
    host = request.getHeader("host") or "localhost"
    name, colon, port = host.lower().rpartition(":")
    if colon and port == str(_DEFAULT_PORTS[scheme]):
        host = name
    return f"{scheme}://{host.lower()}"


def is_own(origin: str, request: Request) -> bool:
    """Whether ``origin`` is that of a page of ours.

    Behind a proxy that nobody told us to trust we do not see that the client speaks TLS: then
    the host alone decides.
    """
    try:
        parts = urlsplit(origin)
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
        host = urlsplit(f"//{request.getHeader('host') or ''}")
        own_port = host.port or _DEFAULT_PORTS[parts.scheme]
    except (KeyError, ValueError):
        return False
    if parts.hostname is None or (request.isSecure() and parts.scheme != "https"):
        return False
    return (parts.hostname, port) == (host.hostname, own_port)


class Origins:
    """Other sites whose pages may use us.

    :param origins: such as ``https://app.example``; ``*`` is every one.
    """

    def __init__(self, origins: Iterable[str] = ()) -> None:
        self._origins = frozenset(origins)
        self._all = "*" in self._origins

    def __contains__(self, origin: object) -> bool:
        return origin in self._origins or (self._all and origin != "null")

    def __bool__(self) -> bool:
        return bool(self._origins)
