"""API keys in PostgreSQL; times are those of the database's clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tempmail.model.account import Caller, Scope
from tempmail.model.mailbox import UserOwner
from tempmail.storage.database import Cursor, Database

_IN_FORCE = """
SELECT k.key_hash, k.id, k.user_id, k.scopes, p.requests_per_minute
FROM api_keys k
LEFT JOIN subscriptions s ON s.user_id = k.user_id AND s.ended_at IS NULL
JOIN plans p ON p.name = coalesce(s.plan, 'free')
WHERE k.key_hash = ANY (%s) AND k.revoked_at IS NULL
  AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())
"""


class PostgresKeys:
    """:class:`tempmail.core.ports.KeyStore` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def callers(self, digests: Sequence[bytes]) -> Mapping[bytes, Caller]:
        return await self._database.run(_callers, list(digests))


def _callers(cursor: Cursor, digests: list[bytes]) -> dict[bytes, Caller]:
    cursor.execute(_IN_FORCE, (digests,))
    return {
        bytes(digest): Caller(UserOwner(user), max(map(Scope, scopes), key=_rank), key, rate)
        for digest, key, user, scopes, rate in cursor
    }


def _rank(scope: Scope) -> int:
    return list(Scope).index(scope)
