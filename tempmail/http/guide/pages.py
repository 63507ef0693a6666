"""Which pages the guide has, in what order, and which of them somebody may have meant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import resources

from attrs import frozen

from tempmail.http.guide.markdown import Rendered, render

ROOT = "/docs"

GROUPS: Sequence[tuple[str, Sequence[str]]] = (
    ("Use it", ("quick-start", "recipes", "agents", "mcp_tools", "plans", "faq")),
    ("Run it", ("dns", "tls", "proxies", "configuration", "metrics", "backup")),
    ("Behave", ("abuse", "privacy")),
)
_ELSEWHERE = {"abuse": "/abuse", "privacy": "/privacy"}
"""Pages that have an address of their own, which other pages name."""

_PAGE = re.compile(r"(?P<name>[a-z][a-z_-]*)\.md(?P<anchor>#.*)?\Z")
_ADDRESS = re.compile(r"https?://|/(?!/)|#")


@frozen
class Page:
    """:ivar name: its file's, without the ending.
    :ivar group: under which it is listed.
    """

    name: str
    group: str
    text: Rendered

    @property
    def path(self) -> str:
        return path_of(self.name)


def path_of(name: str) -> str:
    """Where a page is."""
    return _ELSEWHERE.get(name, f"{ROOT}/{name.replace('_', '-')}")


class Guide:
    """Every page, rendered once.

    :param generated: Markdown that is put behind a page's own, by the page's name.
    """

    def __init__(self, generated: Mapping[str, str]) -> None:
        kept = resources.files("tempmail").joinpath("docs")
        self.pages: dict[str, Page] = {}
        texts = {
            (group, name): kept.joinpath(f"{name}.md") for group, names in GROUPS for name in names
        }
        self._names = {name for (_, name), file in texts.items() if file.is_file()}
        for (group, name), file in texts.items():
            if name in self._names:
                text = f"{file.read_text('utf-8')}\n{generated.get(name, '')}"
                self.pages[name] = Page(name, group, self.render(text))

    def render(self, text: str) -> Rendered:
        """A text whose links lead to pages of the guide."""
        return render(text, self._resolve)

    def beside(self, name: str) -> tuple[Page | None, Page | None]:
        """The pages before and behind one."""
        pages = [*self.pages.values()]
        at = [*self.pages].index(name)
        before = pages[at - 1] if at else None
        return before, pages[at + 1] if at + 1 < len(pages) else None

    def meant(self, name: str) -> Sequence[Page]:
        """Pages that somebody who asked for ``name`` may have looked for."""
        wanted = name.lower()[:64].removesuffix(".md").removesuffix(".html")
        titles = {page.text.title.lower(): one for one, page in self.pages.items()}
        words = [one for one in self.pages if wanted and (wanted in one or one in wanted)]
        close = get_close_matches(wanted, [*self.pages, *titles], n=3, cutoff=0.5)
        found = dict.fromkeys([*words, *(titles.get(one, one) for one in close)])
        return [self.pages[one] for one in found][:3]

    def _resolve(self, target: str) -> str | None:
        page = _PAGE.match(target)
        if page is not None:
            name = page["name"]
            return path_of(name) + (page["anchor"] or "") if name in self._names else None
        return target if _ADDRESS.match(target) else None
