"""The interface described: for programs at ``/openapi.json``, for people at ``/docs/api``."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence

import msgspec

from tempmail.http.answers import Answer
from tempmail.http.openapi import document
from tempmail.http.reference import STYLE, page
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Returns, Route

_STYLE_HASH = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_PAGE_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}


class DescriptionRoutes:
    """Made once, at the start.

    :param described: what the description is of.
    :param version: ours.
    """

    def __init__(self, described: Sequence[Route], version: str) -> None:
        made = document([*described, *self.routes()], version)
        self._document = Answer(200, msgspec.json.encode(made), "application/json")
        self._page = Answer(200, page(made).encode(), "text/html; charset=utf-8", _PAGE_HEADERS)

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [
            Route(
                "GET",
                "/openapi.json",
                self.document,
                "Have this description as an OpenAPI document",
                Access.ANYBODY,
                returns={200: Returns(description="It", media_type="application/json")},
                name="get_openapi_document",
            ),
            Route(
                "GET",
                "/docs/api",
                self.page,
                "Have this description as a page",
                Access.ANYBODY,
                returns={200: Returns(description="The page", media_type="text/html")},
                name="get_reference",
            ),
        ]

    async def document(self, _: Ask[Nothing]) -> Answer:
        return self._document

    async def page(self, _: Ask[Nothing]) -> Answer:
        return self._page
