"""An answer that takes its time: server-sent events, so that nobody on the way gives it up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure
from twisted.web.server import Request

from tempmail.http.event_stream import HEADERS
from tempmail.http.mcp.messages import Id, notification_body

TICK_SECONDS = 3
"""After which an answer that is not there yet becomes a stream, and between its signs of life."""


def soon(work: Deferred[bytes], clock: IReactorTime) -> Deferred[bytes | None]:
    """What ``work`` ends with within a tick, or None: then it goes on.

    Cancelling the result cancels ``work``.
    """
    known: Deferred[bytes | None] = Deferred(lambda _: work.cancel())

    def ended(outcome: Any) -> Any:
        if known.called:
            return outcome
        timer.cancel()
        known.callback(outcome)
        return None

    timer = clock.callLater(TICK_SECONDS, lambda: known.callback(None))
    work.addBoth(ended)
    return known


class Signs:
    """The signs of life of one call.

    :param token: by which the client wants to hear of its progress; None where it does not.
    :param total: seconds that it takes at the most; None where nobody knows.
    """

    def __init__(self, token: Id | None, total: int | None) -> None:
        self._token = token
        self._total = total

    def after(self, seconds: int) -> bytes:
        """What to send after so many: a notification of progress, else a comment."""
        if self._token is None:
            return b": waiting\n\n"
        params = {"progressToken": self._token, "progress": seconds}
        if self._total is None:
            params["message"] = f"at work for {seconds} seconds"
        else:
            params["total"] = self._total
            params["message"] = f"waiting for mail, {seconds} of {self._total} seconds"
        return event(notification_body("notifications/progress", params))


def event(body: bytes) -> bytes:
    """A message as an event; JSON has no line ends of its own."""
    return b"event: message\ndata: %s\n\n" % body


class LongAnswer:
    """The answer to one request, with signs of life until there is one.

    Where the client leaves, the work is given up.

    :param work: ends with the JSON of the answer.
    :param failed: what to answer where it fails.
    """

    def __init__(
        self,
        work: Deferred[bytes],
        clock: IReactorTime,
        signs: Signs,
        failed: Callable[[Failure], bytes],
    ) -> None:
        self._work = work
        self._clock = clock
        self._signs = signs
        self._failed = failed
        self._seconds = 0
        self._timer: IDelayedCall | None = None
        self._request: Request | None = None
        self._sent: Deferred[None] = Deferred(lambda _: self._leave())

    def send(self, request: Request) -> Deferred[None]:
        """See :class:`tempmail.http.answers.Stream`."""
        self._request = request
        for name, value in HEADERS.items():
            request.setHeader(name, value)
        self._tick()
        self._work.addErrback(self._fail).addCallback(self._finish)
        return self._sent

    def _tick(self) -> None:
        assert self._request is not None
        self._seconds += TICK_SECONDS
        self._timer = self._clock.callLater(TICK_SECONDS, self._tick)
        self._request.write(self._signs.after(self._seconds))

    def _fail(self, failure: Failure) -> bytes:
        return b"" if self._request is None else self._failed(failure)

    def _finish(self, body: bytes) -> None:
        request = self._stop()
        if request is not None:
            request.write(event(body))
            self._sent.callback(None)

    def _leave(self) -> None:
        self._stop()
        self._work.cancel()

    def _stop(self) -> Request | None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        request, self._request = self._request, None
        return request
