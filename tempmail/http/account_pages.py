"""Signing in and up, and an account: pages that the visitor's own scripts fill."""

from __future__ import annotations

from tempmail.http.answers import Answer
from tempmail.http.layout import Layout, icon, titled
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Route
from tempmail.http.words import t

_SHARED = ("js/i18n.js", "js/api.js", "js/account-words.js")
_NEEDS_SCRIPTS = "Passkeys need scripts, which your browser does not run here."
_LEDE = (
    "An account has no password. You sign in with a passkey: by your fingerprint, your face or the"
    " lock of your device."
)
_CLOSED = "Accounts are made by whoever operates this service. Ask there for one."
_INVITED = "You need an invitation from whoever operates this service."


class AccountPages:
    """:param sign_up: who may make an account: ``open``, ``invite`` or ``closed``."""

    def __init__(self, layout: Layout, sign_up: str) -> None:
        self._sign_in = layout.prepared(
            layout.document(
                titled(t("Sign in")),
                _sign_in(sign_up),
                scripts=("js/sign-in.js", *_SHARED, "js/passkeys.js"),
                styles=("pages.css",),
                page="account",
            )
        )
        self._account = layout.prepared(
            layout.document(
                titled(t("Account")),
                _account(),
                scripts=(
                    "js/account.js",
                    "vendor/lit.js",
                    *_SHARED,
                    "js/passkeys.js",
                    "js/copy.js",
                    "js/store.js",
                    "js/account-tables.js",
                ),
                styles=("pages.css",),
                page="account",
            )
        )

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [
            Route("GET", "/sign-in", self.sign_in, access=Access.ANYBODY),
            Route("GET", "/account", self.account, access=Access.ANYBODY),
        ]

    async def sign_in(self, ask: Ask[Nothing]) -> Answer:
        return self._sign_in.answer(ask.request)

    async def account(self, ask: Ask[Nothing]) -> Answer:
        """The same for everybody: what is somebody's own, the page's script asks the API for."""
        return self._account.answer(ask.request)


def _sign_in(sign_up: str) -> str:
    return (
        f'<main id="main" tabindex="-1" class="doc entry"><h1>{t("Sign in")}</h1>'
        f'<p class="lede">{t(_LEDE)}</p>{_needs_scripts()}'
        '<tm-sign-in><section class="card"><p><button class="btn primary big" type="button"'
        f" disabled>{icon('key-round')} {t('Sign in with a passkey')}</button></p>"
        '<p class="wrong" role="alert"></p></section></tm-sign-in>'
        f"{_sign_up(sign_up)}</main>"
    )


def _sign_up(sign_up: str) -> str:
    none_yet = t("No account yet?")
    if sign_up == "closed":
        return f'<section class="card"><h2>{none_yet}</h2><p>{t(_CLOSED)}</p></section>'
    invited = ""
    if sign_up == "invite":
        invited = (
            f'<p class="muted">{t(_INVITED)}</p><label class="lab">{t("Invitation")}'
            ' <input class="field mono" name="invitation" required maxlength="128"'
            ' autocomplete="off" spellcheck="false" autocapitalize="none"></label>'
        )
    return (
        '<tm-sign-up><section class="card" aria-labelledby="sign-up">'
        f'<h2 id="sign-up">{none_yet}</h2><form>'
        f'<label class="lab">{t("What to call the account")} <input class="field"'
        ' name="name" required maxlength="64" autocomplete="username" spellcheck="false"></label>'
        f'{invited}<p class="wrong" role="alert"></p><button class="btn" disabled>'
        f"{icon('user')} {t('Make an account with a passkey')}</button></form></section>"
        "</tm-sign-up>"
    )


def _account() -> str:
    waiting = '<div class="card sk" aria-hidden="true"></div>' * 3
    return (
        f'<main id="main" tabindex="-1" class="doc account"><h1>{t("Account")}</h1>'
        f"{_needs_scripts()}<tm-account>{waiting}</tm-account></main>"
    )


def _needs_scripts() -> str:
    return f'<noscript><p class="note warn">{t(_NEEDS_SCRIPTS)}</p></noscript>'
