# Much of twisted.web has no annotations.
# mypy: disable-error-code="no-untyped-call"
"""One HTTP/1.1 connection: what may come over it, how long that may take, how it is refused.

Message framing is twisted.web's (RFC 9112), with the ambiguities refused that let one request
hide in another (section 11.2).  Time limits are absolute: a byte now and then prolongs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from attrs import Factory, frozen
from twisted.internet.interfaces import IDelayedCall, ITCPTransport
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, datetimeToString
from twisted.web.http_headers import Headers

from tempmail.http.hosts import is_host
from tempmail.http.problems import Problem
from tempmail.model.network import network

if TYPE_CHECKING:
    from tempmail.http.bounded_request import Request
    from tempmail.http.site import Site


@frozen
class Limits:
    """Bounds of one connection.

    :ivar body_bytes: the longest request body.
    :ivar body_bytes_of: of paths where it is another.
    :ivar large_bodies: how many bodies there may be at once, of all connections, of which more
        than ``body_bytes`` have arrived; of one network a quarter of that.
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
    body_bytes_of: Mapping[bytes, int] = Factory(dict)
    large_bodies: int = 64
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
    (b"Permissions-Policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"Referrer-Policy", b"no-referrer"),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"X-Frame-Options", b"DENY"),
)
"""On every response that does not say otherwise itself."""

MALFORMED = Problem(400, "malformed_request", "this is not a well-formed HTTP/1.1 request")
_HEAD_TOO_LARGE = Problem(431, "head_too_large", "the request line and headers are too long")
_TOO_SLOW = Problem(408, "too_slow", "the request took too long to arrive; send it again")
_NO_SUCH_METHOD = Problem(501, "not_implemented", "there is no such method here")

_ABSOLUTE = re.compile(rb"https?://([^/?#]+)([^#]*)\Z", re.IGNORECASE)  # RFC 9112 section 3.2.2
_NEVER = frozenset((b"CONNECT", b"TRACE"))
_CONTROLS = b"\x00\r\n"


