"""The page of inboxes: one document for everybody, which the visitor's own scripts fill.

The landing part is there as it is painted, with a form that works without scripts too
(:mod:`tempmail.http.plain`).  Beside it stands the frame of an inbox; which of the two is seen is
decided before the first paint, by what the browser has stored.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from tempmail.http.answers import Answer
from tempmail.http.layout import Layout, icon
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Route
from tempmail.http.words import t

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

_LEDE = (
    "Use it to sign up, catch the code, and walk away. When the timer runs out, the address and"
    " everything in it is deleted."
)
_NOT_FOR = "Good for trials, downloads and testing. Do not use it for accounts you want to keep."
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
    :param wrong: why that could not be had; as text, or as HTML by ``t``.
    """
    options = "".join(f"<option>{escape(one)}</option>" for one in domains)
    lifetimes = "".join(
        f'<label><input type="radio" name="ttl_minutes" value="{minutes}"'
        f"{' checked' * (minutes == _DEFAULT_LIFETIME)}>{t(shown)}</label>"
        for minutes, shown in _LIFETIMES
    )
    invalid = ' aria-invalid="true"' if wrong else ""
    keep = t("Keep it for")
    return (
        '<tm-maker><form class="mk-form" method="post" action="/plain"><div class="mk">'
        f'<div class="mk-f"><input name="username" placeholder="{t("random name")}"'
        ' autocapitalize="none" autocomplete="off" spellcheck="false" maxlength="64"'
        ' aria-describedby="mk-wrong"'
        f' aria-label="{t("Name before the @, leave empty for a random one")}"'
        f' value="{escape(name)}"{invalid}>'
        '<span aria-hidden="true">@</span>'
        f'<select name="domain" aria-label="{t("Domain")}">{options}</select></div>'
        f'<button class="btn primary big">{icon("mail")} <span>{t("Get address")}</span></button>'
        "</div>"
        f'<p class="wrong" id="mk-wrong" role="alert">{escape(wrong)}</p>'
        f'<div class="seg"><span aria-hidden="true">{keep}</span>'
        f'<fieldset aria-label="{keep}">{lifetimes}</fieldset></div></form></tm-maker>'
    )


def _landing(form: str) -> str:
    facts = "".join(
        f"<div><h2>{icon(name)} {t(title)}</h2><p>{t(text)}</p></div>"
        for name, title, text in _FACTS
    )
    plainer = Markup('<a href="/plain">{}</a>').format(t("a plainer page"))
    return (
        f'<div class="land"><h1>{t("A throwaway inbox in one click.")}</h1>'
        f'<p class="lede">{t(_LEDE)}</p>'
        f'<section class="maker card" aria-label="{t("Get an address")}">{form}'
        '<div class="stripe" aria-hidden="true"><div></div></div></section>'
        f'<div class="facts">{facts}</div>'
        f'<p class="muted">{t(_NOT_FOR)}'
        f" <noscript>{t('Without scripts your browser shows {page}.', page=plainer)}</noscript></p>"
        "</div>"
    )
