"""Mailboxes in PostgreSQL; the owner is a predicate of every statement."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from tempmail.mail.storable import storable
from tempmail.model.errors import AddressUnavailable, LimitReached, NotFound, Unauthenticated
from tempmail.model.mailbox import Mailbox, NewMailbox, OwnerType, SessionOwner
from tempmail.storage.database import Cursor, Database

_COLUMNS = "id, address, owner_type, created_at, expires_at, bucket, message_count, last_seq"
_FIND = f"""
SELECT {_COLUMNS} FROM mailboxes
WHERE address = %(address)s AND session_token_hash = %(token_hash)s
  AND is_active AND expires_at > clock_timestamp()
"""  # noqa: S608  # only our own column names
_LIVING = f"""
SELECT {_COLUMNS} FROM mailboxes WHERE id = %s AND is_active AND expires_at > clock_timestamp()
"""  # noqa: S608
_LIVING_OF_CLIENT = """
SELECT count(*), extract(epoch FROM min(expires_at) - clock_timestamp())::integer
FROM mailboxes
WHERE client = %s AND is_active AND expires_at > clock_timestamp()
"""
_INSERT = f"""
INSERT INTO mailboxes
    (address, owner_type, session_token_hash, client, created_at, expires_at, bucket)
VALUES (%s, 'anonymous', %s, %s, %s, %s, %s)
ON CONFLICT (address) WHERE is_active DO NOTHING
RETURNING {_COLUMNS}
"""  # noqa: S608
_EVER_ISSUED = """
SELECT EXISTS (SELECT FROM mailboxes WHERE session_token_hash = %(token_hash)s)
    OR EXISTS (SELECT FROM tombstones WHERE session_token_hash = %(token_hash)s)
"""
_EXPIRY = """
SELECT at, expires_at, bucket_of(expires_at, at) FROM (
    SELECT at, at + least(coalesce(%s, default_ttl_minutes), max_ttl_minutes)
               * interval '1 minute' AS expires_at
    FROM plans, (SELECT clock_timestamp() AS at) AS now WHERE name = 'anonymous') AS allowed
"""
_MOVE_MESSAGES = """
UPDATE messages SET bucket = %(to)s, expires_at = %(expires_at)s
WHERE mailbox_id = %(id)s AND bucket = %(from)s
"""
_EXTEND = f"""
UPDATE mailboxes SET expires_at = %s, bucket = %s WHERE id = %s RETURNING {_COLUMNS}
"""  # noqa: S608
# Its tombstone is there from the moment at which the address is free; a public address has
# none, for it goes to whoever asks next.
END = """
WITH ended AS (
    UPDATE mailboxes SET is_active = false WHERE id = ANY (%s)
    RETURNING id, address, session_token_hash, owner_type),
buried AS (
    INSERT INTO tombstones (address_hash, session_token_hash)
    SELECT sha256(convert_to(address, 'UTF8')), session_token_hash FROM ended
    WHERE owner_type <> 'public'
    ON CONFLICT (address_hash) DO UPDATE
    SET session_token_hash = excluded.session_token_hash, released_at = excluded.released_at)