class Channel(HTTPChannel):
    """A connection to a :class:`tempmail.http.site.Site`, which sets ``site`` and ``callLater``."""

    maxHeaders = 100  # noqa: N815  # twisted.web's name
    site: Site
    callLater: Callable[..., IDelayedCall]  # noqa: N815  # twisted.web's name
    requests: list[Request]

    _timer: IDelayedCall | None = None
    _then: Callable[[], None] | None = None
    _due = 0.0
    _receiving = False
    _idle = False
    _closing = False
    _network: str | None = None
    _has_place = False

    # Deadlines

    def _allow(self, seconds: float | None, then: Callable[[], None] | None = None) -> None:
        """Let ``then`` happen in ``seconds`` unless something else is allowed before.

        A timer that goes off before that is left to: it finds that it is early.  So a connection
        that is in use needs few, instead of several for each request.
        """
        self._then = then
        if seconds is None:
            return
        self._due = self.site.reactor.seconds() + seconds
        if not self._receiving:
            self._set_timer(seconds)

    def _set_timer(self, seconds: float) -> None:
        if self._timer is None or self._due < self._timer.getTime():
            self._end_timer()
            self._timer = self.callLater(seconds, self._goes_off)

    def _goes_off(self) -> None:
        self._timer = None
        then, left = self._then, self._due - self.site.reactor.seconds()
        if then is not None and left > 0:
            self._set_timer(left)
        elif then is not None:
            self._then = None
            then()

    def _end_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

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
        self._has_place = True
        full = self.site.connections.open()
        if full is None:
            self._allow(self.site.limits.head_seconds, self._too_slow)
        else:
            self._turn_away(full)

    def _turn_away(self, problem: Problem) -> None:
        self.refuse(problem)
        self._hang_up()

    def leave_place(self) -> None:
        """The connection no longer counts as one of ours; twice is once."""
        self._allow(None)
        self._end_timer()
        if self._has_place:
            self._has_place = False
            self.site.connections.close(self._network)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # no default here
        self.leave_place()
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
            self._due = self.site.reactor.seconds() + self.site.limits.head_seconds
            self._then = self._too_slow
        if self._network is None and not self._belongs():
            return
        self._receiving = True  # a request that comes whole needs no timer for its parts
        try:
            super().dataReceived(data)
            if self.line_mode and not self._busyReceiving:
                rest = self._buffer  # without a whole line; some take a LF alone for the end of one
                if b"\n" in rest and b"\r\n" not in rest:
                    self.refuse(MALFORMED)
        finally:
            self._receiving = False
            if self._then is not None:
                self._set_timer(max(0.0, self._due - self.site.reactor.seconds()))

    def _belongs(self) -> bool:
        """Whether there is room for one more of this client, which behind a proxy that speaks
        the PROXY protocol is known with the first bytes only."""
        host = getattr(self.getPeer(), "host", "local")
        self._network = network(host)
        if self.site.gate.proxies.trusts(host):
            self._network = "proxies"
            return True
        crowded = self.site.connections.belongs(self._network)
        if crowded is not None:
            self._turn_away(crowded)
        return crowded is None

    def lineReceived(self, line: bytes) -> None:
        if self._closing:
            return
        if line[:1] in (b" ", b"\t"):  # a folded line (RFC 9112 section 5.2), or a method hidden so
            self.refuse(MALFORMED)
        else:
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
        headers = self.requests[-1].requestHeaders
        if self._ambiguous(headers):
            self.refuse(MALFORMED)
            return
        if self._command in _NEVER:
            self.refuse(_NO_SUCH_METHOD)
            return
        absolute = _ABSOLUTE.match(self._path)
        if absolute is not None:  # the target's host counts, whatever the header says
            if not is_host(absolute[1]):
                self.refuse(MALFORMED)
                return
            headers.setRawHeaders(b"Host", [absolute[1]])
            self._path = absolute[2] if absolute[2][:1] == b"/" else b"/" + absolute[2]
        self._allow(self.site.limits.body_seconds, self._too_slow)
        super().allHeadersReceived()

    def _ambiguous(self, headers: Headers) -> bool:
        """Whether two readers could disagree on the request's host (RFC 9112 section 3.2) or
        length (section 6.3).  Doubled lengths, and a length beside chunks, are refused by
        twisted.web."""
        hosts = headers.getRawHeaders(b"Host", ())
        modern = self._version == b"HTTP/1.1"
        if len(hosts) > 1 or (modern and not hosts) or not all(map(is_host, hosts)):
            return True
        encodings = headers.getRawHeaders(b"Transfer-Encoding", ())
        return bool(encodings) and (not modern or [e.lower() for e in encodings] != [b"chunked"])

    def allContentReceived(self) -> None:
        if self._closing:
            return
        for line in getattr(self._transferDecoder, "_trailerHeaders", ()):
            if len(line.translate(None, _CONTROLS)) != len(line):
                self.refuse(MALFORMED)
                return
        self._allow(None)
        super().allContentReceived()

    def most_of_body(self) -> int:
        """Bytes that the body of the request that is coming in may have."""
        limits = self.site.limits
        return limits.body_bytes_of.get(self._path.partition(b"?")[0], limits.body_bytes)

    # Answers going out

    def writeHeaders(  # noqa: N802  # twisted.web's name
        self, version: bytes, code: bytes, reason: bytes, headers: Headers
    ) -> None:
        headers.removeHeader(b"Server")
        if not headers.hasHeader(b"Date"):
            headers.setRawHeaders(b"Date", [datetimeToString()])
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
        self.site.refused.labels(problem.code).inc()
        answer = problem.answer()
        headers = Headers({"Connection": ["close"], "Content-Length": [str(len(answer.body))]})
        for name, text in answer.headers.items():
            headers.setRawHeaders(name, [text])
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
