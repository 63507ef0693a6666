"""A page of the guide as HTML: the list of pages, the text, what is on the page, where to go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape

from tempmail.http.guide.pages import GROUPS, ROOT, Guide, Page
from tempmail.http.guide.search import LONGEST, Hit
from tempmail.http.layout import icon
from tempmail.http.words import t

_TITLE = "Guide"
_LEDE = "How to use this service, and how to run one of your own."
_REFERENCE = ("/docs/api", "API reference", "Every request, its parameters and its answers.")
_SEARCH = "Search the guide"
_FOUND_ONE = "One section has that."
_FOUND = "{n} sections have that."


def page(guide: Guide, shown: Page, body: str, *, reference: bool) -> str:
    """One page.

    :param body: its text as HTML.
    :param reference: whether the API is described here.
    """
    before, behind = guide.beside(shown.name)
    on = "".join(
        f'<li data-l="{one.level}"><a href="#{one.anchor}">{escape(one.text)}</a></li>'
        for one in shown.text.headings
    )
    on_page = t("On this page")
    contents = (
        f'<nav class="toc" aria-label="{on_page}"><h2>{on_page}</h2><ul>{on}</ul></nav>'
        if len(shown.text.headings) > 1
        else ""
    )
    steps = _step(before, t("Previous"), "prev") + _step(behind, t("Next"), "next")
    return _framed(
        guide,
        f"{contents}<article><h1>{escape(shown.text.title)}</h1>\n{body}</article>"
        f'<nav class="steps" aria-label="{t("Other pages")}">{steps}</nav>',
        shown.name,
        reference=reference,
    )


def index(guide: Guide, *, reference: bool) -> str:
    """What pages there are."""
    cards = "".join(_cards(guide, reference=reference))
    return _framed(
        guide,
        f'<article><h1>{t(_TITLE)}</h1><p class="lede">{t(_LEDE)}</p>{cards}</article>',
        "",
        reference=reference,
    )


def missing(guide: Guide, meant: Sequence[Page], *, reference: bool) -> str:
    """Instead of a page that there is not.

    :param meant: pages that may have been looked for.
    """
    found = "".join(f"<li>{_link(one)}</li>" for one in meant)
    hint = f"<p>{t('Perhaps you look for:')}</p><ul>{found}</ul>" if found else ""
    lede = t("The guide has no page of this name.")
    return _framed(
        guide,
        f'<article><h1>{t("There is no such page")}</h1><p class="lede">{lede}</p>{hint}'
        f"<p>{_all_pages()}</p></article>",
        "",
        reference=reference,
    )


def found(guide: Guide, wanted: str, hits: Sequence[Hit], *, reference: bool) -> str:
    """What a search found.

    :param wanted: what was looked for, as text.
    """
    if hits:
        cards = "".join(map(_hit, hits))
        lede = t(_FOUND_ONE if len(hits) == 1 else _FOUND, n=len(hits))
        rest = f'<ul class="cards found">{cards}</ul>'
    else:
        lede = t("No section has all of that: {wanted}", wanted=wanted)
        rest = f"<p>{t('Fewer words may find more.')} {_all_pages()}</p>"
    return _framed(
        guide,
        f'<article><h1>{t(_SEARCH)}</h1><p class="lede" role="status">{lede}</p>{rest}</article>',
        "",
        reference=reference,
        wanted=wanted,
    )


def _hit(hit: Hit) -> str:
    title = Markup(": ").join(filter(None, (hit.page.text.title, hit.section.title)))
    excerpt = "".join(
        f"<mark>{escape(part)}</mark>" if marked % 2 else escape(part)
        for marked, part in enumerate(hit.excerpt)
    )
    return f'<li class="card"><a href="{hit.path}">{title}</a><p>{excerpt}</p></li>'


def _framed(guide: Guide, inner: str, name: str, *, reference: bool, wanted: str = "") -> str:
    search = t(_SEARCH)
    field = (
        f'<form class="search" role="search" action="{ROOT}">{icon("search")}<input type="search"'
        f' id="q" name="q" placeholder="{search}" aria-label="{search}" autocomplete="off"'
        f' enterkeyhint="search" maxlength="{LONGEST}" value="{escape(wanted)}">'
        '<kbd class="only-l" aria-hidden="true">/</kbd></form>'
    )
    groups = "".join(
        f"<h2>{t(group)}</h2><ul>{''.join(_entries(guide, names, name))}</ul>"
        for group, names in GROUPS
    )
    if reference:
        path, title, _ = _REFERENCE
        groups += f'<h2>{t("Look it up")}</h2><ul><li><a href="{path}">{t(title)}</a></li></ul>'
    return (
        f'<div class="docs guide"><main id="main" tabindex="-1" class="text">{inner}</main>'
        f'<aside id="pages">{field}<nav aria-label="{t(_TITLE)}">{groups}</nav></aside></div>'
    )


def _entries(guide: Guide, names: Sequence[str], current: str) -> Iterator[str]:
    for name in names:
        if name in guide.pages:
            yield f"<li>{_link(guide.pages[name], current=name == current)}</li>"


def _all_pages() -> str:
    return f'<a href="{ROOT}">{t("All pages of the guide")}</a>'


def _link(page: Page, *, current: bool = False) -> str:
    mark = ' aria-current="page"' if current else ""
    return f'<a href="{page.path}"{mark}>{escape(page.text.title)}</a>'


def _cards(guide: Guide, *, reference: bool) -> Iterator[str]:
    for group, names in GROUPS:
        yield f'<h2>{t(group)}</h2><ul class="cards">'
        for name in names:
            if name in guide.pages:
                text = guide.pages[name].text
                yield _card(guide.pages[name].path, text.title, text.about)
        if reference and names is GROUPS[0][1]:
            path, title, about = _REFERENCE
            yield _card(path, t(title), t(about))
        yield "</ul>"


def _card(path: str, title: str, about: str) -> str:
    return f'<li class="card"><a href="{path}">{escape(title)}</a><p>{escape(about)}</p></li>'


def _step(page: Page | None, word: Markup, rel: str) -> str:
    if page is None:
        return ""
    arrow = icon("arrow-left")
    return (
        f'<a class="card {rel}" rel="{rel}" href="{page.path}">{arrow}<span><small>{word}</small>'
        f"{escape(page.text.title)}</span></a>"
    )
