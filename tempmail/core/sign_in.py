"""Signing up and in with passkeys: no password is asked for, sent or kept."""

from __future__ import annotations

import enum
import math
import secrets
from collections.abc import Mapping
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tempmail.core.account_ports import Enrolments, SingleUse
from tempmail.core.ceremonies import (
    Credential,
    Place,
    Refuted,
    asserted,
    challenge_in,
    creation_options,
    credential_id,
    registered,
    request_options,
)
from tempmail.core.limits import Rate, TokenBuckets
from tempmail.core.metrics import Metrics
from tempmail.core.tokens import digest, new_token
from tempmail.mail.storable import one_line
from tempmail.model.account import User
from tempmail.model.credentials import Enrolment, Passkey, display_name
from tempmail.model.errors import Forbidden, InvalidInput, LimitReached, TempmailError
from tempmail.model.mailbox import UserOwner

CHALLENGE_SECONDS = 5 * 60

ATTEMPTS = Rate(per_second=0.5, burst=40)
"""Of one network; a sign-in takes two."""

FIRST_PASSKEY = "first passkey"

_REFUSED = "this passkey, or what it signed, was not accepted; begin again"


class SignUp(enum.StrEnum):
    """Who may make an account."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


class SignIn:
    """The ceremonies, each in two steps: a challenge, and the answer to it.

    A challenge is good for five minutes, for one answer, and for the ceremony and the host that
    it was made for; any daemon takes the answer.

    :param policy: who may sign up.
    :param enrolments: knows users and their passkeys.
    :param single_use: keeps challenges.
    :param metrics: counts the outcomes.
    :param clock: for how often a network may try.
    """

    _log = Logger()

    def __init__(
        self,
        policy: SignUp,
        enrolments: Enrolments,
        single_use: SingleUse,
        metrics: Metrics,
        clock: IReactorTime,
    ) -> None:
        self._policy = policy
        self._enrolments = enrolments
        self._single_use = single_use
        self._outcomes = metrics.sign_ins
        self._clock = clock
        self._attempts = TokenBuckets(ATTEMPTS)

    async def begin_sign_up(
        self, place: Place, network: str, name: str, invitation: str | None
    ) -> dict[str, Any]:
        """The options with which a browser makes a new user's first passkey.

        :param name: what the user is to be called.
        :param invitation: a code, where there has to be one.
        :raises Forbidden: nobody may sign up, or nobody without an invitation.
        :raises InvalidInput: nobody can be called so.
        """
        self._attempt(network)
        whose = Enrolment(display_name(name), secrets.token_bytes(32), ())
        code = await self._invited(invitation)
        value = {"name": whose.name, "handle": whose.handle.hex(), "invitation": code}
        return creation_options(place, await self._challenge("sign_up", place, value), whose)

    async def sign_up(
        self, place: Place, network: str, credential: Credential, passkey_name: str | None
    ) -> tuple[User, str]:
        """Make the account that a challenge was for.

        :returns: the user, and the token of the browser that is signed in by this.
        :raises Forbidden: the answer does not hold, or the invitation does no more.
        :raises Conflict: the name was taken meanwhile.
        """
        self._attempt(network)
        challenge, value = await self._taken("sign_up", place, credential)
        try:
            passkey = registered(
                place, challenge, credential, display_name(passkey_name or FIRST_PASSKEY)
            )
        except Refuted as why:
            raise self._refusal("sign_up", why) from None
        token = new_token()
        code = value["invitation"]
        if code is None and self._policy is not SignUp.OPEN:
            raise _closed()  # this daemon has been told otherwise than the one that began
        user = await self._enrolments.sign_up(
            value["name"],
            bytes.fromhex(value["handle"]),
            None if code is None else bytes.fromhex(code),
            passkey,
            digest(token),
        )
        self._done("sign_up", user.id)
        return user, token

    async def begin_sign_in(self, place: Place, network: str) -> dict[str, Any]:
        """The options with which a browser asks for a passkey of this site."""
        self._attempt(network)
        return request_options(place, await self._challenge("sign_in", place, {}))

    async def sign_in(self, place: Place, network: str, credential: Credential) -> tuple[User, str]:
        """:returns: the user, and the token of the browser that is signed in by this.
        :raises Forbidden: the answer does not hold, or the passkey is unknown or copied."""
        self._attempt(network)
        challenge, _ = await self._taken("sign_in", place, credential)
        try:
            passkey = await self._enrolments.known(credential_id(credential))
            if passkey is None:
                raise Refuted("an unknown passkey")
            count = asserted(place, challenge, credential, passkey)
            token = new_token()
            user = await self._enrolments.sign_in(passkey.id, count, digest(token))
            if user is None:
                self._log.warn(
                    "passkey {passkey} may have been copied: its counter went from {before} "
                    "to {now}",
                    passkey=passkey.id,
                    before=passkey.sign_count,
                    now=count,
                )
                raise Refuted("the counter did not move on")
        except Refuted as why:
            raise self._refusal("sign_in", why) from None
        self._done("sign_in", user.id)
        return user, token

    async def begin_passkey(self, place: Place, network: str, owner: UserOwner) -> dict[str, Any]:
        """The options with which a browser makes a further passkey of a user."""
        self._attempt(network)
        whose = await self._enrolments.enrolment(owner)
        value = {"user": owner.user_id}
        return creation_options(place, await self._challenge("passkey", place, value), whose)

    async def add_passkey(
        self,
        place: Place,
        network: str,
        owner: UserOwner,
        credential: Credential,
        name: str,
        added_by: bytes,
        *,
        first_only: bool,
    ) -> Passkey:
        """:param added_by: the digest of the key or the cookie that asks.
        :param first_only: whether it may be added only where there is none.
        :raises Unauthenticated: what asks was ended meanwhile.
        :raises Forbidden: the answer does not hold, or was for another user; or there is a
            passkey, and it was to be the first.
        :raises Conflict: it is known, or there are as many as there may be."""
        self._attempt(network)
        called = display_name(name)
        challenge, value = await self._taken("passkey", place, credential)
        try:
            if value["user"] != owner.user_id:
                raise Refuted("another user's challenge")
            passkey = registered(place, challenge, credential, called)
        except Refuted as why:
            raise self._refusal("passkey", why) from None
        added = await self._enrolments.add_passkey(owner, passkey, added_by, first_only=first_only)
        self._done("passkey", owner.user_id)
        return added

    def _attempt(self, network: str) -> None:
        now = self._clock.seconds()
        wait = self._attempts.wait(network, 1, now)
        if wait:
            raise LimitReached(
                "your network has tried to sign in many times just now; wait a moment",
                retry_after=math.ceil(wait),
            )
        self._attempts.take(network, 1, now)

    async def _invited(self, invitation: str | None) -> str | None:
        """The digest of the invitation, where one is needed."""
        if self._policy is SignUp.CLOSED:
            raise _closed()
        if self._policy is SignUp.OPEN:
            return None
        if invitation is None:
            raise Forbidden(
                "signing up is by invitation; give its code", code="invitation_required"
            )
        code = digest(invitation)
        if not await self._enrolments.invited(code):
            raise Forbidden(
                "this invitation is unknown, was used or has expired; ask for another",
                code="invitation_refused",
            )
        return code.hex()

    async def _challenge(self, ceremony: str, place: Place, value: Mapping[str, Any]) -> bytes:
        challenge = secrets.token_bytes(32)
        await self._single_use.keep(
            digest(challenge.hex()), ceremony, {**value, "host": place.host}, CHALLENGE_SECONDS
        )
        return challenge

    async def _taken(
        self, ceremony: str, place: Place, credential: Credential
    ) -> tuple[bytes, Mapping[str, Any]]:
        """The challenge that this is an answer to, which is used up by that, and its value."""
        try:
            challenge = challenge_in(credential)
            value = await self._single_use.take(digest(challenge.hex()), ceremony)
            if value is None:
                raise Refuted("an unknown or used challenge")
            if value["host"] != place.host:
                raise Refuted("another host's challenge")
        except Refuted as why:
            raise self._refusal(ceremony, why) from None
        return challenge, value

    def _refusal(self, ceremony: str, why: Refuted) -> TempmailError:
        self._outcomes.labels(ceremony, "refused").inc()
        self._log.info("{ceremony} refused: {why}", ceremony=ceremony, why=one_line(str(why), 200))
        return Forbidden(_REFUSED, code="passkey_refused")

    def _done(self, ceremony: str, user: int) -> None:
        self._outcomes.labels(ceremony, "done").inc()
        self._log.info("{ceremony}: user {user}", ceremony=ceremony, user=user)


def _closed() -> TempmailError:
    return Forbidden("nobody may sign up here; ask the operator", code="sign_up_closed")


def checked_host(host: str) -> str:
    """A host for which passkeys can be made.

    :raises InvalidInput: an address rather than a name.
    """
    if not host or ":" in host or host.replace(".", "").isdigit():
        raise InvalidInput("passkeys are made for names; open this site by its name")
    return host
