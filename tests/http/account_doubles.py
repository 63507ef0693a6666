"""The ports of accounts in memory, as honest about ownership and absence as the real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import define, evolve

from tempmail.core.tokens import SHOWN, digest, new_key
from tempmail.model.account import Account, Caller, Plan, Scope, Usage, User
from tempmail.model.credentials import ApiKey, Enrolment, KnownPasskey, NewPasskey, Passkey
from tempmail.model.errors import Conflict, Forbidden, NotFound, Unauthenticated
from tempmail.model.mailbox import UserOwner
from tests.http.doubles import NOW, MemoryApiKeys

FREE = Plan("free", 25, 500, 60, 10080, 25 * 1024**2, 600)


@define
class _Kept:
    user: int
    passkey: NewPasskey


class MemoryAccounts:
    """Accounts and Enrolments.

    :param keys: gets the cookies of those who sign in.
    :ivar ended: digests of credentials that another daemon has ended.
    """

    def __init__(self, keys: MemoryApiKeys) -> None:
        self._keys = keys
        self.users = {1: (User(1, "ann", NOW), b"a" * 32), 2: (User(2, "bob", NOW), b"b" * 32)}
        self.api_keys: dict[int, tuple[int, ApiKey, bytes]] = {}
        self.kept: dict[int, _Kept] = {}
        self.invitations: set[bytes] = set()
        self.ended: set[bytes] = set()

    # Accounts

    async def account(self, owner: UserOwner) -> Account:
        return Account(self.users[owner.user_id][0], FREE, Usage(2, 7))

    async def keys(self, owner: UserOwner) -> Sequence[ApiKey]:
        found = [key for user, key, _ in self.api_keys.values() if user == owner.user_id]
        return found[::-1]

    async def make_key(
        self,
        owner: UserOwner,
        name: str,
        scopes: Sequence[Scope],
        expires_at: datetime | None,
        made_by: bytes,
    ) -> tuple[ApiKey, str]:
        self._check_in_force(made_by)
        secret, number = new_key(), len(self.api_keys) + 1
        key = ApiKey(number, secret[:SHOWN], name, tuple(scopes), NOW, expires_at, None)
        self.api_keys[number] = (owner.user_id, key, digest(secret))
        return key, secret

    async def revoke_key(self, owner: UserOwner, identity: int) -> None:
        if self.api_keys.get(identity, (None,))[0] != owner.user_id:
            raise NotFound("there is no such key, or it is not yours")
        del self.api_keys[identity]

    async def passkeys(self, owner: UserOwner) -> Sequence[Passkey]:
        return [
            Passkey(number, kept.passkey.name, NOW, None)
            for number, kept in reversed(self.kept.items())
            if kept.user == owner.user_id
        ]

    async def remove_passkey(self, owner: UserOwner, identity: int) -> None:
        if identity not in {one.id for one in await self.passkeys(owner)}:
            raise NotFound("there is no such passkey, or it is not yours")
        del self.kept[identity]

    async def sign_out(self, cookie: bytes) -> None:
        self._keys.known.pop(cookie, None)

    # Enrolments

    def _begin(self, session: bytes, user: int) -> None:
        self._keys.known[session] = Caller(UserOwner(user), digest=session)

    async def invited(self, code_hash: bytes) -> bool:
        return code_hash in self.invitations

    async def sign_up(
        self,
        name: str,
        handle: bytes,
        invitation: bytes | None,
        passkey: NewPasskey,
        session: bytes,
    ) -> User:
        if name in {user.name for user, _ in self.users.values()}:
            raise Conflict("somebody is called so already", code="name_taken")
        if invitation is not None:
            if invitation not in self.invitations:
                raise Forbidden("used", code="invitation_refused")
            self.invitations.remove(invitation)
        user = User(len(self.users) + 1, name, NOW)
        self.users[user.id] = (user, handle)
        self.kept[len(self.kept) + 1] = _Kept(user.id, passkey)
        self._begin(session, user.id)
        return user

    async def known(self, credential_id: bytes) -> KnownPasskey | None:
        for number, kept in self.kept.items():
            if kept.passkey.credential_id == credential_id:
                handle = self.users[kept.user][1]
                return KnownPasskey(
                    number, handle, kept.passkey.public_key, kept.passkey.sign_count
                )
        return None

    async def sign_in(self, passkey: int, sign_count: int, session: bytes) -> User | None:
        kept = self.kept[passkey]
        if not (kept.passkey.sign_count < sign_count or kept.passkey.sign_count == sign_count == 0):
            return None
        kept.passkey = evolve(kept.passkey, sign_count=sign_count)
        self._begin(session, kept.user)
        return self.users[kept.user][0]

    async def enrolment(self, owner: UserOwner) -> Enrolment:
        user, handle = self.users[owner.user_id]
        known = [k.passkey.credential_id for k in self.kept.values() if k.user == owner.user_id]
        return Enrolment(user.name, handle, tuple(known))

    def _check_in_force(self, shown: bytes) -> None:
        if shown in self.ended:
            raise Unauthenticated("this credential was good, and is no more")

    async def add_passkey(
        self, owner: UserOwner, passkey: NewPasskey, added_by: bytes, *, first_only: bool
    ) -> Passkey:
        self._check_in_force(added_by)
        if first_only and await self.passkeys(owner):
            raise Forbidden("a key adds the first passkey alone")
        number = len(self.kept) + 1
        self.kept[number] = _Kept(owner.user_id, passkey)
        return Passkey(number, passkey.name, NOW, None)


class MemorySingleUse:
    """What is good for one use."""

    def __init__(self) -> None:
        self.kept: dict[tuple[bytes, str], Mapping[str, Any]] = {}

    async def keep(
        self, digest: bytes, purpose: str, value: Mapping[str, Any], seconds: float
    ) -> datetime:
        self.kept[digest, purpose] = value
        return NOW + timedelta(seconds=seconds)

    async def take(self, digest: bytes, purpose: str) -> Mapping[str, Any] | None:
        return self.kept.pop((digest, purpose), None)
