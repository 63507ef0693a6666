"""Mailboxes in PostgreSQL; the owner is a predicate of every statement."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tempmail.model.errors import AddressUnavailable, LimitReached
from tempmail.model.mailbox import Made, Mailbox, NewMailbox, Owner, SessionOwner, UserOwner
from tempmail.storage.database import Cursor, Database
from tempmail.storage.finding import COLUMNS, find, mailbox_of

# Of whoever holds the session token of a mailbox, or of a user.
_PLAN = """
FROM plans WHERE name = CASE WHEN %(user)s::bigint IS NULL THEN 'anonymous'
    ELSE coalesce((SELECT plan FROM subscriptions
                   WHERE user_id = %(user)s AND ended_at IS NULL), 'free') END
"""
_LIVING_OF = """
SELECT count(*), extract(epoch FROM min(expires_at) - clock_timestamp())::integer
FROM mailboxes WHERE {} AND is_active AND expires_at > clock_timestamp()
"""
_WISHED = f"""
SELECT {COLUMNS}, wish_salt, expires_at > clock_timestamp()
FROM mailboxes WHERE wish_hash = %s AND is_active FOR UPDATE
"""  # noqa: S608  # only our own column names
# The tombstones are looked for in a statement of its own, sent along: whoever held the address may
# have ended it while the insert waited.
_INSERT = f"""
INSERT INTO mailboxes
    (address, owner_type, owner_id, session_token_hash, client, created_at, expires_at, bucket,
     wish_hash, wish_salt)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (address) WHERE is_active DO NOTHING;
SELECT {COLUMNS}, EXISTS (
    SELECT FROM tombstones
    WHERE address_hash = %s AND released_at > clock_timestamp() - %s)
FROM mailboxes WHERE address = %s AND is_active AND xmin = pg_current_xact_id()::xid
"""  # noqa: S608
_EXPIRY = f"""
SELECT at, expires_at, bucket, ensure_partition(bucket) FROM (
    SELECT at, expires_at, bucket_of(expires_at, at) AS bucket FROM (
        SELECT at, at + least(coalesce(%(ttl)s, default_ttl_minutes), max_ttl_minutes)
                   * interval '1 minute' AS expires_at
        FROM (SELECT * {_PLAN}) AS plan, (SELECT clock_timestamp() AS at OFFSET 0) AS now)
    AS allowed OFFSET 0) AS life
"""  # noqa: S608
_MOVE_MESSAGES = """
UPDATE messages SET bucket = %(to)s, expires_at = %(expires_at)s
WHERE mailbox_id = %(id)s AND bucket = %(from)s
"""
_EXTEND = f"""
UPDATE mailboxes SET expires_at = %s, bucket = %s WHERE id = %s RETURNING {COLUMNS}
"""  # noqa: S608
_LIST = f"""
SELECT {COLUMNS} FROM mailboxes
WHERE owner_id = %(user)s AND (%(below)s::bigint IS NULL OR id < %(below)s)
  AND is_active AND expires_at > clock_timestamp()
ORDER BY id DESC LIMIT %(limit)s
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

    async def create(self, new: NewMailbox) -> Made:
        return await self._database.run(_create, new, self._tombstone)

    async def get(self, address: str, owner: Owner) -> Mailbox:
        return await self._database.singly(find, address, owner)

    async def of_user(
        self, owner: UserOwner, *, limit: int, below: int | None
    ) -> Sequence[Mailbox]:
        return await self._database.singly(_of_user, owner, limit, below)

    async def extend(self, address: str, owner: Owner, ttl_minutes: int) -> Mailbox:
        return await self._database.run(_extend, address, owner, ttl_minutes)

    async def delete(self, address: str, owner: Owner) -> Mailbox:
        return await self._database.run(_delete, address, owner)


def address_hash(address: str) -> bytes:
    """What is kept of a released address."""
    return hashlib.sha256(address.encode()).digest()


