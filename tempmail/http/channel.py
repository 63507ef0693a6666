# Much of twisted.web has no annotations.
# mypy: disable-error-code="no-untyped-call"
"""One HTTP/1.1 connection: what may come over it, how long that may take, how it is refused.

Message framing is twisted.web's (RFC 9112), with the ambiguities refused that let one request
hide in another (section 11.2).  Time limits are absolute: a byte now and then prolongs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from attrs import frozen
from twisted.internet.interfaces import IDelayedCall, ITCPTransport
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.http_headers import Headers

from tempmail.http.problems import Problem

if TYPE_CHECKING:
    from tempmail.http.site import Request, Site


@frozen
class Limits:
    """Bounds of one connection.

    :ivar body_bytes: the longest request body.
    :ivar head_seconds: from the connection, or the first byte of a further request, to the
        end of its headers.
    :ivar body_seconds: from there to the end of the body.
    :ivar answer_seconds: for a client to read an answer, and one second more for every
        ``slowest_reader`` bytes of it.
    :ivar idle_seconds: between an answer and the next request.
    :ivar linger_seconds: in which what still comes after a refusal is thrown away, so that
        the client can read the refusal before its connection is reset.
    """

    body_bytes: int = 64 * 1024
    head_seconds: float = 10
    body_seconds: float = 20
    answer_seconds: float = 30
    slowest_reader: int = 16 * 1024
    idle_seconds: float = 60
    linger_seconds: float = 2


SECURITY_HEADERS = (
    (b"Cache-Control", b"no-store"),
    (b"Content-Security-Policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"Cross-Origin-Opener-Policy", b"same-origin"),
    (b"Cross-Origin-Resource-Policy", b"same-origin"),
    (b"Referrer-Policy", b"no-referrer"),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"X-Frame-Options", b"DENY"),
)
"""On every response that does not say otherwise itself."""

MALFORMED = Problem(400, "malformed_request", "this is not a well-formed HTTP/1.1 request")
_HEAD_TOO_LARGE = Problem(431, "head_too_large", "the request line and headers are too long")
_TOO_SLOW = Problem(408, "too_slow", "the request took too long to arrive; send it again")


class Channel(HTTPChannel):
    """A connection to a :class:`tempmail.http.site.Site`, which sets ``site`` and ``callLater``."""

    maxHeaders = 100  # noqa: N815  # twisted.web's name
    site: Site
    callLater: Callable[..., IDelayedCall]  # noqa: N815  # twisted.web's name
    requests: list[Request]

    _deadline: IDelayedCall | None = None
    _idle = False
    _closing = False

    # Deadlines

    def _allow(self, seconds: float | None, then: Callable[[], None] | None = None) -> None:
        """Let ``then`` happen in ``seconds`` unless something else is allowed before."""
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.callLater(seconds, then)

    def _too_slow(self) -> None:
        self.refuse(_TOO_SLOW)

    def _hang_up(self) -> None:
        self._closing = True
        self.loseConnection()
        self._allow(self.site.limits.linger_seconds, self.abort)

    def abort(self) -> None:
        """Cut the connection without sending what is left."""
        if self.transport is not None:
            cast(ITCPTransport, self.transport).abortConnection()

    def connectionMade(self) -> None:
        super().connectionMade()
        self._allow(self.site.limits.head_seconds, self._too_slow)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # no default here
        self._allow(None)
        super().connectionLost(reason)

    def requestDone(self, request: Request) -> None:  # noqa: N802  # twisted.web's name
        self._idle = True
        self._allow(self.site.limits.idle_seconds, self._hang_up)
        super().requestDone(request)

    # Requests coming in

    def dataReceived(self, data: bytes) -> None:
        if self._closing:
            return
        if self._idle:
            self._idle = False
            self._allow(self.site.limits.head_seconds, self._too_slow)
        super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        if not self._closing:
            super().lineReceived(line)

    def rawDataReceived(self, data: bytes) -> None:
        if not self._closing:
            super().rawDataReceived(data)

    def lineLengthExceeded(self, _: bytes) -> None:  # noqa: N802  # twisted.web's name
        self.refuse(_HEAD_TOO_LARGE)

    def headerReceived(self, line: bytes) -> bool:
        try:
            return bool(super().headerReceived(line))
        except ValueError:  # a Content-Length of more digits than int() takes
            self.refuse(MALFORMED)
            return False

    def allHeadersReceived(self) -> None:
        if self._ambiguous(self.requests[-1].requestHeaders):
            self.refuse(MALFORMED)
            return
        self._allow(self.site.limits.body_seconds, self._too_slow)
        super().allHeadersReceived()

    def _ambiguous(self, headers: Headers) -> bool:
        """Whether two readers could disagree on the request's host (RFC 9112 section 3.2) or
        length (section 6.3).  Doubled lengths, and a length beside chunks, are refused by
        twisted.web."""
        hosts = len(headers.getRawHeaders(b"Host", ()))
        modern = self._version == b"HTTP/1.1"
        if hosts > 1 or (modern and not hosts):
            return True
        encodings = headers.getRawHeaders(b"Transfer-Encoding", ())
        return bool(encodings) and (not modern or [e.lower() for e in encodings] != [b"chunked"])

    def allContentReceived(self) -> None:
        if not self._closing:
            self._allow(None)
            super().allContentReceived()

    # Answers going out

    def writeHeaders(  # noqa: N802  # twisted.web's name
        self, version: bytes, code: bytes, reason: bytes, headers: Headers
    ) -> None:
        headers.removeHeader(b"Server")
        for name, value in SECURITY_HEADERS:
            if not headers.hasHeader(name):
                headers.setRawHeaders(name, [value])
        lengths = headers.getRawHeaders(b"Content-Length")
        if lengths and not self._closing:
            limits = self.site.limits
            self._allow(limits.answer_seconds + int(lengths[0]) / limits.slowest_reader, self.abort)
        super().writeHeaders(version, code, reason, headers)

    def refuse(self, problem: Problem) -> None:
        """Answer the request that is coming in with ``problem``, hear no more, and close."""
        if self._closing:
            return
        self._closing = True
        answer = problem.answer()
        headers = Headers({"Connection": ["close"], "Content-Length": [str(len(answer.body))]})
        if answer.content_type is not None:
            headers.setRawHeaders("Content-Type", [answer.content_type])
        self.writeHeaders(
            b"HTTP/1.1", b"%d" % problem.status, problem.title.encode("ascii"), headers
        )
        self.write(answer.body)
        self.site.record(
            getattr(self, "_command", b"-"),  # twisted.web sets these with the request line
            getattr(self, "_path", b"-"),
            problem.status,
            len(answer.body),
            0.0,
            self.getPeer(),
        )
        self._allow(self.site.limits.linger_seconds, self._hang_up)

    def _respondToBadRequestAndDisconnect(self) -> None:  # noqa: N802  # twisted.web's name
        if self._receivedHeaderSize > self.totalHeadersSize:
            self.refuse(_HEAD_TOO_LARGE)
        else:
            self.refuse(MALFORMED)

    def _send100Continue(self) -> None:  # noqa: N802  # twisted.web's name
        if not self._closing:
            super()._send100Continue()
