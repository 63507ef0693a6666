# Much of twisted.web has no annotations.
# mypy: disable-error-code="no-untyped-call"
"""One request: the gate before its route, the bounds of its body, and what becomes of failures."""

from __future__ import annotations

from http import HTTPStatus
from io import BytesIO
from urllib.parse import unquote_to_bytes

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress
from twisted.python.failure import Failure
from twisted.web import server

from tempmail.http.answers import Answer
from tempmail.http.channel import Channel
from tempmail.http.gate import CLIENT_LEFT
from tempmail.http.logged import logged
from tempmail.http.problems import UNFORESEEN, Problem
from tempmail.http.proxies import Client
from tempmail.http.readers import answer_to

_BAD_PATH = Problem(
    400, "bad_path", "the path is UTF-8 without control characters, encoded or doubled slashes"
)
_MANY_LARGE = Problem(
    503, "busy", "there are too many large requests at once; send it again", {"Retry-After": "5"}
)


class Request(server.Request):
    """A request whose body is bounded and whose failures say nothing of our insides.

    :ivar uncounted: whether no limit has counted it yet.
    :ivar denied: whether a limit has.
    """

    channel: Channel
    client: IAddress
    content: BytesIO | None
    uncounted = False
    denied = False
    _is_large = False
    _scheme: str | None = None
    _started: float | None = None

    @property
    def client_host(self) -> str:
        """Whom it is from: an IP address, which proxies that we trust are not."""
        return str(getattr(self.client, "host", "local"))

    @property
    def credentials_shown(self) -> bool:
        """Whether it came with something that may be a credential."""
        headers = self.requestHeaders
        return (
            headers.hasHeader(b"Authorization")
            or headers.hasHeader(b"X-Session-Token")
            or b"token=" in self.uri
            or b"api_key=" in self.uri
        )

    def forwarded(self, client: Client) -> None:
        """A proxy that we trust says whom the request is from."""
        kind = IPv6Address if ":" in client.host else IPv4Address
        self.client = kind("TCP", client.host, 0)
        self._scheme = client.scheme

    def isSecure(self) -> bool:  # noqa: N802  # twisted.web's name
        """Whether the client speaks TLS, to us or to a proxy that we trust."""
        return bool(super().isSecure()) if self._scheme is None else self._scheme == "https"

    def gotLength(self, length: int | None) -> None:
        self.content = BytesIO()
        self._bound(length or 0)

    def handleContentChunk(self, data: bytes) -> None:
        assert self.content is not None
        length = self.content.tell() + len(data)
        if self._bound(length) and (length <= self._ordinary or self._take_large()):
            self.content.write(data)

    @property
    def _ordinary(self) -> int:
        return self.channel.site.limits.body_bytes

    def _bound(self, length: int) -> bool:
        most = self.channel.most_of_body()
        if length > most:
            self.channel.refuse(
                Problem(413, "body_too_large", f"a request body has at most {most} bytes")
            )
        return length <= most

    def _take_large(self) -> bool:
        """Whether one more large body may be held, as this then is until it is answered.

        Not at its announcement: whoever only announces them would take the places of others.
        """
        if self._is_large:
            return True
        site, peer = self.channel.site, str(getattr(self.channel.getPeer(), "host", "local"))
        client = site.gate.proxies.client(peer, self.requestHeaders)
        let_go = site.large_bodies.hold(peer if client is None else client.host)
        if let_go is None:
            self.channel.refuse(_MANY_LARGE)
            return False
        self._is_large = True
        self.notifyFinish().addBoth(lambda _: let_go())
        return True

    def process(self) -> None:
        self._started = self.channel.site.reactor.seconds()
        answer = self.channel.site.gate.admit(self)
        everything = self.path == b"*" and self.method == b"OPTIONS"
        if answer is None and not (everything or _is_plain(self.path)):
            answer = answer_to(self, _BAD_PATH)
        if answer is None:
            super().process()
        else:
            self._respond(answer)

    def processingFailed(self, reason: Failure) -> Failure:
        self._log.failure(
            "{method} {path} failed", reason, method=logged(self.method), path=logged(self.path)
        )
        if self.startedWriting:
            self.channel.abort()
        else:
            self._respond(answer_to(self, UNFORESEEN))
        return reason

    def _respond(self, answer: Answer) -> None:
        answer.set_head(self)
        self.write(answer.body)
        self.finish()

    def getRequestHostname(self) -> bytes:  # noqa: N802  # twisted.web's name
        """A fixed name: Klein builds redirects from this, and the Host header is anybody's word."""
        return b"tempmail"

    def connectionLost(self, reason: Failure) -> None:
        channel, site = self.channel, self.channel.site
        super().connectionLost(reason)
        if self._started is not None:
            upgraded = self.code == HTTPStatus.SWITCHING_PROTOCOLS
            site.log(self, self.code if upgraded else CLIENT_LEFT)
            if upgraded:
                channel.leave_place()

    def seconds_since(self, now: float) -> float:
        """How long the answer has taken until ``now``."""
        return now - self._started if self._started is not None else 0.0


def _is_plain(path: bytes) -> bool:
    """Whether everybody who decodes ``path`` sees the same segments of text in it."""
    if b"%" not in path and path.isascii():  # nearly all
        return path.startswith(b"/") and b"//" not in path and path.decode().isprintable()
    segments = [unquote_to_bytes(segment) for segment in path.split(b"/")]
    if not path.startswith(b"/") or b"//" in path or any(b"/" in one for one in segments):
        return False
    try:
        return all(segment.decode("utf-8").isprintable() for segment in segments)
    except UnicodeDecodeError:
        return False
