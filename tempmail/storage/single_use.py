"""What is good for one use within moments, in PostgreSQL, so that every daemon knows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg2.extras import Json

from tempmail.storage.database import Cursor, Database

_KEEP = """
INSERT INTO single_use (token_hash, purpose, value, expires_at)
VALUES (%s, %s, %s, clock_timestamp() + %s * interval '1 second') RETURNING expires_at
"""
_TAKE = """
DELETE FROM single_use WHERE token_hash = %s AND purpose = %s
RETURNING value, expires_at > clock_timestamp()
"""


class PostgresSingleUse:
    """:class:`tempmail.core.account_ports.SingleUse` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(
        self, digest: bytes, purpose: str, value: Mapping[str, Any], seconds: float
    ) -> datetime:
        return await self._database.run(_keep, digest, purpose, value, seconds)

    async def take(self, digest: bytes, purpose: str) -> Mapping[str, Any] | None:
        return await self._database.run(_take, digest, purpose)


def _keep(
    cursor: Cursor, digest: bytes, purpose: str, value: Mapping[str, Any], seconds: float
) -> datetime:
    cursor.execute(_KEEP, (digest, purpose, Json(value), seconds))
    (expires_at,) = cursor.fetchone() or (None,)
    assert isinstance(expires_at, datetime)
    return expires_at


def _take(cursor: Cursor, digest: bytes, purpose: str) -> Mapping[str, Any] | None:
    cursor.execute(_TAKE, (digest, purpose))
    row = cursor.fetchone()
    if row is None:
        return None
    value, in_time = row
    return value if in_time else None
