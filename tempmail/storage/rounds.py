"""What a daemon reads in PostgreSQL about the others; times are those of the database's clock."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from uuid import UUID

from tempmail.core.ports import News, Place
from tempmail.model.event import Event, EventKind
from tempmail.storage.database import Cursor, Database

# Not worth a wait for the disk: it is said again in two seconds.
_NOT_DURABLE = "SET LOCAL synchronous_commit = off"
_HERE = """
INSERT INTO daemons AS d (name, tells_all) VALUES (%(name)s, %(tells_all)s)
ON CONFLICT (name) DO UPDATE SET tells_all = excluded.tells_all, seen_at = excluded.seen_at
"""
_GONE = "DELETE FROM daemons WHERE seen_at < clock_timestamp() - interval '1 minute'"
_OTHERS = """
SELECT name, tells_all FROM daemons
WHERE name <> %(name)s AND seen_at > clock_timestamp() - interval '10 seconds'
"""
# One look-up by index for each place, whatever the planner believes of the tables.
_BY_INDEX = "SET LOCAL enable_seqscan = off"
_NEWS = """
SELECT p.mailbox_id, m.id IS NULL, coalesce(m.last_seq, 0),
       coalesce(m.last_seq - m.message_count, 0)
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS p (mailbox_id, last_seq, deletions)
LEFT JOIN LATERAL (
    SELECT id, last_seq, message_count FROM mailboxes
    WHERE id = p.mailbox_id AND is_active AND expires_at > (SELECT clock_timestamp())
    LIMIT 1) AS m ON true
WHERE m.id IS NULL OR m.last_seq > p.last_seq OR m.last_seq - m.message_count > p.deletions
"""
_DELETED = """
SELECT d.mailbox_id, d.message_id, d.ordinal
FROM unnest(%s::bigint[], %s::bigint[]) AS p (mailbox_id, deletions)
CROSS JOIN LATERAL (
    SELECT * FROM deletions
    WHERE mailbox_id = p.mailbox_id AND ordinal > p.deletions ORDER BY ordinal LIMIT %s) AS d
ORDER BY d.mailbox_id, d.ordinal
"""
_MOST_DELETED = 500
"""Of one mailbox, in one round."""


class PostgresRounds:
    """:class:`tempmail.core.ports.RoundStore` on a database.

    :ivar name: of this daemon among the others, new with each start.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.name = secrets.token_hex(8)

    async def meet(self, tells_all: bool) -> tuple[frozenset[str], bool]:
        return await self._database.run(_meet, self.name, tells_all)

    async def leave(self) -> None:
        await self._database.run(_leave, self.name)

    async def news(self, places: Sequence[Place]) -> Sequence[News]:
        return await self._database.run(_news, places)


def _meet(cursor: Cursor, name: str, tells_all: bool) -> tuple[frozenset[str], bool]:
    cursor.execute(_NOT_DURABLE)
    cursor.execute(_HERE, {"name": name, "tells_all": tells_all})
    cursor.execute(_GONE)
    cursor.execute(_OTHERS, {"name": name})
    others = dict(cursor.fetchall())
    return frozenset(others), all(others.values())


def _leave(cursor: Cursor, name: str) -> None:
    cursor.execute("DELETE FROM daemons WHERE name = %s", (name,))


def _news(cursor: Cursor, places: Sequence[Place]) -> list[News]:
    known = {place.mailbox_id: place.deletions for place in places}
    cursor.execute(_BY_INDEX)
    cursor.execute(
        _NEWS,
        (
            [place.mailbox_id for place in places],
            [place.last_seq for place in places],
            [place.deletions for place in places],
        ),
    )
    changed = cursor.fetchall()
    living = [mailbox_id for mailbox_id, ended, *_ in changed if not ended]
    deleted: dict[int, list[Event]] = {}
    if living:
        marks = [known[mailbox_id] for mailbox_id in living]
        cursor.execute(_DELETED, (living, marks, _MOST_DELETED))
        for mailbox_id, message_id, ordinal in cursor:
            which = None if message_id is None else UUID(message_id)
            event = Event(EventKind.DELETED, mailbox_id, which, ordinal)
            deleted.setdefault(mailbox_id, []).append(event)
    return [
        News(mailbox_id, ended, last_seq, deletions, deleted.get(mailbox_id, ()))
        for mailbox_id, ended, last_seq, deletions in changed
    ]
