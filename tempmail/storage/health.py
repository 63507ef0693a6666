"""Whether the database answers."""

from __future__ import annotations

from datetime import datetime

from tempmail.storage.database import Cursor, Database


class PostgresHealth:
    """:class:`tempmail.core.ports.Health` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ping(self) -> datetime:
        return await self._database.run(_now)


def _now(cursor: Cursor) -> datetime:
    cursor.execute("SELECT clock_timestamp()")
    (now,) = cursor.fetchone() or (None,)
    assert isinstance(now, datetime)
    return now
