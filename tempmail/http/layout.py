"""What all pages have in common: the head, the bar on top, the foot, and what they may do.

The style and the few lines that must run before the first paint stand in the document itself, so
that nothing is waited for; the policy names them by their digests.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable

from markupsafe import Markup, escape

from tempmail.http.answers import Answer
from tempmail.http.prepared import Prepared
from tempmail.http.web_files import WebFiles
from tempmail.http.words import t

HTML = "text/html; charset=utf-8"

_LOGO = (
    '<svg viewBox="0 0 40 32" aria-hidden="true"><rect x="1" y="1" width="38" height="30" rx="5"'
    ' fill="var(--surface)" stroke="var(--ink)" stroke-width="2"/><path d="M3 4.5l17 13 17-13"'
    ' fill="none" stroke="var(--ink)" stroke-width="2" stroke-linejoin="round"/>'
    '<g stroke-width="3.4"><path d="M6 30l4-5M22 30l4-5" stroke="var(--stripe-a)"/>'
    '<path d="M14 30l4-5M30 30l4-5" stroke="var(--stripe-b)"/></g></svg>'
)
_PLACES = (
    ("inbox", "/", "Inbox"),
    ("docs", "/docs", "Docs"),
    ("api", "/docs/api", "API"),
    ("status", "/status", "Status"),
    ("account", "/account", "Account"),
)
_VIEWPORT = (
    '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover,'
    ' interactive-widget=resizes-content">'
)
THEMES = ("light", "dark")
"""What a visitor may choose instead of the machine's own."""


def icon(name: str) -> str:
    """One of ``web/icons.svg``, as HTML."""
    return f'<svg class="i" aria-hidden="true" focusable="false"><use href="#i-{name}"/></svg>'


def titled(title: str) -> Markup:
    """What a page calls itself: its title, and whose it is."""
    return t("{title} - tempmail", title=title)


class Layout:
    """:param files: scripts and styles.
    :param version: shown in the foot.
    :param docs: whether the API is described here.
    """

    def __init__(self, files: WebFiles, version: str, *, docs: bool = True) -> None:
        self._files = files
        self._version = version
        self._places = [one for one in _PLACES if docs or one[0] != "api"]
        self._style = files.text("app.css")
        self._first = files.text("first.js")
        self._icons = files.text("icons.svg")
        self.headers = {
            "Content-Security-Policy": self._policy(),
            # With none at all, browsers say "Origin: null" for forms, which may do nothing here.
            "Referrer-Policy": "same-origin",
        }

    def document(
        self,
        title: str,
        main: str,
        *,
        scripts: Iterable[str] | None = (),
        styles: Iterable[str] = (),
        page: str = "",
        foot: str = "",
        theme: str = "",
    ) -> bytes:
        """A whole page.

        :param title: as text, or as HTML by ``t``.
        :param main: as HTML: a ``<main id="main">`` and what is beside it.
        :param scripts: modules such as ``js/app.js``, and what they import, so that all of them
            are fetched at once; the first is run.  None: not even that of every page.
        :param styles: further style sheets, such as ``pages.css``.
        :param page: which of the places on the bar this is, if any.
        :param foot: more for the foot, as HTML.
        :param theme: one of ``THEMES``, where it is known.
        """
        chosen = f' data-theme="{escape(theme)}"' if theme else ""
        bar = self._bar(page, scripted=scripts is not None)
        first = "" if scripts is None else f"<script>{self._first}</script>\n"
        return "\n".join(
            (
                f'<!doctype html>\n<html lang="en" data-page="{escape(page)}"{chosen}>\n<head>',
                '<meta charset="utf-8">',
                _VIEWPORT,
                f"<title>{escape(title)}</title>",
                '<meta name="theme-color" content="#F4F2EC" media="(prefers-color-scheme: light)">',
                '<meta name="theme-color" content="#0E1116" media="(prefers-color-scheme: dark)">',
                f'<link rel="icon" href="{self._files.url("favicon.svg")}" type="image/svg+xml">',
                f"{first}<style>{self._style}</style>",
                *(f'<link rel="stylesheet" href="{self._files.url(one)}">' for one in styles),
                *(() if scripts is None else self._scripts(tuple(scripts))),
                "</head>\n<body>",
                f'<a class="skip" href="#main">{t("Skip to the content")}</a>',
                self._icons,
                f'<div class="page">\n{bar}\n{main}\n{self._foot(foot)}\n</div>',
                "</body>\n</html>\n",
            )
        ).encode()

    def prepared(self, document: bytes) -> Prepared:
        """A page that is the same for everybody."""
        return Prepared(document, HTML, {**self.headers, "Cache-Control": "no-cache"})

    def answer(self, document: bytes, status: int = 200, **headers: str) -> Answer:
        """A page for one visitor: kept by nobody, and not compressed, so that its length says
        nothing of what is in it."""
        return Answer(status, document, HTML, {**self.headers, **headers})

    def _policy(self) -> str:
        return "; ".join(
            (
                "default-src 'none'",
                f"script-src 'self' {_digest(self._first)}",
                f"style-src 'self' {_digest(self._style)}",
                "img-src 'self' blob:",  # a QR code is made by the server and shown as a blob
                "connect-src 'self'",
                "frame-src 'self'",
                "base-uri 'none'",
                "form-action 'self'",
                "frame-ancestors 'none'",
                "require-trusted-types-for 'script'",
                "trusted-types lit-html",
            )
        )

    def _scripts(self, names: tuple[str, ...]) -> list[str]:
        return [
            *(f'<script type="module" src="{self._files.url(one)}"></script>' for one in names[:1]),
            *(f'<link rel="modulepreload" href="{self._files.url(one)}">' for one in names[1:]),
        ]

    def _bar(self, page: str, *, scripted: bool) -> str:
        menu = {
            name: f'<a href="{path}"{_current(name, page)}>{t(shown)}</a>'
            for name, path, shown in self._places
        }
        links = [link for name, link in menu.items() if name != "account"]
        switch = t("Switch theme")
        theme = (
            f'<button class="btn ghost icon" id="theme" type="button" aria-label="{switch}"'
            f' title="{switch}"><span class="theme">{icon("moon")}{icon("sun")}</span></button>'
        )
        live = '<tm-live class="live" role="status"></tm-live>' if page == "inbox" else ""
        return (
            f'<header class="top"><a class="brand" href="/">{_LOGO}<span>tempmail</span></a>'
            f'<nav aria-label="{t("Main")}">{"".join(links)}</nav>{live}'
            f"{theme * scripted}"
            f'<a class="btn ghost only-l" href="/account"{_current("account", page)}>'
            f"{icon('user')} {t('Account')}</a>"
            f'<button class="btn ghost icon only-s" type="button" aria-label="{t("Menu")}"'
            f' popovertarget="menu">{icon("ellipsis")}</button>'
            f'<nav id="menu" class="menu" aria-label="{t("Menu")}" popover>'
            f"{''.join(menu.values())}</nav></header>"
        )

    def _foot(self, more: str) -> str:
        return (
            f'<footer class="foot"><span>tempmail {escape(self._version)}</span>'
            f'<a href="/status">{t("Status")}</a><a href="/docs">{t("Docs")}</a>'
            f'<a href="/privacy">{t("Privacy")}</a><a href="/abuse">{t("Report abuse")}</a>'
            f"{more}</footer>"
        )


def _current(name: str, page: str) -> str:
    return ' aria-current="page"' if name == page else ""


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
