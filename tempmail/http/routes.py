"""From a table of routes to a Klein application: who may, what they give, what they get."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, Generic, TypeVar

import msgspec
from attrs import Factory, frozen
from klein import Klein
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import IResource
from twisted.web.server import Request
from werkzeug.exceptions import MethodNotAllowed

from tempmail.core.callers import Callers
from tempmail.http.answers import Answer, Stream, send
from tempmail.http.credentials import caller_of
from tempmail.http.dispatch import Dispatch
from tempmail.http.logged import logged
from tempmail.http.problems import UNFORESEEN, problem_of
from tempmail.http.readers import answer_to
from tempmail.http.requests import Nothing, parameters
from tempmail.model.account import NOBODY, Caller, Scope
from tempmail.model.errors import Forbidden, TempmailError
from tempmail.model.mailbox import Owner, UserOwner
from tempmail.model.network import network

_log = Logger()

_READING = (b"GET", b"HEAD")
_MAILBOX = "<address>"

Given = TypeVar("Given", bound=msgspec.Struct)


class Access(enum.Enum):
    """Who may ask for a route."""

    ANYBODY = "no credential is looked at"
    OPTIONAL = "a credential of scope full, or none"
    CODES = "any credential"
    READ = "a session token, or a key of scope read or full"
    FULL = "a session token, or a key of scope full"
    ACCOUNT = "a key of scope full, or a signed-in browser"


_SCOPES = {
    Access.OPTIONAL: Scope.FULL,
    Access.CODES: Scope.CODES,
    Access.READ: Scope.READ,
    Access.FULL: Scope.FULL,
    Access.ACCOUNT: Scope.FULL,
}


@frozen
class Ask(Generic[Given]):
    """A request that may be answered.

    :ivar caller: who asks; :data:`tempmail.model.account.NOBODY` where nobody need say.
    :ivar given: the parameters, in the shape that the route declares.
    """

    request: Request
    caller: Caller
    given: Given

    @property
    def owner(self) -> Owner:
        """What the caller may open; for routes that want a credential."""
        assert self.caller.owner is not None
        return self.caller.owner

    @property
    def user(self) -> UserOwner:
        """Whose account it is; for routes of :attr:`Access.ACCOUNT`."""
        assert isinstance(self.caller.owner, UserOwner)
        return self.caller.owner

    @property
    def credential(self) -> bytes:
        """The digest of the key or the cookie that came; for routes of :attr:`Access.ACCOUNT`."""
        assert self.caller.digest is not None
        return self.caller.digest

    @property
    def marks(self) -> bool:
        """Whether reading a message marks it as read: not where only its headers are wanted."""
        return self.request.method != b"HEAD"

    @property
    def network(self) -> str:
        """Where the request comes from, which limits count by."""
        return client_network(self.request)


def client_network(request: Request) -> str:
    """The network that ``request`` comes from."""
    return network(getattr(request.getClientAddress(), "host", "local"))


@frozen(kw_only=True)
class Returns:
    """What a route answers when all is well.

    :ivar shape: of a JSON body; None for a body of another kind, or none.
    :ivar or_else: further shapes, where the request can ask for another.
    :ivar media_type: of a body that is not JSON.
    """

    description: str
    shape: type[msgspec.Struct] | None = None
    or_else: tuple[type[msgspec.Struct], ...] = ()
    media_type: str | None = None
    headers: Mapping[str, str] = Factory(dict)


@frozen
class Route:
    """One thing that can be asked for.

    :ivar path: with ``<name>`` for what varies (werkzeug's syntax); no slash at its end.
    :ivar respond: called with an :class:`Ask` and what varies, by name.
    :ivar summary: what it does, in a few words.
    :ivar query, body: shapes of the parameters; the same one where both may hold them.
    :ivar returns: by status.
    :ivar refuses: errors beyond those that access, parameters and trouble on our side bring.
    :ivar credential_in_query: whether the shape of the query has ``token`` and the like, for
        browsers that can set no header there.
    :ivar name: what programs call it (OpenAPI's operationId); stays when the rest changes.
    """

    method: str
    path: str
    respond: Callable[..., Awaitable[Answer | Stream]]
    summary: str = ""
    access: Access = Access.FULL
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    returns: Mapping[int, Returns] = Factory(dict)
    refuses: tuple[type[TempmailError], ...] = ()
    credential_in_query: bool = False
    name: str = ""


def klein_app(routes: Iterable[Route], callers: Callers) -> Klein:
    """An application that answers ``routes``, and everything else with a problem.

    :param callers: says who asks.
    """
    app = Klein()
    for route in routes:
        endpoint = f"{route.method} {route.path}"
        serve = _serving(route, callers)
        app.route(route.path, methods=[route.method], endpoint=endpoint)(serve)
    app.handle_errors(Exception)(_refuse)  # type: ignore[arg-type]  # ours takes server.Request
    return app


def dispatched(routes: Iterable[Route], callers: Callers, otherwise: IResource) -> Dispatch:
    """The same routes by the short way.

    :param otherwise: :func:`klein_app`'s resource, for what is none of them.
    """
    ways = [(route.method, route.path, _serving(route, callers)) for route in routes]
    return Dispatch(ways, _refuse, otherwise)


def _serving(route: Route, callers: Callers) -> Callable[..., Coroutine[Deferred[Any], Any, None]]:
    async def serve(request: Request, **names: str) -> None:
        ask = await _admitted(route, callers, request)
        answer = await route.respond(ask, **names)
        if isinstance(answer, Answer) and request.method in _READING:
            await callers.confirm(ask.caller)  # it may have waited for long
        await (send(request, answer) if isinstance(answer, Answer) else answer.send(request))

    return serve


async def _admitted(route: Route, callers: Callers, request: Request) -> Ask[Any]:
    """Who asks is found out before what they give is looked at, but where the one is in the
    other.

    :raises Unauthenticated: no credential, or none of ours.
    :raises Forbidden: a credential that does not reach so far.
    :raises InvalidInput: a parameter is wrong.
    """
    if route.credential_in_query:
        given = parameters(request, query=route.query, body=route.body)
        caller = await _caller(route, callers, request, given)
    else:
        caller = await _caller(route, callers, request)
        given = _given(route, request)
    return Ask(request, caller, given)


def _given(route: Route, request: Request) -> msgspec.Struct:
    if route.query is None and route.body is None:
        if route.access is Access.ANYBODY:  # monitors add what they like
            return Nothing()
        return parameters(request, query=Nothing)
    return parameters(request, query=route.query, body=route.body)


async def _caller(
    route: Route, callers: Callers, request: Request, given: msgspec.Struct | None = None
) -> Caller:
    caller = NOBODY
    if route.access is not Access.ANYBODY:
        optional = route.access is Access.OPTIONAL
        caller = await caller_of(request, callers, given, optional=optional)
    channel: Any = request.channel  # ours, see channel.py
    if channel is not None:  # the client is still there
        channel.site.gate.charge(request, caller)
    if route.access is Access.ANYBODY:
        return caller
    if _MAILBOX not in route.path:  # else that finds out whether there was such a token
        await callers.check_issued(caller)
    if not caller.scope.includes(_SCOPES[route.access]):
        needed = _SCOPES[route.access]
        raise Forbidden(f"a key of scope {caller.scope} may not do this; it takes scope {needed}")
    if route.access is Access.ACCOUNT and not isinstance(caller.owner, UserOwner):
        raise Forbidden("this is for accounts: use an API key, or sign in")
    return caller


async def _refuse(request: Request, failure: Failure) -> None:
    assert failure.value is not None
    problem = problem_of(failure.value)
    answer = answer_to(request, problem)
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
