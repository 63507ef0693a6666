"""The short way from a request to its route, beside Klein's.

Klein binds a mapper to each request and matches patterns one by one, which costs more than most
routes.  Paths of ours are few and plain: a look-up by what stands where is enough.  What is not
found here goes Klein's way, which knows what else to answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterable
from typing import Any
from urllib.parse import unquote

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request

Serve = Callable[..., Coroutine[Deferred[Any], Any, None]]
Refuse = Callable[[Request, Failure], Coroutine[Deferred[Any], Any, None]]

_NAME = re.compile(r"<([a-z_]+)>\Z")


class _Place:
    """What may stand after the segments before it."""

    def __init__(self) -> None:
        self.named: dict[str, _Place] = {}
        self.other: _Place | None = None
        self.serve: dict[bytes, tuple[Serve, tuple[str, ...]]] = {}


class Dispatch(Resource):
    """A leaf that answers routes.

    :param routes: method, path with ``<name>`` for what varies, and what serves it.
    :param refuse: answers a request that failed.
    :param otherwise: answers everything else.
    """

    isLeaf = True  # noqa: N815  # twisted.web's name
    _log = Logger()

    def __init__(
        self, routes: Iterable[tuple[str, str, Serve]], refuse: Refuse, otherwise: IResource
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted is typed in part
        self._first = _Place()
        self._refuse = refuse
        self._otherwise = otherwise
        for method, path, serve in routes:
            place, names = self._first, []
            for segment in path.split("/")[1:]:
                if found := _NAME.match(segment):
                    names.append(found[1])
                    place.other = place.other or _Place()
                    place = place.other
                else:
                    place = place.named.setdefault(segment, _Place())
            place.serve[method.encode()] = serve, tuple(names)

    def render(self, request: Request) -> int:
        """Serve the request, now or when its route has what it needs."""
        found = self._found(request)
        if found is None:
            return int(self._otherwise.render(request))
        serve, names = found
        gone = False

        def left(_: object) -> None:
            nonlocal gone
            gone = True
            work.cancel()

        def failed(failure: Failure) -> Deferred[None] | None:
            if gone:
                if not failure.check(CancelledError):
                    self._log.failure("failed after its client had left", failure)
                return None
            return Deferred.fromCoroutine(self._refuse(request, failure))

        def finish(_: object) -> None:
            if not gone:
                request.finish()

        work = Deferred.fromCoroutine(serve(request, **names))
        request.notifyFinish().addErrback(left)
        work.addErrback(failed)
        work.addCallback(finish)
        work.addErrback(lambda why: self._log.failure("a response was not written", why))
        return int(NOT_DONE_YET)

    def _found(self, request: Request) -> tuple[Serve, dict[str, str]] | None:
        place, values = self._first, []
        for segment in request.path.split(b"/")[1:]:
            text = unquote(segment)
            named = place.named.get(text)
            if named is None:
                if place.other is None or not text:
                    return None
                values.append(text)
                named = place.other
            place = named
        method = b"GET" if request.method == b"HEAD" else request.method
        served = place.serve.get(method)
        if served is None:
            return None
        serve, names = served
        return serve, dict(zip(names, values, strict=True))
