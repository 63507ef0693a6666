"""Whether the database answers."""

from __future__ import annotations

from datetime import datetime

from tempmail.core.shared_health import BUSY
from tempmail.model.errors import Busy, Unavailable
from tempmail.storage.database import Cursor, Database


class PostgresHealth:
    """:class:`tempmail.core.ports.Health` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ping(self) -> datetime:
        """As the port has it.

        :raises Unavailable: with the code ``busy`` where the ping had to be turned away for all
            the others that wait: that says nothing of the database.
        """
        try:
            return await self._database.run(_now)
        except Busy as why:
            raise Unavailable(why.detail, code=BUSY) from None


def _now(cursor: Cursor) -> datetime:
    cursor.execute("SELECT clock_timestamp()")
    (now,) = cursor.fetchone() or (None,)
    assert isinstance(now, datetime)
    return now
