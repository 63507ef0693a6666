"""What is answered to a request, and how it goes out."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Protocol

import msgspec
from attrs import Factory, frozen
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IPushProducer
from twisted.web.http import NO_CONTENT, NOT_MODIFIED
from twisted.web.server import Request
from zope.interface import implementer

_CHUNK = 64 * 1024


@frozen
class Answer:
    """A complete response.

    :ivar content_type: None where there is no body.
    :ivar headers: further ones, by name.
    """

    status: int = 200
    body: bytes = b""
    content_type: str | None = None
    headers: Mapping[str, str] = Factory(dict)

    def set_head(self, request: Request) -> None:
        """Give ``request`` this answer's status and headers; nothing is written yet."""
        request.setResponseCode(self.status, HTTPStatus(self.status).phrase.encode())
        for name, value in self.headers.items():
            if name == "Vary":  # beside what the gate has found the answer to vary by
                before = request.responseHeaders.getRawHeaders(name, ())
                value = ", ".join(dict.fromkeys((*before, value)))
            request.setHeader(name, value)
        if self.content_type is not None:
            request.setHeader("Content-Type", self.content_type)
        if self.status not in (NO_CONTENT, NOT_MODIFIED):  # RFC 9110 section 8.6
            request.setHeader("Content-Length", str(len(self.body)))


class Stream(Protocol):
    """A response that goes on."""

    def send(self, request: Request) -> Deferred[None]:
        """Write it; whoever calls this finishes the request.

        :returns: as :func:`send`.
        """


EMPTY = Answer(NO_CONTENT)


def json(value: msgspec.Struct, status: int = 200) -> Answer:
    """``value`` as JSON (RFC 8259)."""
    return Answer(status, msgspec.json.encode(value), "application/json")


def send(request: Request, answer: Answer) -> Deferred[None]:
    """Write ``answer`` as fast as the client reads it; whoever calls this finishes the request.

    :returns: fires when all of it has been given to the transport.  It never fires where the
        client leaves before that, and may be cancelled then.
    """
    if len(answer.body) <= _CHUNK:
        answer.set_head(request)
        request.write(answer.body)
        return succeed(None)
    host = getattr(request.getClientAddress(), "host", "local")
    channel: Any = request.channel  # ours, see channel.py
    let_go = channel.site.shelf.hold(host, len(answer.body))
    request.notifyFinish().addBoth(lambda _: let_go())
    answer.set_head(request)
    return _Sending(request, answer.body).sent


@implementer(IPushProducer)
class _Sending:
    """A long body that waits for a slow reader instead of filling the transport's buffer."""

    def __init__(self, request: Request, body: bytes) -> None:
        self.sent: Deferred[None] = Deferred()
        self._request = request
        self._body = memoryview(body)
        self._paused = False
        request.registerProducer(self, True)
        self.resumeProducing()

    def resumeProducing(self) -> None:
        self._paused = False
        while self._body and not self._paused:
            chunk, self._body = self._body[:_CHUNK], self._body[_CHUNK:]
            self._request.write(bytes(chunk))
        if not self._body and not self.sent.called:
            self._request.unregisterProducer()
            self.sent.callback(None)

    def pauseProducing(self) -> None:
        self._paused = True

    def stopProducing(self) -> None:
        self.pauseProducing()
        self._body = memoryview(b"")
