"""How far each IMAP account has been read, and the lease of the daemon that reads it."""

from __future__ import annotations

from uuid import UUID

from tempmail.core.imap_ports import ImapPosition
from tempmail.storage import once
from tempmail.storage.database import Cursor, Database

_HOLD = """
INSERT INTO imap_cursors AS c (account, owner, lease_until)
VALUES (%(account)s, %(owner)s, clock_timestamp() + %(seconds)s * interval '1 second')
ON CONFLICT (account) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until
WHERE c.owner = excluded.owner OR c.owner IS NULL OR c.lease_until < clock_timestamp()
RETURNING uidvalidity, last_uid, renumbered_below
"""
_MOVE = """
UPDATE imap_cursors
SET uidvalidity = %(uidvalidity)s, last_uid = %(last_uid)s, renumbered_below = %(below)s
WHERE account = %(account)s AND owner = %(owner)s AND lease_until > clock_timestamp()
"""
_TAKEN = """
INSERT INTO deliveries_once (source, key, forget_at)
VALUES (%s, %s, clock_timestamp() + %s * interval '1 day') ON CONFLICT DO NOTHING
"""


class PostgresImapPositions:
    """:class:`tempmail.core.imap_ports.ImapPositions` on a database.

    :param keep_days: for how long what was taken is known by its digest.
    """

    def __init__(self, database: Database, keep_days: int = 31) -> None:
        self._database = database
        self._keep_days = keep_days

    async def hold(self, account: str, owner: UUID, seconds: float) -> ImapPosition | None:
        return await self._database.run(_hold, account, owner, seconds)

    async def move(
        self, account: str, owner: UUID, position: ImapPosition, digest: str | None = None
    ) -> bool:
        return await self._database.run(_move, account, owner, position, digest, self._keep_days)

    async def taken(self, account: str, digest: str) -> bool:
        return bool(await self._database.run(once.known, {(_source(account), digest)}))

    async def release(self, account: str, owner: UUID) -> None:
        await self._database.run(_release, account, owner)


def _hold(cursor: Cursor, account: str, owner: UUID, seconds: float) -> ImapPosition | None:
    cursor.execute(_HOLD, {"account": account, "owner": str(owner), "seconds": seconds})
    row = cursor.fetchone()
    return None if row is None else ImapPosition(*row)


def _move(
    cursor: Cursor,
    account: str,
    owner: UUID,
    position: ImapPosition,
    digest: str | None,
    keep_days: int,
) -> bool:
    cursor.execute(
        _MOVE,
        {
            "account": account,
            "owner": str(owner),
            "uidvalidity": position.uidvalidity,
            "last_uid": position.last_uid,
            "below": position.renumbered_below,
        },
    )
    moved = cursor.rowcount == 1
    if moved and digest is not None:
        cursor.execute(_TAKEN, (_source(account), digest, keep_days))
    return moved


def _release(cursor: Cursor, account: str, owner: UUID) -> None:
    cursor.execute(
        "UPDATE imap_cursors SET owner = NULL WHERE account = %s AND owner = %s",
        (account, str(owner)),
    )


def _source(account: str) -> str:
    return f"imap digest {account}"
