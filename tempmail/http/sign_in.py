"""Signing up, in and out over HTTP, by passkeys."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from attrs import evolve
from twisted.web.server import Request

from tempmail.core.accounts import AccountDesk
from tempmail.core.ceremonies import Place
from tempmail.core.sign_in import SignIn, checked_host
from tempmail.http.account_shapes import (
    AddPasskey,
    BeginSignUp,
    CeremonyOptions,
    FinishSignIn,
    FinishSignUp,
    Passkey,
    PasskeyList,
    User,
    passkey_of,
    user_of,
)
from tempmail.http.accounts import identity
from tempmail.http.answers import EMPTY, Answer, json
from tempmail.http.cookies import FORGET, remember, session_cookie
from tempmail.http.finishing import to_the_end
from tempmail.http.origins import request_origin
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Returns, Route
from tempmail.http.same_origin import check_same_origin
from tempmail.model import account
from tempmail.model.errors import Conflict, Forbidden, InvalidInput, LimitReached, NotFound

_OPTIONS = {200: Returns(description="For the browser", shape=CeremonyOptions)}
_SIGNED_IN = {
    201: Returns(
        description="Whoever is signed in now",
        shape=User,
        headers={"Set-Cookie": "`__Host-session`, for 30 days"},
    )
}
_REFUSALS = (Forbidden, LimitReached)


class SignInRoutes:
    """:param sign_in: the ceremonies.
    :param desk: where accounts are asked for.
    """

    def __init__(self, sign_in: SignIn, desk: AccountDesk) -> None:
        self._sign_in = sign_in
        self._desk = desk

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [
            Route(
                "POST",
                "/api/v1/users/options",
                self.begin_sign_up,
                "Begin to sign up",
                Access.ANYBODY,
                body=BeginSignUp,
                returns=_OPTIONS,
                refuses=_REFUSALS,
                name="begin_sign_up",
            ),
            Route(
                "POST",
                "/api/v1/users",
                self.sign_up,
                "Sign up with the passkey that the browser made",
                Access.ANYBODY,
                body=FinishSignUp,
                returns=_SIGNED_IN,
                refuses=(*_REFUSALS, Conflict),
                name="sign_up",
            ),
            Route(
                "POST",
                "/api/v1/sessions/options",
                self.begin_sign_in,
                "Begin to sign in",
                Access.ANYBODY,
                body=Nothing,
                returns=_OPTIONS,
                refuses=_REFUSALS,
                name="begin_sign_in",
            ),
            Route(
                "POST",
                "/api/v1/sessions",
                self.enter,
                "Sign in with a passkey",
                Access.ANYBODY,
                body=FinishSignIn,
                returns=_SIGNED_IN,
                refuses=_REFUSALS,
                name="sign_in",
            ),
            Route(
                "DELETE",
                "/api/v1/sessions/current",
                self.sign_out,
                "Sign this browser out",
                Access.ACCOUNT,
                returns={204: Returns(description="It is signed out")},
                refuses=(NotFound,),
                name="sign_out",
            ),
            Route(
                "GET",
                "/api/v1/passkeys",
                self.passkeys,
                "List the passkeys of an account",
                Access.ACCOUNT,
                returns={200: Returns(description="Its passkeys", shape=PasskeyList)},
                name="list_passkeys",
            ),
            Route(
                "POST",
                "/api/v1/passkeys/options",
                self.begin_passkey,
                "Begin to add a passkey",
                Access.ACCOUNT,
                body=Nothing,
                returns=_OPTIONS,
                refuses=(LimitReached,),
                name="begin_passkey",
            ),
            Route(
                "POST",
                "/api/v1/passkeys",
                self.add_passkey,
                "Add the passkey that the browser made",
                Access.ACCOUNT,
                body=AddPasskey,
                returns={201: Returns(description="The passkey", shape=Passkey)},
                refuses=(Conflict, LimitReached),
                name="add_passkey",
            ),
            Route(
                "DELETE",
                "/api/v1/passkeys/<id>",
                self.remove_passkey,
                "Remove a passkey, and sign out wherever it signed in",
                Access.ACCOUNT,
                returns={204: Returns(description="It opens nothing any more")},
                refuses=(Conflict,),
                name="remove_passkey",
            ),
        ]

    async def begin_sign_up(self, ask: Ask[BeginSignUp]) -> Answer:
        name, invitation = ask.given.name, ask.given.invitation
        return json(
            CeremonyOptions(
                publicKey=await self._sign_in.begin_sign_up(
                    _here(ask.request), ask.network, name, invitation
                )
            )
        )

    async def sign_up(self, ask: Ask[FinishSignUp]) -> Answer:
        given, place = ask.given, _here(ask.request)
        signing = self._sign_in.sign_up(place, ask.network, given.credential, given.passkey_name)
        return _signed_in(*await to_the_end(signing))

    async def begin_sign_in(self, ask: Ask[Nothing]) -> Answer:
        place = _here(ask.request)
        return json(
            CeremonyOptions(publicKey=await self._sign_in.begin_sign_in(place, ask.network))
        )

    async def enter(self, ask: Ask[FinishSignIn]) -> Answer:
        place = _here(ask.request)
        signing = self._sign_in.sign_in(place, ask.network, ask.given.credential)
        return _signed_in(*await to_the_end(signing))

    async def sign_out(self, ask: Ask[Nothing]) -> Answer:
        cookie = session_cookie(ask.request)
        if cookie is None or ask.caller.key_id is not None:
            raise NotFound("an API key is not signed in; revoke it, where it should end")
        await to_the_end(self._desk.sign_out(cookie))
        return evolve(EMPTY, headers={"Set-Cookie": FORGET})

    async def passkeys(self, ask: Ask[Nothing]) -> Answer:
        found = await self._desk.passkeys(ask.user)
        return json(PasskeyList(passkeys=[passkey_of(one) for one in found]))

    async def begin_passkey(self, ask: Ask[Nothing]) -> Answer:
        await self._check_may_add(ask)
        place = _here(ask.request)
        beginning = self._sign_in.begin_passkey(place, ask.network, ask.user)
        return json(CeremonyOptions(publicKey=await beginning))

    async def add_passkey(self, ask: Ask[AddPasskey]) -> Answer:
        await self._check_may_add(ask)
        given, place = ask.given, _here(ask.request)
        adding = self._sign_in.add_passkey(
            place,
            ask.network,
            ask.user,
            given.credential,
            given.name,
            ask.credential,
            first_only=ask.caller.key_id is not None,
        )
        return json(passkey_of(await to_the_end(adding)), 201)

    async def remove_passkey(self, ask: Ask[Nothing], id: str) -> Answer:  # noqa: A002  # the path's name
        if ask.caller.key_id is not None:
            raise Forbidden("a key removes no passkey, for it may be stolen: sign in")
        await to_the_end(self._desk.remove_passkey(ask.user, identity(id, "passkey")))
        return EMPTY

    async def _check_may_add(self, ask: Ask[Any]) -> None:
        """Whoever has a key for a while must not be able to stay for good.

        This says so early; storage decides, where of two at once the second sees the first.

        :raises Forbidden: it is a key, and somebody has a passkey.
        """
        if ask.caller.key_id is not None and await self._desk.passkeys(ask.user):
            raise Forbidden("a key adds the first passkey alone: sign in to add another")


def _signed_in(user: account.User, token: str) -> Answer:
    return evolve(json(user_of(user), 201), headers={"Set-Cookie": remember(token)})


def _here(request: Request) -> Place:
    """Where a page of ours is, as its browser sees it.

    Behind a proxy that nobody told us to trust we do not see that the browser speaks TLS; and
    without TLS no browser offers passkeys but for names of its own machine.

    :raises Forbidden: another site's page asks.
    :raises InvalidInput: this site is open by its address.
    """
    check_same_origin(request, browsers_only=False)
    origin = urlsplit(request_origin(request))
    try:
        host = origin.hostname or ""
    except ValueError:
        raise InvalidInput("the Host header is none") from None
    secure = origin._replace(scheme="https").geturl()
    return Place(checked_host(host), (secure, origin.geturl()))
