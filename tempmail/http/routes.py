"""From a table of routes to a Klein application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from attrs import frozen
from klein import Klein
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request
from werkzeug.exceptions import MethodNotAllowed

from tempmail.http.answers import Answer, Stream, send
from tempmail.http.logged import logged
from tempmail.http.problems import UNFORESEEN, problem_of

_log = Logger()


@frozen
class Route:
    """One thing that can be asked for.

    :ivar path: with ``<name>`` for what varies (werkzeug's syntax); no slash at its end.
    :ivar respond: called with the request and what varies, by name.
    """

    method: str
    path: str
    respond: Callable[..., Awaitable[Answer | Stream]]


def klein_app(routes: Iterable[Route]) -> Klein:
    """An application that answers ``routes``, and everything else with a problem."""
    app = Klein()
    for route in routes:
        endpoint = f"{route.method} {route.path}"
        app.route(route.path, methods=[route.method], endpoint=endpoint)(_serving(route))
    app.handle_errors(Exception)(_refuse)  # type: ignore[arg-type]  # ours takes server.Request
    return app


def _serving(route: Route) -> Callable[..., Awaitable[None]]:
    async def serve(request: Request, **names: str) -> None:
        answer = await route.respond(request, **names)
        await (send(request, answer) if isinstance(answer, Answer) else answer.send(request))

    return serve


async def _refuse(request: Request, failure: Failure) -> None:
    assert failure.value is not None
    problem = problem_of(failure.value)
    answer = problem.answer()
    if request.method == b"OPTIONS" and isinstance(failure.value, MethodNotAllowed):
        answer = Answer(204, headers=problem.headers)
    elif problem is UNFORESEEN:
        _log.failure(
            "{method} {path} failed",
            failure,
            method=request.method.decode("ascii"),
            path=logged(request.path),
        )
    await send(request, answer)
