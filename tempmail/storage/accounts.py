"""Accounts in PostgreSQL, as their owners handle them; the user is a predicate everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tempmail.model.account import Account, Scope
from tempmail.model.credentials import ApiKey, Passkey
from tempmail.model.mailbox import UserOwner
from tempmail.storage.database import Cursor, Database
from tempmail.storage.keys import list_keys, make_key, revoke_key
from tempmail.storage.passkeys import list_passkeys, remove_passkey, sign_out
from tempmail.storage.plans import plan_of
from tempmail.storage.users import usage, user


class PostgresAccounts:
    """:class:`tempmail.core.account_ports.Accounts` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def account(self, owner: UserOwner) -> Account:
        return await self._database.run(_account, owner.user_id)

    async def keys(self, owner: UserOwner) -> Sequence[ApiKey]:
        return await self._database.run(list_keys, owner.user_id)

    async def make_key(
        self,
        owner: UserOwner,
        name: str,
        scopes: Sequence[Scope],
        expires_at: datetime | None,
        made_by: bytes,
    ) -> tuple[ApiKey, str]:
        return await self._database.run(make_key, owner.user_id, name, scopes, expires_at, made_by)

    async def revoke_key(self, owner: UserOwner, identity: int) -> None:
        await self._database.run(revoke_key, owner.user_id, identity)

    async def passkeys(self, owner: UserOwner) -> Sequence[Passkey]:
        return await self._database.run(list_passkeys, owner.user_id)

    async def remove_passkey(self, owner: UserOwner, identity: int) -> None:
        await self._database.run(remove_passkey, owner.user_id, identity)

    async def sign_out(self, cookie: bytes) -> None:
        await self._database.run(sign_out, cookie)


def _account(cursor: Cursor, owner: int) -> Account:
    return Account(user(cursor, owner), plan_of(cursor, owner), usage(cursor, owner))