def _create(cursor: Cursor, new: NewMailbox, tombstone: timedelta) -> Made:
    user = {"user": _user(new.owner)}
    cursor.execute(f"SELECT max_mailboxes {_PLAN}", user)
    most = _value(cursor)
    if most != -1 or new.wish is not None:
        # Creations of one client or user take turns, so that none slips past the count, and
        # of two that are the same wish the second finds the first.
        whose = new.client if user["user"] is None else f"user {user['user']}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", (whose,))
    if new.wish is not None and (made := _made_before(cursor, new.wish.digest)):
        return made
    if most != -1:
        _check_room(cursor, new, most)
    cursor.execute(_EXPIRY, {**user, "ttl": new.ttl_minutes})
    now, expires_at, bucket, _ = _row(cursor)
    token_hash = new.owner.token_hash if isinstance(new.owner, SessionOwner) else None
    digest, salt = (new.wish.digest, new.wish.salt) if new.wish is not None else (None, None)
    asked = (new.address, new.owner_type.value, user["user"], token_hash, new.client)
    late = (address_hash(new.address), tombstone, new.address)
    cursor.execute(_INSERT, (*asked, now, expires_at, bucket, digest, salt, *late))
    row = cursor.fetchone()
    if row is None:
        raise AddressUnavailable("this address is taken; ask for another")
    *columns, in_use_until_recently = row
    if in_use_until_recently:
        raise AddressUnavailable("this address was in use until recently; ask for another")
    return Made(mailbox_of(tuple(columns)), salt)


def _made_before(cursor: Cursor, digest: bytes) -> Made | None:
    cursor.execute(_WISHED, (digest,))
    row = cursor.fetchone()
    if row is None:
        return None
    *columns, salt, lives = row
    mailbox = mailbox_of(tuple(columns))
    if lives:
        return Made(mailbox, None if salt is None else bytes(salt))
    cursor.execute(END, ([mailbox.id],))
    return None


def _check_room(cursor: Cursor, new: NewMailbox, most: int) -> None:
    """:raises LimitReached: there are as many as the plan allows."""
    if isinstance(new.owner, UserOwner):
        cursor.execute(_LIVING_OF.format("owner_id = %s"), (new.owner.user_id,))
        whose = "your account"
    else:
        cursor.execute(_LIVING_OF.format("owner_id IS NULL AND client = %s"), (new.client,))
        whose = "your network"
    count, seconds = _row(cursor)
    if count >= most:
        raise LimitReached(
            f"{whose} has {count} mailboxes, as many as it may; delete one or wait",
            retry_after=max(1, seconds or 1),
        )


def _of_user(cursor: Cursor, owner: UserOwner, limit: int, below: int | None) -> list[Mailbox]:
    cursor.execute(_LIST, {"user": owner.user_id, "limit": limit, "below": below})
    return [mailbox_of(row) for row in cursor]


def _extend(cursor: Cursor, address: str, owner: Owner, ttl_minutes: int) -> Mailbox:
    mailbox = find(cursor, address, owner, "FOR UPDATE")
    cursor.execute(_EXPIRY, {"user": _user(owner), "ttl": ttl_minutes})
    _, expires_at, bucket, _ = _row(cursor)
    if bucket != mailbox.bucket:
        cursor.execute(
            _MOVE_MESSAGES,
            {"id": mailbox.id, "from": mailbox.bucket, "to": bucket, "expires_at": expires_at},
        )
    cursor.execute(_EXTEND, (expires_at, bucket, mailbox.id))
    return mailbox_of(_row(cursor))


def _delete(cursor: Cursor, address: str, owner: Owner) -> Mailbox:
    mailbox = find(cursor, address, owner, "FOR UPDATE")
    cursor.execute(END, ([mailbox.id],))
    return mailbox


def _user(owner: Owner) -> int | None:
    """Whose plan counts; None for the anonymous one."""
    return owner.user_id if isinstance(owner, UserOwner) else None


def _row(cursor: Cursor) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None
    return row


def _value(cursor: Cursor) -> Any:
    return _row(cursor)[0]
