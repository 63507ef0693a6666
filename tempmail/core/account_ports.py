"""The seams of accounts: what ``core`` asks of storage, in its own words.

As in :mod:`tempmail.core.ports`: everything raises :class:`~tempmail.model.errors.Unavailable`
where the trouble is ours, and what is another's looks as if it were not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from tempmail.model.account import Account, Caller, Scope, User
from tempmail.model.credentials import ApiKey, Enrolment, KnownPasskey, NewPasskey, Passkey
from tempmail.model.mailbox import UserOwner


class KeyStore(Protocol):
    """API keys and signed-in browsers' cookies, of which only digests are known."""

    async def callers(self, digests: Sequence[bytes]) -> Mapping[bytes, Caller]:
        """Who holds the keys and cookies with these SHA-256 digests, of those in force."""

    async def used(self, keys: Sequence[int]) -> None:
        """Note that the keys with these ids were used now, at most once a minute each."""


class Accounts(Protocol):
    """Accounts as their owners handle them."""

    async def account(self, owner: UserOwner) -> Account:
        """Who it is, what they may have and what they have."""

    async def keys(self, owner: UserOwner) -> Sequence[ApiKey]:
        """Those in force, newest first."""

    async def make_key(
        self,
        owner: UserOwner,
        name: str,
        scopes: Sequence[Scope],
        expires_at: datetime | None,
        made_by: bytes,
    ) -> tuple[ApiKey, str]:
        """:param made_by: the digest of the key or the cookie that asks.
        :returns: the key, and its secret, which is kept nowhere.
        :raises Unauthenticated: what asks is good no more, by storage's own look.
        :raises InvalidInput: a value that no key can have.
        :raises Conflict: there are as many as there may be."""

    async def revoke_key(self, owner: UserOwner, identity: int) -> None:
        """:raises NotFound: there is none, or it is another's."""

    async def passkeys(self, owner: UserOwner) -> Sequence[Passkey]:
        """All of them, newest first."""

    async def remove_passkey(self, owner: UserOwner, identity: int) -> None:
        """Remove it, and sign out wherever it signed in.

        :raises NotFound: there is none, or it is another's.
        :raises Conflict: it is the last one."""

    async def sign_out(self, cookie: bytes) -> None:
        """End the session of the browser whose cookie has this digest; twice is once."""


class Enrolments(Protocol):
    """What a sign-up or a sign-in asks of storage."""

    async def invited(self, code_hash: bytes) -> bool:
        """Whether somebody may sign up with the invitation of this digest."""

    async def sign_up(
        self,
        name: str,
        handle: bytes,
        invitation: bytes | None,
        passkey: NewPasskey,
        session: bytes,
    ) -> User:
        """Make an account and sign in to it, all or nothing.

        :param invitation: the digest of one that is used up by this.
        :param session: the digest of the browser's token.
        :raises Conflict: the name is taken, or the passkey is known.
        :raises Forbidden: the invitation is good no more.
        """

    async def known(self, credential_id: bytes) -> KnownPasskey | None:
        """The passkey of this id, whoever's."""

    async def sign_in(self, passkey: int, sign_count: int, session: bytes) -> User | None:
        """Sign in by a passkey; None where it has signed as often or more before, or is gone."""

    async def enrolment(self, owner: UserOwner) -> Enrolment:
        """What a further passkey of a user is made for."""

    async def add_passkey(
        self, owner: UserOwner, passkey: NewPasskey, added_by: bytes, *, first_only: bool
    ) -> Passkey:
        """:param added_by: the digest of the key or the cookie that asks.
        :param first_only: whether it may be added only where there is none.
        :raises Unauthenticated: what asks is good no more, by storage's own look.
        :raises Forbidden: there is one, and it was to be the first.
        :raises Conflict: it is known, or there are as many as there may be."""


class SingleUse(Protocol):
    """What is good for one use within moments, on whichever daemon."""

    async def keep(
        self, digest: bytes, purpose: str, value: Mapping[str, Any], seconds: float
    ) -> datetime:
        """Keep ``value`` under a digest; until when it is good."""

    async def take(self, digest: bytes, purpose: str) -> Mapping[str, Any] | None:
        """What was kept, for the first who asks in time; None for everybody else."""
