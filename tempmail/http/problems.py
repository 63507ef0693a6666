"""Every refusal as a problem document (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

import msgspec
from attrs import Factory, frozen
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from tempmail.http.answers import Answer
from tempmail.http.described import described
from tempmail.model.errors import (
    AddressUnavailable,
    AttachmentBlocked,
    Conflict,
    Forbidden,
    InvalidInput,
    LimitReached,
    NotFound,
    TempmailError,
    Unauthenticated,
    Unavailable,
    Undecided,
)

CONTENT_TYPE = "application/problem+json"

_STATUS: Mapping[type[TempmailError], int] = {
    InvalidInput: 422,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    AddressUnavailable: 409,
    AttachmentBlocked: 403,
    Conflict: 409,
    LimitReached: 429,
    Unavailable: 503,
    Undecided: 503,
}
_RETRY_SECONDS = 5


class ProblemDocument(msgspec.Struct):
    """Why a request was refused (RFC 9457)."""

    type: Annotated[str, described("Always `about:blank`", "about:blank")]
    title: Annotated[str, described("The status in words", "Not Found")]
    status: Annotated[int, described("The status", 404)]
    detail: Annotated[str, described("What to do, for people", "there is no such mailbox")]
    code: Annotated[str, described("A stable word for programs", "not_found")]


@frozen
class Problem:
    """One refusal.

    :ivar code: a stable word for programs.
    :ivar detail: a sentence for people that says what to do.
    :ivar headers: what the status asks for beside the document.
    """

    status: int
    code: str
    detail: str
    headers: Mapping[str, str] = Factory(dict)

    @property
    def title(self) -> str:
        """The status in words, as ``about:blank`` asks (RFC 9457 section 4.2.1)."""
        return HTTPStatus(self.status).phrase

    @property
    def words(self) -> str:
        """The detail, in characters that can be seen: it may repeat what was sent."""
        if self.detail.isprintable():
            return self.detail
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in self.detail)

    def answer(self) -> Answer:
        """The problem as a response for a program."""
        document = ProblemDocument("about:blank", self.title, self.status, self.words, self.code)
        return Answer(self.status, msgspec.json.encode(document), CONTENT_TYPE, self.headers)


class Refused(Exception):
    """Raised where a request is wrong in the way of HTTP rather than of mailboxes."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


UNFORESEEN = Problem(500, "internal", "something went wrong on our side; it has been noted")
NO_SUCH_ROUTE = Problem(404, "not_found", "there is nothing at this path")


def problem_of(error: BaseException) -> Problem:
    """What a client is told of ``error``; :data:`UNFORESEEN` where it was none of its own doing."""
    match error:
        case Refused():
            return error.problem
        case TempmailError():
            return _of_ours(error)
        case MethodNotAllowed():
            allowed = ", ".join(sorted(error.valid_methods or ()))
            return Problem(
                405, "method_not_allowed", f"this path answers to: {allowed}", {"Allow": allowed}
            )
        case HTTPException():  # redirects among them: they would repeat the client's own words
            return NO_SUCH_ROUTE
    return UNFORESEEN


def status_of(kind: type[TempmailError]) -> int | None:
    """The status of an error of this kind; None for one that clients are not told of."""
    return next((_STATUS[one] for one in kind.__mro__ if one in _STATUS), None)


def _of_ours(error: TempmailError) -> Problem:
    status = status_of(type(error))
    if status is None:
        return UNFORESEEN
    headers: dict[str, str] = {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="tempmail"'  # RFC 6750 section 3
    elif isinstance(error, LimitReached):
        headers["Retry-After"] = str(error.retry_after)
    elif status == 503:
        headers["Retry-After"] = str(_RETRY_SECONDS)
    return Problem(status, error.code, error.detail, headers)
