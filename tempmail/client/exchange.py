"""Requests and replies without a network: what the two clients share.

Whatever takes requests is a generator that yields each :class:`Request`, is sent its
:class:`Reply`, and returns what it made of them.  A client only carries them out; where the
server cannot be reached it throws :class:`Unreachable` into the generator.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from tempmail.client.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    Interrupted,
    InvalidRequest,
    LimitReached,
    NotFound,
    Problem,
    Unauthenticated,
    Unavailable,
    is_ours,
)

_T = TypeVar("_T")
__tracebackhide__ = is_ours

SILENCE = 30.0
"""Seconds that a server may take beyond what it was asked to take."""

_PAUSE = 1.0
_SHORTEST_PAUSE = 0.1
_KINDS: Mapping[int, type[Problem]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: LimitReached,
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    :ivar path: from the server's root, percent-encoded.
    :ivar query: what is None is left out.
    :ivar body: sent as JSON, unless it is None.
    :ivar credential: a mailbox's token or an API key.
    :ivar seconds: for how long the server may be silent.
    :ivar delay: seconds to let pass before it is sent.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    credential: str | None = None
    accept: str = "application/json"
    seconds: float = SILENCE
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Reply:
    """:ivar headers: by their names in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Mapping[str, Any]:
        """:raises BadAnswer: it is no JSON object."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise BadAnswer(
                f"a {self.status} without a JSON object; is the URL that of a tempmail server?"
            )
        return document


Steps = Generator[Request, Reply, _T]
"""Takes requests' replies and comes to a ``_T``."""

Clock = Callable[[], float]
"""Seconds that only ever grow, as ``time.monotonic``."""


def asked(request: Request, clock: Clock, patience: float) -> Steps[Reply]:
    """The reply to ``request``, which is sent again as long as the server says "later".

    :param patience: seconds within which a 429 or 503 may be followed by another attempt.
    :raises Problem: the server refuses it.
    :raises Unreachable: nothing answers; where a connection broke, a second one did as well.
    """
    end = clock() + patience
    interrupted = False
    while True:
        try:
            reply = yield request
        except Interrupted:
            if interrupted or request.method != "GET":
                raise
            interrupted = True
            continue
        if reply.status < 300:
            return reply
        problem = problem_of(reply)
        pause = later(problem)
        if pause is None or clock() + pause > end:
            raise problem
        request = replace(request, delay=pause)


def later(problem: Problem) -> float | None:
    """After how many seconds to send the same request again; None where that is of no use."""
    if problem.status not in (429, 503):
        return None
    return _PAUSE if problem.retry_after is None else max(problem.retry_after, _SHORTEST_PAUSE)


def problem_of(reply: Reply) -> Problem:
    """The refusal that ``reply`` is (RFC 9457), whoever on the way made it."""
    try:
        document = reply.json()
    except BadAnswer:
        document = {}
    code, detail = document.get("code"), document.get("detail")
    if not isinstance(code, str) or not isinstance(detail, str):
        code, detail = "", "not the answer of a tempmail server; look at the URL and the proxies"
    kind = _KINDS.get(reply.status, Unavailable if reply.status >= 500 else InvalidRequest)
    return kind(reply.status, code, detail, _retry_after(reply))


def made(read: Callable[[Mapping[str, Any]], _T], document: Mapping[str, Any]) -> _T:
    """``document`` as ``read`` reads it.

    :raises BadAnswer: it is not of that shape.
    """
    try:
        return read(document)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadAnswer(f"an answer that this client cannot read: {error!r}") from None


def _retry_after(reply: Reply) -> float | None:
    """In seconds (RFC 9110 section 10.2.3); a date is not taken, clocks differ."""
    given = reply.headers.get("retry-after", "")
    return float(given) if given.isascii() and given.isdigit() and len(given) < 10 else None
