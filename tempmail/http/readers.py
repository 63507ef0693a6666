"""Who reads an answer: a person with a browser, or a program."""

from __future__ import annotations

import re
from typing import Any, Protocol

from twisted.web.server import Request

from tempmail.http.answers import Answer
from tempmail.http.problems import Problem

_FOR_PROGRAMS = re.compile(
    rb"/(?:(?:api|health|generate|inbox|m|mcp|metrics|static|ws)(?:/|\Z)|[a-z]+\.json\Z)"
)
_PAGE = re.compile(r"(?:\A|,)\s*(?:text/html|application/xhtml\+xml)\s*(?:;|,|\Z)", re.IGNORECASE)


class Refusals(Protocol):
    """See :class:`tempmail.http.error_pages.ErrorPages`."""

    def answer(self, request: Request, problem: Problem) -> Answer: ...


def wants_page(request: Request) -> bool:
    """Whether it is a person with a browser who asks, and for no part of the API."""
    accept = request.getHeader("Accept") or ""
    return _FOR_PROGRAMS.match(request.path) is None and _PAGE.search(accept) is not None


def answer_to(request: Request, problem: Problem) -> Answer:
    """``problem`` for whoever sent ``request``, where its site has pages for that."""
    channel: Any = request.channel  # None where the client has left
    pages: Refusals | None = None if channel is None else channel.site.errors
    return problem.answer() if pages is None else pages.answer(request, problem)
