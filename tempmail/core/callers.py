"""Who somebody is, by the credential that they show."""

from __future__ import annotations

import hashlib

from tempmail.core.mailboxes import owner_of
from tempmail.core.ports import KeyStore
from tempmail.model.account import Caller
from tempmail.model.errors import Unauthenticated

KEY_PREFIX = "uct_"
"""Of every API key; no session token begins so but by a chance of one in 16 million."""


class Callers:
    """:param keys: knows the API keys."""

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys

    async def by_token(self, token: str) -> Caller:
        """Whoever holds this session token or API key.

        Whether a session token was ever issued is found out where it is used.

        :raises Unauthenticated: an API key that is unknown, revoked or past its time.
        """
        if not token.startswith(KEY_PREFIX):
            return Caller(owner_of(token))
        digest = key_digest(token)
        caller = (await self._keys.callers([digest])).get(digest)
        if caller is None:
            raise Unauthenticated("this API key is unknown, was revoked or has expired")
        return caller


def key_digest(key: str) -> bytes:
    """What is kept of an API key: its SHA-256, for 32 random bytes need no slower one."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
