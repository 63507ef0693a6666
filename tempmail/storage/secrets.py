"""The daemons' own keys in PostgreSQL; times are those of the database's clock."""

from __future__ import annotations

import secrets

from tempmail.core.signing import SigningKey
from tempmail.storage.database import Cursor, Database

_FORGET = "DELETE FROM secrets WHERE created_at < clock_timestamp() - interval '2 days'"
_YOUNG = """
SELECT EXISTS (SELECT FROM secrets
               WHERE purpose = %s AND created_at > clock_timestamp() - interval '1 day')
"""
_ALL = "SELECT id, secret FROM secrets WHERE purpose = %s ORDER BY created_at DESC, id DESC"


class PostgresSecrets:
    """:class:`tempmail.core.signing.SigningKeys` on a database.

    :param purpose: what the keys are for; those of another purpose are others.
    """

    def __init__(self, database: Database, purpose: str) -> None:
        self._database = database
        self._purpose = purpose

    async def signing_keys(self) -> list[SigningKey]:
        return await self._database.run(_signing_keys, self._purpose)


def _signing_keys(cursor: Cursor, purpose: str) -> list[SigningKey]:
    if not _has_young(cursor, purpose):
        # Daemons that find this out together take turns, so that one of them makes the key.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('tempmail secrets', 0))")
        if not _has_young(cursor, purpose):
            cursor.execute(_FORGET)
            cursor.execute(
                "INSERT INTO secrets (purpose, secret) VALUES (%s, %s)",
                (purpose, secrets.token_bytes(32)),
            )
    cursor.execute(_ALL, (purpose,))
    return [SigningKey(identity, bytes(secret)) for identity, secret in cursor]


def _has_young(cursor: Cursor, purpose: str) -> bool:
    cursor.execute(_YOUNG, (purpose,))
    row = cursor.fetchone()
    assert row is not None
    return bool(row[0])
