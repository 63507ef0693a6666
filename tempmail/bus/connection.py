"""One connection to Redis, kept open: checked, asked for signs of life, made again.

txredisapi's commands and replies are used, not its factories: those give up for good where a
Redis that is still loading refuses SELECT, and wait up to ten seconds between attempts.
"""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import txredisapi
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IHandshakeListener, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.ssl import (
    Certificate,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from tempmail.bus.redis_url import RedisUrl
from tempmail.bus.replies import BadReply, Refusal, Replies, Reply
from tempmail.model.errors import InvalidInput

CONNECT_SECONDS = 3
"""For each of connecting and getting ready."""

PING_SECONDS = 1
SILENT_SECONDS = 2
"""After which an unanswered ping ends the connection: a stopped Redis keeps its sockets open."""

_FIRST_DELAY, _LONGEST_DELAY = 0.2, 1.0

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class _Bounded:
    """In place of txredisapi's reader; fires :attr:`secured` and :attr:`gone`."""

    secured: Deferred[None]
    gone: Deferred[str]
    replies: Replies

    def dataReceived(self, data: bytes, unpause: bool = False) -> None:  # noqa: ARG002
        try:
            received = self.replies.feed(data)
        except BadReply:
            self.transport.abortConnection()  # type: ignore[attr-defined]  # a protocol's
            return
        for reply in received:
            self.replyReceived(_as_txredisapi(reply))  # type: ignore[attr-defined]  # likewise

    def handshakeCompleted(self) -> None:  # noqa: N802  # IHandshakeListener's
        # It is called too where the certificate names another host, and we hang up.
        if not self.secured.called and not self.transport.disconnecting:  # type: ignore[attr-defined]
            self.secured.callback(None)

    def connectionLost(self, reason: Failure) -> None:
        super().connectionLost(reason)  # type: ignore[misc]  # likewise
        self.gone.callback(reason.getErrorMessage())


def _as_txredisapi(reply: Reply) -> Any:
    return txredisapi.ResponseError(str(reply)) if isinstance(reply, Refusal) else reply


@implementer(IHandshakeListener)
class Commands(_Bounded, txredisapi.RedisProtocol):  # type: ignore[misc]  # without types
    """Commands and their replies, in order."""


@implementer(IHandshakeListener)
class Subscriber(_Bounded, txredisapi.SubscriberProtocol):  # type: ignore[misc]  # likewise
    """Calls ``heard`` with the payload of each message."""

    heard: Callable[[Reply], None]

    def messageReceived(self, _pattern: None, _channel: Reply, message: Reply) -> None:
        self.heard(message)


class RedisConnection:
    """Connects, and connects again within about a second of a Redis that is there.

    :param protocol: :class:`Commands` or :class:`Subscriber`.
    :param prepare: makes a new connection ready for use, under a deadline.
    :param lost: called with why, whenever there is no connection after all.
    :param reactor: for time and sockets.
    """

    _log = Logger()

    def __init__(
        self,
        url: RedisUrl,
        protocol: type[Any],
        prepare: Callable[[Any], Awaitable[None]],
        lost: Callable[[str], None],
        reactor: Any,
    ) -> None:
        self._url = url
        self._protocol = protocol
        self._prepare = prepare
        self._lost = lost
        self._reactor = reactor
        self._endpoint = _endpoint(url, reactor)
        self._current: Any = None
        self._asked: float | None = None
        self._pause = 0.0
        self._keeping: Deferred[None] | None = None
        self._stopped = False
        self._pinging = LoopingCall(self._ask_for_life)
        self._pinging.clock = reactor

    def start(self) -> None:
        """Connect, now and whenever it is lost."""
        self._keeping = Deferred.fromCoroutine(self._keep())
        self._keeping.addErrback(lambda failure: failure.trap(CancelledError))
        self._pinging.start(PING_SECONDS, now=False)

    def stop(self) -> None:
        """Close, and connect no more; twice is once."""
        self._stopped = True
        if self._pinging.running:
            self._pinging.stop()
        if self._keeping is not None:
            self._keeping.cancel()
        if self._current is not None:
            self._current.transport.loseConnection()  # what was written still goes out

    def abort(self, pause: float) -> None:
        """Hang up, and be away for ``pause`` seconds at least."""
        self._pause = pause
        if self._current is not None:
            self._current.transport.abortConnection()

    async def _keep(self) -> None:
        delay = _FIRST_DELAY
        while True:
            try:
                connection = await self._connected()
                delay = _FIRST_DELAY
                why = await connection.gone
            except txredisapi.ResponseError as error:
                why = str(error)
            except Exception as error:
                why = " ".join(str(error).split()) or type(error).__name__
            self._current = self._asked = None
            if self._stopped:
                return
            self._lost(why)
            pause, self._pause = self._pause, 0.0
            # Many daemons lose one Redis at once, and need not come again all at once.
            await deferLater(self._reactor, max(pause, delay * random.uniform(0.5, 1)), _nothing)  # noqa: S311
            delay = min(2 * delay, _LONGEST_DELAY)

    async def _connected(self) -> Any:
        factory = Factory.forProtocol(self._protocol)
        factory.noisy = False
        factory.buildProtocol = lambda _: self._made()  # type: ignore[method-assign,assignment]
        connecting: Deferred[Any] = self._endpoint.connect(factory)
        connection = await connecting.addTimeout(CONNECT_SECONDS, self._reactor)
        self._current = connection
        preparing = Deferred.fromCoroutine(self._get_ready(connection))
        try:
            await preparing.addTimeout(CONNECT_SECONDS, self._reactor)
        except BaseException:
            connection.transport.abortConnection()
            raise
        return connection

    def _made(self) -> Any:
        made = self._protocol(charset=None, convertNumbers=False)
        made.secured, made.gone, made.replies = Deferred(), Deferred(), Replies()
        return made

    async def _get_ready(self, connection: Any) -> None:
        if self._url.tls:
            # Not a word, least of all a password, to a server that is not who it should be.
            await _first(connection.secured, connection.gone)
        if self._url.password is not None:
            await connection.auth(self._url.password, self._url.user)
        if self._url.database:
            await connection.select(self._url.database)
        await self._prepare(connection)

    def _ask_for_life(self) -> None:
        connection, now = self._current, self._reactor.seconds()
        if connection is None or not connection.connected:
            return
        if self._asked is None:
            self._asked = now
            connection.ping().addCallbacks(lambda _: self._answered(connection), _ignore)
        elif now - self._asked >= SILENT_SECONDS:
            self._log.debug("Redis does not answer: hanging up")
            connection.transport.abortConnection()

    def _answered(self, connection: Any) -> None:
        if connection is self._current:
            self._asked = None


async def _first(secured: Deferred[None], gone: Deferred[str]) -> None:
    either: Deferred[str | None] = Deferred()

    def fire(value: Any) -> Any:
        if not either.called:
            either.callback(value)
        return value

    secured.addBoth(fire)
    gone.addBoth(fire)
    why = await either
    if why is not None:
        raise ConnectionError(why)


def _nothing() -> None:
    """What is done after a pause."""


def _ignore(_: Failure) -> None:
    """The connection is gone, which is heard elsewhere."""


def _endpoint(url: RedisUrl, reactor: Any) -> IStreamClientEndpoint:
    """:raises InvalidInput: the certificates to trust cannot be read."""
    endpoint = HostnameEndpoint(reactor, url.host, url.port, timeout=CONNECT_SECONDS)
    if not url.tls:
        return endpoint
    trust: Any = platformTrust()
    if url.cacert is not None:
        try:
            found = _PEM.findall(Path(url.cacert).read_text("ascii"))
            trust = trustRootFromCertificates([Certificate.loadPEM(each) for each in found])
        except Exception as error:
            raise InvalidInput(f"--redis: cacert {url.cacert}: {error}") from error
        if not found:
            raise InvalidInput(f"--redis: cacert {url.cacert} holds no certificate")
    return wrapClientTLS(optionsForClientTLS(url.host, trustRoot=trust), endpoint)
