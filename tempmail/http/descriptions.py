"""The interface described: for programs at ``/openapi.json``, for people at ``/docs/api``."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tempmail.http import reference
from tempmail.http.answers import Answer
from tempmail.http.layout import THEMES, Layout, titled
from tempmail.http.openapi import document
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Returns, Route
from tempmail.http.words import t


class DescriptionRoutes:
    """Made once, at the start.

    :param described: what the description is of.
    :param version: ours.
    :param layout: of the page.
    """

    def __init__(self, described: Sequence[Route], version: str, layout: Layout) -> None:
        made = document([*described, *self.routes()], version)
        self._document = Answer(200, msgspec.json.encode(made), "application/json")
        main = reference.main(made)
        # Without scripts only the server can keep to the theme that somebody chose.
        self._pages = {
            theme: layout.prepared(
                layout.document(
                    titled(t(reference.TITLE)),
                    main,
                    scripts=None,
                    styles=("pages.css", "reference.css"),
                    page="api",
                    theme=theme,
                )
            )
            for theme in ("", *THEMES)
        }

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

    async def page(self, ask: Ask[Nothing]) -> Answer:
        chosen = (ask.request.getCookie(b"theme") or b"").decode("ascii", "replace")
        page = self._pages.get(chosen, self._pages[""])
        return page.answer(ask.request, Vary="Accept-Encoding, Cookie")
