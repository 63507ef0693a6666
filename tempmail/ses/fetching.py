"""Fetching by HTTPS from Amazon, within bounds."""

from __future__ import annotations

from typing import Any

from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, ResponseDone
from twisted.web.iweb import IPolicyForHTTPS

from tempmail.model.errors import Unavailable

SECONDS = 5.0
"""From the question to the last byte of the answer."""


class Fetcher:
    """Asks servers whose certificates and names are checked; follows no redirect.

    :param reactor: connects and counts the time.
    :param policy: whom to trust; the machine's authorities where None.
    """

    _log = Logger()

    def __init__(self, reactor: Any, policy: IPolicyForHTTPS | None = None) -> None:
        self._agent = Agent(reactor, policy or BrowserLikePolicyForHTTPS(), connectTimeout=SECONDS)
        self._reactor = reactor

    async def get(self, url: str, most: int) -> tuple[int, bytes]:
        """Status and body of an answer.

        :param most: bytes that the body may have.
        :raises Unavailable: there was none in time, or a longer one.
        """
        asked = Deferred.fromCoroutine(self._get(url, most))
        asked.addTimeout(SECONDS, self._reactor)
        try:
            return await asked
        except (TookTooLong, CancelledError):
            why = "it took too long"
        except Exception as error:  # whatever a network can do
            why = str(error) or type(error).__name__
        host = url.split("/")[2]
        self._log.warn("{host} could not be asked: {why}", host=host, why=why[:500])
        raise Unavailable(f"{host} could not be asked")

    async def _get(self, url: str, most: int) -> tuple[int, bytes]:
        client = HTTPClient(self._agent)  # a new one keeps no cookies
        response = await client.get(
            url, allow_redirects=False, unbuffered=True, reactor=self._reactor
        )
        body = _Body(most)
        response.deliverBody(body)
        return response.code, await body.whole


class _Body(Protocol):
    """Collects up to a number of bytes."""

    def __init__(self, most: int) -> None:
        self.whole: Deferred[bytes] = Deferred(lambda _: self._abort())
        self._most = most
        self._pieces: list[bytes] = []
        self._size = 0

    def dataReceived(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._most:
            if not self.whole.called:
                self.whole.errback(ValueError(f"the answer has more than {self._most} bytes"))
            self._abort()
        else:
            self._pieces.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.whole.called:
            return
        if reason.check(ResponseDone):
            self.whole.callback(b"".join(self._pieces))
        else:
            self.whole.errback(reason)

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()
