"""An account as its owner handles it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tempmail.core.account_ports import Accounts
from tempmail.core.keyring import Keyring
from tempmail.core.tokens import digest
from tempmail.model.account import Account, Scope
from tempmail.model.credentials import ApiKey, Passkey, display_name
from tempmail.model.errors import InvalidInput
from tempmail.model.mailbox import UserOwner


class AccountDesk:
    """:param accounts: keeps them.
    :param keyring: hears what opens nothing any more.
    """

    def __init__(self, accounts: Accounts, keyring: Keyring) -> None:
        self._accounts = accounts
        self._keyring = keyring

    async def account(self, owner: UserOwner) -> Account:
        """Who it is, what they may have and what they have."""
        return await self._accounts.account(owner)

    async def keys(self, owner: UserOwner) -> Sequence[ApiKey]:
        """Those in force, newest first."""
        return await self._accounts.keys(owner)

    async def make_key(
        self,
        owner: UserOwner,
        name: str,
        scopes: Sequence[Scope],
        expires_at: datetime | None,
        made_by: bytes,
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which is shown this once.

        :param expires_at: in the future; None for a key that stays until it is revoked.
        :param made_by: the digest of the key or the cookie that asks; the new one does not outlive
            such a key.
        :raises Unauthenticated: what asks was ended meanwhile.
        :raises InvalidInput: a value that no key can have.
        :raises Conflict: there are as many as there may be.
        """
        if expires_at is not None and expires_at.tzinfo is None:
            raise InvalidInput("expires_at: says its offset from UTC, such as Z")
        return await self._accounts.make_key(owner, display_name(name), scopes, expires_at, made_by)

    async def revoke_key(self, owner: UserOwner, identity: int) -> None:
        """End a key: here at once, on every daemon within a second.

        :raises NotFound: there is none, or it is another's.
        """
        await self._accounts.revoke_key(owner, identity)
        self._keyring.forget(lambda caller: caller.key_id == identity)

    async def passkeys(self, owner: UserOwner) -> Sequence[Passkey]:
        """All of them, newest first."""
        return await self._accounts.passkeys(owner)

    async def remove_passkey(self, owner: UserOwner, identity: int) -> None:
        """Remove it, and sign out wherever it signed in.

        :raises NotFound: there is none, or it is another's.
        :raises Conflict: it is the only one.
        """
        await self._accounts.remove_passkey(owner, identity)
        self._keyring.forget(lambda caller: caller.owner == owner)

    async def sign_out(self, cookie: str) -> None:
        """Sign out the browser with this cookie."""
        ended = digest(cookie)
        await self._accounts.sign_out(ended)
        self._keyring.forget(lambda caller: caller.digest == ended)
