"""Mail that SES put into S3, fetched with the machine's own role."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any, TypeVar

from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from tempmail.core.budget import ByteBudget
from tempmail.model.errors import Unavailable
from tempmail.ses.receipts import Stored

SECONDS = 10.0
"""From the question to the last byte; SNS itself waits 15 for our answer."""

_THREADS = 8
_WAITING = 100
_PIECE = 64 * 1024
_ATTEMPT = 4.0  # seconds, of connecting and of each pause

_Value = TypeVar("_Value")


class TooLarge(Exception):
    """An object that is larger than wanted; has its size."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class S3Objects:
    """Reads objects in threads of its own.

    :param reactor: for the threads.
    :param budget: holds the bytes of each object from when its size is known.
    """

    _log = Logger()

    def __init__(self, reactor: Any, budget: ByteBudget) -> None:
        self._reactor = reactor
        self._budget = budget
        self._pool = ThreadPool(0, _THREADS, "s3")
        self._started = False
        self._under_way = 0
        self._clients: dict[str, Any] = {}
        self._making = Lock()

    async def fetch(self, region: str, where: Stored, most: int) -> bytes:
        """An object's bytes, which the budget holds: whoever got them gives them back there.

        :param most: bytes that it may have.
        :raises TooLarge: it has more.
        :raises Unavailable: it cannot be had, now or at all: who announced it is to try again.
        """
        if self._under_way >= _WAITING:
            raise Unavailable("too many mails are being fetched from S3")
        self._under_way += 1
        end = time.monotonic() + SECONDS
        try:
            size, body = await self._run(self._open, region, where)
            if size > most:
                await self._run(_close, body)
                raise TooLarge(size)
            if not self._budget.take(size):
                await self._run(_close, body)
                raise Unavailable("too many bytes of mail are under way")
            try:
                content: bytes = await self._run(_rest, body, size, end)
                return content
            except BaseException:
                self._budget.give(size)
                raise
        except (TooLarge, Unavailable):
            raise
        except Exception as error:  # boto's own are many
            self._log.error(
                "{bucket}/{key} cannot be fetched from S3: {why}",
                bucket=where.bucket,
                key=where.key,
                why=str(error)[:500],
            )
            raise Unavailable("the mail cannot be fetched from S3") from error
        finally:
            self._under_way -= 1

    async def stop(self) -> None:
        """Let the threads end; what they fetch now they fetch."""
        if self._started:
            await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._pool.stop)

    def _run(self, work: Callable[..., _Value], *given: Any) -> Any:
        if not self._started:
            self._pool.start()
            self._started = True
        return deferToThreadPool(self._reactor, self._pool, work, *given)

    def _open(self, region: str, where: Stored) -> tuple[int, Any]:
        answer = self._client(region).get_object(Bucket=where.bucket, Key=where.key)
        return int(answer["ContentLength"]), answer["Body"]

    def _client(self, region: str) -> Any:
        with self._making:  # what makes clients is not for several threads, clients are
            if region not in self._clients:
                try:
                    from boto3.session import Session
                    from botocore.config import Config
                except ImportError:
                    raise RuntimeError("boto3 is missing: install tempmail[aws]") from None
                config = Config(
                    connect_timeout=_ATTEMPT,
                    read_timeout=_ATTEMPT,
                    retries={"total_max_attempts": 1},  # SNS tries again itself
                    max_pool_connections=_THREADS,
                )
                self._clients[region] = Session().client("s3", region_name=region, config=config)
            return self._clients[region]


def _rest(body: Any, size: int, end: float) -> bytes:
    pieces, left = [], size
    try:
        while left:
            if time.monotonic() > end:
                raise TimeoutError("it took too long")
            piece = body.read(min(_PIECE, left))
            if not piece:
                raise ConnectionError("it ended too soon")
            pieces.append(piece)
            left -= len(piece)
    finally:
        _close(body)
    return b"".join(pieces)


def _close(body: Any) -> None:
    with suppress(Exception):  # nothing more is wanted of it
        body.close()