SELECT id FROM ended
"""


class PostgresMailboxes:
    """:class:`tempmail.core.ports.Mailboxes` on a database.

    :param tombstone_days: for how long a released address is given to nobody else.
    """

    def __init__(self, database: Database, tombstone_days: int = 30) -> None:
        self._database = database
        self._tombstone = timedelta(days=tombstone_days)

    async def create(self, new: NewMailbox) -> Mailbox:
        return await self._database.run(_create, new, self._tombstone)

    async def get(self, address: str, owner: SessionOwner) -> Mailbox:
        return await self._database.run(find, address, owner)

    async def extend(self, address: str, owner: SessionOwner, ttl_minutes: int) -> Mailbox:
        return await self._database.run(_extend, address, owner, ttl_minutes)

    async def delete(self, address: str, owner: SessionOwner) -> Mailbox:
        return await self._database.run(_delete, address, owner)


def address_hash(address: str) -> bytes:
    """What is kept of a released address."""
    return hashlib.sha256(address.encode()).digest()


def find(cursor: Cursor, address: str, owner: SessionOwner, lock: str = "") -> Mailbox:
    """The living mailbox that ``owner`` may open.

    :param lock: a locking clause, against a mailbox that moves to another bucket meanwhile.
    :raises NotFound: none such, or another's.
    :raises Unauthenticated: the token was never issued.
    """
    token = {"token_hash": owner.token_hash}
    cursor.execute(f"{_FIND} {lock}", {"address": storable(address), **token})
    row = cursor.fetchone()
    if row is not None:
        return _mailbox(row)
    cursor.execute(_EVER_ISSUED, token)
    if _value(cursor):
        raise NotFound("there is no such mailbox, or it is not yours")
    raise Unauthenticated("this session token is unknown; create a mailbox to get one")


def living(cursor: Cursor, identity: int) -> Mailbox:
    """The living mailbox with this id, whose owner has been established before.

    :raises NotFound: it has ended.
    """
    cursor.execute(_LIVING, (identity,))
    row = cursor.fetchone()
    if row is None:
        raise NotFound("the mailbox has ended")
    return _mailbox(row)


def _create(cursor: Cursor, new: NewMailbox, tombstone: timedelta) -> Mailbox:
    cursor.execute("SELECT max_mailboxes FROM plans WHERE name = 'anonymous'")
    most = _value(cursor)
    if most != -1:
        # Creations of one client take turns, so that none slips past the count.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", (new.client,))
        cursor.execute(_LIVING_OF_CLIENT, (new.client,))
        count, seconds = _row(cursor)
        if count >= most:
            raise LimitReached(
                f"your network has {count} mailboxes, as many as it may; delete one or wait",
                retry_after=max(1, seconds or 1),
            )
    cursor.execute(_EXPIRY, (new.ttl_minutes,))
    now, expires_at, bucket = _row(cursor)
    cursor.execute("SELECT ensure_partition(%s)", (bucket,))
    cursor.execute(_INSERT, (new.address, new.token_hash, new.client, now, expires_at, bucket))
    row = cursor.fetchone()
    if row is None:
        raise AddressUnavailable("this address is taken; ask for another")
    # Only now: whoever held the address may have ended it while the insert waited.
    cursor.execute(
        "SELECT EXISTS (SELECT FROM tombstones WHERE address_hash = %s"
        " AND released_at > clock_timestamp() - %s)",
        (address_hash(new.address), tombstone),
    )
    if _value(cursor):
        raise AddressUnavailable("this address was in use until recently; ask for another")
    return _mailbox(row)


def _extend(cursor: Cursor, address: str, owner: SessionOwner, ttl_minutes: int) -> Mailbox:
    mailbox = find(cursor, address, owner, "FOR UPDATE")
    cursor.execute(_EXPIRY, (ttl_minutes,))
    _, expires_at, bucket = _row(cursor)
    if bucket != mailbox.bucket:
        cursor.execute("SELECT ensure_partition(%s)", (bucket,))
        cursor.execute(
            _MOVE_MESSAGES,
            {"id": mailbox.id, "from": mailbox.bucket, "to": bucket, "expires_at": expires_at},
        )
    cursor.execute(_EXTEND, (expires_at, bucket, mailbox.id))
    return _mailbox(_row(cursor))


def _delete(cursor: Cursor, address: str, owner: SessionOwner) -> Mailbox:
    mailbox = find(cursor, address, owner, "FOR UPDATE")
    cursor.execute(END, ([mailbox.id],))
    return mailbox


def _mailbox(row: tuple[Any, ...]) -> Mailbox:
    identity, address, owner_type, *rest = row
    return Mailbox(identity, address, OwnerType(owner_type), *rest)


def _row(cursor: Cursor) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None
    return row


def _value(cursor: Cursor) -> Any:
    return _row(cursor)[0]
