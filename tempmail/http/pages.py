"""The page of inboxes: one document for everybody, which the visitor's own scripts fill.

The landing part is there as it is painted, with a form that works without scripts too
(:mod:`tempmail.http.plain`).  Beside it stands the frame of an inbox; which of the two is seen is
decided before the first paint, by what the browser has stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tempmail.http.answers import Answer
from tempmail.http.layout import Layout, icon
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Route

SCRIPTS = (
    "js/app.js",
    "vendor/lit.js",
    "js/i18n.js",
    "js/api.js",
    "js/store.js",
    "js/mail.js",
    "js/live.js",
    "js/channels.js",
    "js/copy.js",
    "js/ui.js",
    "js/address.js",
    "js/list.js",
    "js/reader.js",
    "js/dialogs.js",
)
_LIFETIMES = ((10, "10 min"), (60, "1 hour"), (1440, "1 day"))
_DEFAULT_LIFETIME = 60

_FACTS = (
    (
        "inbox",
        "Arrives while you watch",
        "Mail shows up the moment it is received, with codes and confirmation links picked out.",
    ),
    (
        "lock",
        "Safe to open",
        "Scripts never run and remote images stay blocked until you say so.",
    ),
    ("smartphone", "Follows you", "Scan a QR code to open the same inbox on your phone."),
)
_SKELETON = (
    '<tm-inbox><div class="inbox" aria-hidden="true"><section class="addr card sk"></section>'
    '<div class="panes"><div class="list card"></div><div class="reader card"></div></div></div>'
    "</tm-inbox>"
)


class InboxPage:
    """:param domains: ours, the default one first."""

    def __init__(self, layout: Layout, domains: Sequence[str]) -> None:
        main = (
            f'<main id="main" tabindex="-1">{_landing(maker(domains))}\n{_SKELETON}</main>\n'
            "<tm-dialogs></tm-dialogs><tm-notes></tm-notes>"
        )
        document = layout.document("tempmail", main, scripts=SCRIPTS, page="inbox")
        self._page = layout.prepared(document)

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [Route("GET", "/", self.page, access=Access.ANYBODY)]

    async def page(self, ask: Ask[Nothing]) -> Answer:
        return self._page.answer(ask.request)


def maker(domains: Sequence[str], *, name: str = "", wrong: str = "") -> str:
    """The form that makes an inbox.

    :param name: what was asked for before.
    :param wrong: why that could not be had.
    """
    options = "".join(f"<option>{escape(one)}</option>" for one in domains)
    lifetimes = "".join(
        f'<label><input type="radio" name="ttl_minutes" value="{minutes}"'
        f"{' checked' * (minutes == _DEFAULT_LIFETIME)}>{shown}</label>"
        for minutes, shown in _LIFETIMES
    )
    invalid = ' aria-invalid="true"' if wrong else ""
    return (
        '<tm-maker><form class="mk-form" method="post" action="/plain"><div class="mk">'
        '<div class="mk-f"><input name="username" placeholder="random name" autocapitalize="none"'
        ' autocomplete="off" spellcheck="false" maxlength="64" aria-describedby="mk-wrong"'
        f' aria-label="Name before the @, leave empty for a random one"'
        f' value="{escape(name)}"{invalid}>'
        '<span aria-hidden="true">@</span>'
        f'<select name="domain" aria-label="Domain">{options}</select></div>'
        f'<button class="btn primary big">{icon("mail")} <span>Get address</span></button></div>'
        f'<p class="wrong" id="mk-wrong" role="alert">{escape(wrong)}</p>'
        '<div class="seg"><span aria-hidden="true">Keep it for</span>'
        f'<fieldset aria-label="Keep it for">{lifetimes}</fieldset></div></form></tm-maker>'
    )


def _landing(form: str) -> str:
    facts = "".join(
        f"<div><h2>{icon(name)} {title}</h2><p>{text}</p></div>" for name, title, text in _FACTS
    )
    return (
        '<div class="land"><h1>A throwaway inbox in one click.</h1>'
        '<p class="lede">Use it to sign up, catch the code, and walk away. When the timer runs'
        " out, the address and everything in it is deleted.</p>"
        f'<section class="maker card" aria-label="Get an address">{form}'
        '<div class="stripe" aria-hidden="true"><div></div></div></section>'
        f'<div class="facts">{facts}</div>'
        '<p class="muted">Good for trials, downloads and testing. Do not use it for accounts you'
        ' want to keep. <noscript>Without scripts your browser shows <a href="/plain">a plainer'
        " page</a>.</noscript></p></div>"
    )
