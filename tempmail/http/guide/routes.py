"""The guide over HTTP: its pages, in whose examples the visitor's own host stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from html import escape
from typing import Annotated

from msgspec import Struct
from prometheus_client import CollectorRegistry

from tempmail.http.answers import Answer
from tempmail.http.described import described
from tempmail.http.guide import shown, tables
from tempmail.http.guide.markdown import Rendered
from tempmail.http.guide.pages import ROOT, Guide, Page
from tempmail.http.guide.search import LONGEST, search
from tempmail.http.layout import Layout, titled
from tempmail.http.origins import request_origin
from tempmail.http.prepared import Prepared
from tempmail.http.readers import wants_page
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Route
from tempmail.http.words import t
from tempmail.model.account import Plan
from tempmail.model.errors import NotFound, Unavailable

EXAMPLE = "http://127.0.0.1:8080"
"""Stands in the texts for where the service is."""

_PLANS = "plans"
_NO_PLANS = "They cannot be shown while storage is away."
_MOST_PREPARED = 64  # pages with another host in them, or other plans


class SearchGuide(Struct, forbid_unknown_fields=True):
    """``q`` finds sections of the guide."""

    q: Annotated[
        str,
        described("Words, or beginnings of some, that all stand in a section", max_length=LONGEST),
    ] = ""


class GuideRoutes:
    """:param options: what an operator can choose.
    :param registry: of the metrics.
    :param plans: reads the plans as they are.
    :param reference: whether the API is described here.
    """

    def __init__(
        self,
        layout: Layout,
        options: Iterable[tables.Option],
        registry: CollectorRegistry,
        plans: Callable[[], Awaitable[Sequence[Plan]]],
        *,
        reference: bool,
    ) -> None:
        self._layout = layout
        self._plans = plans
        self._reference = reference
        self._guide = Guide(
            {"configuration": tables.options(options), "metrics": tables.metrics(registry)}
        )
        self._index = layout.prepared(
            self._document(t("Guide"), shown.index(self._guide, reference=reference))
        )
        self._prepared: dict[tuple[str, str, str], Prepared] = {}

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        own = [
            Route("GET", page.path, self._showing(page), access=Access.ANYBODY)
            for page in self._guide.pages.values()
        ]
        return [
            Route("GET", ROOT, self.index, access=Access.ANYBODY, query=SearchGuide),
            *own,
            Route("GET", f"{ROOT}/<name>", self.missing, access=Access.ANYBODY),
        ]

    async def index(self, ask: Ask[SearchGuide]) -> Answer:
        wanted = ask.given.q.strip()
        if not wanted:
            return self._index.answer(ask.request)
        found = shown.found(
            self._guide, wanted, search(self._guide, wanted), reference=self._reference
        )
        return self._layout.answer(self._document(t("{wanted} - Guide", wanted=wanted), found))

    async def missing(self, ask: Ask[Nothing], name: str) -> Answer:
        if not wants_page(ask.request):
            raise NotFound("the guide has no such page")
        found = shown.missing(self._guide, self._guide.meant(name), reference=self._reference)
        return self._layout.answer(self._document(t("No such page"), found), 404)

    def _showing(self, page: Page) -> Callable[[Ask[Nothing]], Awaitable[Answer]]:
        async def show(ask: Ask[Nothing]) -> Answer:
            more = await self._plan_rows() if page.name == _PLANS else ""
            prepared = self._page(page, request_origin(ask.request), more)
            return prepared.answer(ask.request)

        return show

    async def _plan_rows(self) -> str:
        try:
            return tables.plans(await self._plans())
        except Unavailable:
            return _NO_PLANS

    def _page(self, page: Page, origin: str, more: str) -> Prepared:
        if EXAMPLE not in page.text.body:
            origin = EXAMPLE
        key = (page.name, origin, more)
        prepared = self._prepared.get(key)
        if prepared is None:
            body = page.text.body + (self._rendered(more).body if more else "")
            body = body.replace(EXAMPLE, escape(origin))
            main = shown.page(self._guide, page, body, reference=self._reference)
            prepared = self._layout.prepared(self._document(page.text.title, main))
            if len(self._prepared) >= _MOST_PREPARED:
                del self._prepared[next(iter(self._prepared))]
            self._prepared[key] = prepared
        return prepared

    def _rendered(self, text: str) -> Rendered:
        return self._guide.render(text)

    def _document(self, title: str, main: str) -> bytes:
        return self._layout.document(
            titled(title),
            main,
            scripts=("js/docs.js", "js/i18n.js", "js/copy.js"),
            styles=("pages.css",),
            page="docs",
        )
