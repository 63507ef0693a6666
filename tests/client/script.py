"""A server that answers as it was told, in a time that only passes where it should."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from tempmail.client.box import Box, Server
from tempmail.client.errors import Unreachable
from tempmail.client.exchange import Reply, Request, Steps

_T = TypeVar("_T")


def answer(document: Any, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, named, json.dumps(document).encode())


def mail(seq: int, **more: Any) -> Reply:
    """What a wait answers; the fields that clients can do without are left out."""
    document = {"id": f"id-{seq}", "seq": seq, "received_at": "2026-01-01T00:00:00Z", **more}
    return answer(document, tempmail_after=str(seq))


def nothing(after: int = 0) -> Reply:
    """What a wait answers at its end."""
    return Reply(204, {"tempmail-after": str(after)})


class Script:
    """Carries out steps against the given replies, in order.

    A wait that ends with nothing takes its time; so does a request's delay.

    :ivar sent: every request.
    :ivar now: seconds.
    """

    def __init__(self, *replies: Reply | Unreachable) -> None:
        self.sent: list[Request] = []
        self.now = 100.0
        self._replies = list(replies)
        self.server = Server("http://server.test", "", patience=10, clock=lambda: self.now)
        self.box = Box(self.server, "box@server.test", "token")

    def then(self, *replies: Reply | Unreachable) -> None:
        self._replies += replies

    def run(self, steps: Steps[_T]) -> _T:
        try:
            request = next(steps)
            while True:
                self.sent.append(request)
                self.now += request.delay
                assert self._replies, f"one request too many: {request}"
                reply = self._replies.pop(0)
                if isinstance(reply, Unreachable):
                    request = steps.throw(reply)
                    continue
                if reply.status == 204 and "timeout" in request.query:
                    self.now += request.query["timeout"]
                request = steps.send(reply)
        except StopIteration as end:
            value: _T = end.value
            return value
