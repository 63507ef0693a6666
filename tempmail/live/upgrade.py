"""From an HTTP request to a WebSocket: who may open one, and the change of protocols.

Whoever may not is answered as by any other route, with a problem document (RFC 9457), before
Autobahn comes in; so nothing is held for them.  Autobahn gets the request without its query
and credentials: what it does not know, it cannot log.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container
from http import HTTPStatus
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from tempmail.core.callers import Callers
from tempmail.live.admission import Asked, asked
from tempmail.live.factory import InboxFactory
from tempmail.live.protocol import InboxConnection
from tempmail.model.account import Caller
from tempmail.model.errors import LimitReached, TempmailError, Unavailable
from tempmail.model.network import network

_STATUS = {
    "invalid": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unauthenticated": HTTPStatus.UNAUTHORIZED,
    "origin_refused": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "limit_reached": HTTPStatus.TOO_MANY_REQUESTS,
    "rate_limited": HTTPStatus.TOO_MANY_REQUESTS,
    "upgrade_required": HTTPStatus.UPGRADE_REQUIRED,
}
_HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"www-authenticate": 'Bearer realm="tempmail"'},
    HTTPStatus.UPGRADE_REQUIRED: {"upgrade": "websocket", "connection": "upgrade"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"retry-after": "5"},
}
_HANDSHAKE = (b"host", b"upgrade", b"connection", b"sec-websocket-key", b"sec-websocket-version")


class InboxResource(Resource):
    """``/ws/inbox/{address}``: opens WebSockets, where it is mounted at ``/ws/inbox``.

    :param factory: makes the connections.
    :param callers: says who asks.
    :param origins: whose pages may open one, such as ``https://mail.example``; those of the
        same host and port always may.
    :param charge: counts a request, once it is known who asks; raises
        :class:`~tempmail.core.request_limits.RateReached`.
    """

    isLeaf = True  # noqa: N815  # Twisted's name
    _log = Logger()

    def __init__(
        self,
        factory: InboxFactory,
        callers: Callers,
        *,
        origins: Container[str] = (),
        charge: Callable[[Any, Caller], None] = lambda _request, _caller: None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted is typed in part
        self._callers = callers
        self._factory = factory
        self._origins = origins
        self._charge = charge

    def render(self, request: Request) -> int:
        """Answer, now or when storage has."""
        request.notifyFinish().addErrback(lambda _: None)  # seen in _open
        Deferred.fromCoroutine(self._open(request)).addErrback(self._refuse, request)
        return int(NOT_DONE_YET)

    async def _open(self, request: Request) -> None:
        wish = asked(request, self._origins)
        if self._factory.full:
            raise Unavailable("there are as many WebSockets as there can be", code="full")
        host = str(getattr(request.getClientAddress(), "host", "local"))
        places, client = self._factory.places, network(host)
        places.take(client)
        try:
            entered = await self._enter(request, wish, client)
        except BaseException:
            places.give(client)
            raise
        if not entered:
            places.give(client)

    async def _enter(self, request: Request, wish: Asked, client: str) -> bool:
        """Whether the connection is there, and gives its place back when it ends."""
        caller = await self._caller(wish)
        if _has_left(request):
            return False
        self._charge(request, caller)
        assert caller.owner is not None
        mailbox = await self._factory.watching.admit(wish.address, caller.owner)
        if self._factory.stopping:
            raise Unavailable("the server is stopping; try again")
        if _has_left(request):
            return False
        connection = self._upgrade(request)
        if connection.state != connection.STATE_OPEN:
            self._factory.refused("handshake")  # Autobahn found fault with it and said so
            return False
        connection.follow(wish.address, caller.owner, mailbox, wish.after, client)
        connection.until(self._callers.watch(caller, connection.revoked))
        return True

    async def _caller(self, wish: Asked) -> Caller:
        if wish.ticket is not None:
            return await self._callers.by_ticket(wish.ticket)
        assert wish.token is not None
        return await self._callers.by_token(wish.token)

    def _upgrade(self, request: Request) -> InboxConnection:
        """Hand the transport over; nothing of HTTP stays behind."""
        lines = [b"GET / HTTP/1.1"]
        for name in _HANDSHAKE:
            lines += [
                name + b": " + value for value in request.requestHeaders.getRawHeaders(name, ())
            ]
        channel = request.channel
        transport: Any
        transport, channel.transport = channel.transport, None
        request.setResponseCode(HTTPStatus.SWITCHING_PROTOCOLS)  # for an access log
        request.connectionLost(Failure(ConnectionDone("upgraded to WebSocket")))
        transport.unregisterProducer()  # the channel was
        transport.resumeProducing()  # which it may have paused for a client ahead of its time

        connection = cast(InboxConnection, self._factory.buildProtocol(transport.getPeer()))
        if isinstance(transport, ProtocolWrapper):  # TLS
            transport.wrappedProtocol = connection
        else:
            transport.protocol = connection
        connection.makeConnection(transport)  # type: ignore[no-untyped-call]  # Twisted is typed in part
        connection.dataReceived(b"\r\n".join([*lines, b"", b""]))
        return connection

    def _refuse(self, failure: Failure, request: Request) -> None:
        error = failure.value
        if not isinstance(error, TempmailError):
            self._log.failure("a WebSocket was not opened", failure)
            error = Unavailable("trouble on our side; try again")
        status = _STATUS.get(error.code, HTTPStatus.SERVICE_UNAVAILABLE)
        if error.code != LimitReached.code:  # counted where places are
            self._factory.refused(error.code)
        self._log.info("WebSocket refused: {status} {code}", status=status.value, code=error.code)
        if _has_left(request):
            return
        problem = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": error.detail,
            "code": error.code,
        }
        request.setResponseCode(status.value, status.phrase.encode())
        request.setHeader("content-type", "application/problem+json")
        if isinstance(error, LimitReached):
            request.setHeader("retry-after", str(error.retry_after))
        for name, value in _HEADERS.get(status, {}).items():
            request.setHeader(name, value)
        body = json.dumps(problem).encode()
        request.setHeader("content-length", str(len(body)))
        request.write(body)
        request.finish()


def _has_left(request: Request) -> bool:
    channel: object = request.channel
    return channel is None
