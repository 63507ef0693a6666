"""What a route can refuse, by status: as its declaration says, and what every route has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from http import HTTPStatus

from attrs import frozen

from tempmail.core.request_limits import RateReached
from tempmail.http.problems import status_of
from tempmail.http.routes import Access, Route
from tempmail.model.errors import (
    Forbidden,
    InvalidInput,
    NotFound,
    TempmailError,
    Unauthenticated,
    Unavailable,
)


@frozen
class Refusal:
    """One status and the codes that come with it.

    :ivar headers: by name, what they say.
    """

    status: int
    codes: tuple[str, ...]
    description: str
    headers: tuple[tuple[str, str], ...] = ()


_RETRY_AFTER = (("Retry-After", "Seconds after which to ask again"),)
_DESCRIPTIONS = {
    400: "Not well-formed",
    401: "No credential, more than one, or one that was never issued",
    403: "Not with this credential, or not from this page",
    404: "Not there, or not the asker's: the two look the same",
    409: "Taken, reserved, or in use until recently",
    413: "The body is too long",
    415: "The body is not application/json",
    422: "A parameter is unknown, missing or wrong; `detail` names it",
    426: "This is a WebSocket",
    429: "Too much was asked for",
    500: "Something went wrong on our side",
    503: "Trouble on our side: nothing was done, ask again",
}
_HEADERS = {
    401: (("WWW-Authenticate", "How to show a credential (RFC 6750)"),),
    429: (
        *_RETRY_AFTER,
        ("RateLimit-Limit", "Requests a minute"),
        ("RateLimit-Remaining", "Of which so many are left"),
        ("RateLimit-Reset", "Seconds until all of them are there again"),
    ),
    503: _RETRY_AFTER,
}
_OF_FRAMING = {400: {"malformed_request", "bad_path"}, 413: {"body_too_large"}, 500: {"internal"}}
_OF_BODIES = {400: {"malformed_json"}, 415: {"unsupported_media_type"}}


_OF_GATE = {403: {"origin_refused"}, 429: {"blocked", RateReached.code}}
_OF_HANDSHAKES = {
    400: {"invalid"},
    401: {Unauthenticated.code},
    403: {"origin_refused"},
    404: {NotFound.code},
    429: {"blocked", RateReached.code},
    426: {"upgrade_required"},
    503: {"full", Unavailable.code},
}


def refusals(route: Route) -> list[Refusal]:
    """Everything that ``route`` can refuse, by status."""
    codes: dict[int, set[str]] = {status: set(those) for status, those in _OF_FRAMING.items()}
    if HTTPStatus.SWITCHING_PROTOCOLS in route.returns:
        for status, those in _OF_HANDSHAKES.items():
            codes.setdefault(status, set()).update(those)
        return _listed(codes, route)
    if route.body is not None:
        for status, those in _OF_BODIES.items():
            codes.setdefault(status, set()).update(those)
    if not route.path.startswith("/health"):
        for status, those in _OF_GATE.items():
            codes.setdefault(status, set()).update(those)
    for kind in (*_implied(route), *route.refuses):
        told = status_of(kind)
        assert told is not None, f"{kind} is not for clients"
        codes.setdefault(told, set()).add(kind.code)
    return _listed(codes, route)


def _listed(codes: Mapping[int, Collection[str]], route: Route) -> list[Refusal]:
    return [
        Refusal(
            status, tuple(sorted(codes[status])), _DESCRIPTIONS[status], _HEADERS.get(status, ())
        )
        for status in sorted(codes.keys() - route.returns.keys())
    ]


def _implied(route: Route) -> list[type[TempmailError]]:
    """What access, parameters and trouble on our side bring."""
    kinds: list[type[TempmailError]] = [Unavailable]
    if route.access is not Access.ANYBODY:
        kinds.append(Unauthenticated)
    if route.access not in (Access.ANYBODY, Access.CODES):
        kinds.append(Forbidden)
    if "<" in route.path:
        kinds.append(NotFound)
    if route.query or route.body or route.access is not Access.ANYBODY:
        kinds.append(InvalidInput)
    return kinds
