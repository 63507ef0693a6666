"""Signing in and up, and an account: pages that the visitor's own scripts fill."""

from __future__ import annotations

from tempmail.http.answers import Answer
from tempmail.http.layout import Layout, icon
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Route

_SHARED = ("js/i18n.js", "js/api.js", "js/account-words.js")
_NEEDS_SCRIPTS = (
    '<noscript><p class="note warn">Passkeys need scripts, which your browser does not run here.'
    "</p></noscript>"
)
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
                "Sign in - tempmail",
                _sign_in(sign_up),
                scripts=("js/sign-in.js", *_SHARED, "js/passkeys.js"),
                styles=("pages.css",),
                page="account",
            )
        )
        self._account = layout.prepared(
            layout.document(
                "Account - tempmail",
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
        f'<main id="main" tabindex="-1" class="doc entry"><h1>Sign in</h1><p class="lede">{_LEDE}'
        f"</p>{_NEEDS_SCRIPTS}"
        '<tm-sign-in><section class="card"><p><button class="btn primary big" type="button"'
        f" disabled>{icon('key-round')} Sign in with a passkey</button></p>"
        '<p class="wrong" role="alert"></p></section></tm-sign-in>'
        f"{_sign_up(sign_up)}</main>"
    )


def _sign_up(sign_up: str) -> str:
    if sign_up == "closed":
        return f'<section class="card"><h2>No account yet?</h2><p>{_CLOSED}</p></section>'
    invited = ""
    if sign_up == "invite":
        invited = (
            f'<p class="muted">{_INVITED}</p>'
            '<label class="lab">Invitation <input class="field mono" name="invitation" required'
            ' maxlength="128" autocomplete="off" spellcheck="false" autocapitalize="none"></label>'
        )
    return (
        '<tm-sign-up><section class="card" aria-labelledby="sign-up"><h2 id="sign-up">No account'
        ' yet?</h2><form><label class="lab">What to call the account <input class="field"'
        ' name="name" required maxlength="64" autocomplete="username" spellcheck="false"></label>'
        f'{invited}<p class="wrong" role="alert"></p><button class="btn" disabled>'
        f"{icon('user')} Make an account with a passkey</button></form></section></tm-sign-up>"
    )


def _account() -> str:
    waiting = '<div class="card sk" aria-hidden="true"></div>' * 3
    return (
        '<main id="main" tabindex="-1" class="doc account"><h1>Account</h1>'
        f"{_NEEDS_SCRIPTS}<tm-account>{waiting}</tm-account></main>"
    )
