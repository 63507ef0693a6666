"""What the sweeper does in PostgreSQL: short statements that step around everybody else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg2.errors

from tempmail.storage import once
from tempmail.storage.database import Cursor, Database
from tempmail.storage.forgetting import forget_credentials
from tempmail.storage.mailboxes import END
from tempmail.storage.public_sweeping import free_public

# The clock is asked once, as a subselect: a volatile function itself is no index condition.
_PAST_THEIR_TIME = """
SELECT id FROM mailboxes WHERE is_active AND expires_at <= (SELECT clock_timestamp())
ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED
"""
_ENDED_WITH_MESSAGES = """
SELECT id, bucket FROM mailboxes
WHERE NOT is_active AND message_count > 0 AND bucket >= %s
ORDER BY bucket, id LIMIT %s FOR UPDATE SKIP LOCKED
"""
# By ctid, which is unique in the one partition that the bucket names; ARRAY is evaluated once.
_FREE = """
DELETE FROM messages WHERE bucket = %(bucket)s AND ctid = ANY (ARRAY(
    SELECT ctid FROM messages
    WHERE bucket = %(bucket)s AND mailbox_id = ANY (%(ids)s) LIMIT %(limit)s))
"""
_RELEASE = """
DELETE FROM mailboxes WHERE id = ANY (ARRAY(
    SELECT id FROM mailboxes WHERE NOT is_active AND (message_count = 0 OR bucket < %s)
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED))
"""
_PARTITIONS = """
SELECT c.relname, i.inhdetachpending FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'messages'::regclass ORDER BY i.inhdetachpending DESC, c.relname
"""
# Detached by a sweep that ended before it could drop them.
_STRAYS = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relname ~ '^messages_[0-9]{10}$' AND NOT relispartition
  AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'messages'::regclass)
"""
_GRACE = timedelta(minutes=1)
"""Longer than any transaction that found a mailbox alive and has yet to write its messages."""

# A step of a sweep belongs to one daemon; a daemon that is stopped in the middle of one loses it
# with its connection, by idle_in_transaction_session_timeout.
_MINE = "SELECT pg_try_advisory_xact_lock(%s)"
_FORGET_DELETIONS = """
DELETE FROM deletions WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM deletions
    WHERE deleted_at < (SELECT clock_timestamp()) - interval '1 hour'
    LIMIT %s FOR UPDATE SKIP LOCKED))
"""
_ONE_SWEEPER = 2_904_166_821_773_004_981  # any number that nobody else locks

_NAME = re.compile(r"messages_(\d{4})(\d\d)(\d\d)(\d\d)\Z")


class PostgresHousekeeping:
    """:class:`tempmail.core.ports.Housekeeping` on a database.

    :param hours_ahead: for how many hours partitions are made before anybody asks.
    :param tombstone_days: for how long the digest of a released address is kept.
    """

    def __init__(self, database: Database, hours_ahead: int = 26, tombstone_days: int = 30) -> None:
        self._database = database
        self._hours_ahead = hours_ahead
        self._tombstone = timedelta(days=tombstone_days)

    async def prepare_partitions(self) -> None:
        for ahead in range(self._hours_ahead):
            await self._database.run(prepare_partition, ahead)

    async def expire_mailboxes(self, limit: int) -> Sequence[int]:
        return await self._database.run(_expire, limit)

    async def free_messages(self, limit: int) -> int:
        freed = await self._database.run(_free, limit)
        return freed or await self._database.run(free_public)

    async def release_mailboxes(self, limit: int) -> int:
        return await self._database.run(_release, limit, self._tombstone)

    async def forget_deletions(self, limit: int) -> int:
        return await self._database.run(_forget_deletions, limit)

    async def drop_partitions(self) -> int:
        return await self._database.singly(_drop_partitions)

    async def forget_deliveries(self, limit: int) -> int:
        return await self._database.run(once.forget, limit)

    async def forget_credentials(self, limit: int) -> int:
        return await self._database.run(forget_credentials, limit)


def prepare_partition(cursor: Cursor, hours_ahead: int) -> None:
    """Make the partition of the hour that ends ``hours_ahead`` hours after the present one."""
    cursor.execute(
        "SELECT ensure_partition(bucket_of(at + %s * interval '1 hour', at))"
        " FROM (SELECT clock_timestamp() AS at) AS now",
        (hours_ahead,),
    )


def _is_mine(cursor: Cursor) -> bool:
    """Whether this step of a sweep is ours: no other daemon sweeps until it is committed."""
    cursor.execute(_MINE, (_ONE_SWEEPER,))
    return cursor.fetchone() == (True,)


def _expire(cursor: Cursor, limit: int) -> list[int]:
    if not _is_mine(cursor):
        return []
    cursor.execute(_PAST_THEIR_TIME, (limit,))
    cursor.execute(END, ([identity for (identity,) in cursor.fetchall()],))
    return [identity for (identity,) in cursor]


def _free(cursor: Cursor, limit: int) -> int:
    """Delete messages of ended mailboxes, one bucket after the other; 0 when none are left."""
    if not _is_mine(cursor):
        return 0
    oldest = _oldest_bucket(cursor)
    while True:
        cursor.execute(_ENDED_WITH_MESSAGES, (oldest, limit))
        buckets: dict[datetime, list[int]] = {}
        for identity, bucket in cursor:
            buckets.setdefault(bucket, []).append(identity)
        freed = 0
        for bucket, ids in buckets.items():
            cursor.execute(_FREE, {"bucket": bucket, "ids": ids, "limit": limit - freed})
            freed += cursor.rowcount
            if freed >= limit:
                break
            cursor.execute("UPDATE mailboxes SET message_count = 0 WHERE id = ANY (%s)", (ids,))
        # The step before may have emptied mailboxes that it did not come to mark as empty.
        if freed or not buckets:
            return freed


def _forget_deletions(cursor: Cursor, limit: int) -> int:
    if not _is_mine(cursor):
        return 0
    cursor.execute(_FORGET_DELETIONS, (limit,))
    return cursor.rowcount


def _release(cursor: Cursor, limit: int, tombstone: timedelta) -> int:
    if not _is_mine(cursor):
        return 0
    cursor.execute(
        "DELETE FROM tombstones WHERE released_at < clock_timestamp() - %s", (tombstone,)
    )
    cursor.execute(_RELEASE, (_oldest_bucket(cursor), limit))
    return cursor.rowcount


def _drop_partitions(cursor: Cursor) -> int:
    """Detach and drop what lies behind; DETACH CONCURRENTLY needs to be outside a transaction."""
    try:
        # A daemon that is stopped in the middle of this must not keep the lock.
        cursor.execute("SET idle_session_timeout = '30s'")
        cursor.execute("SELECT pg_try_advisory_lock(%s)", (_ONE_SWEEPER,))
        if cursor.fetchone() != (True,):
            return 0
        try:
            return _drop(cursor)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", (_ONE_SWEEPER,))
    finally:
        cursor.execute("RESET idle_session_timeout")


def _drop(cursor: Cursor) -> int:
    cursor.execute("SELECT clock_timestamp() - %s", (_GRACE,))
    (now,) = cursor.fetchone() or (None,)
    dropped = 0
    try:
        cursor.execute(_PARTITIONS)
        for name, pending in cursor.fetchall():
            if _bucket(name, now) <= now:
                how = "FINALIZE" if pending else "CONCURRENTLY"
                cursor.execute(f"ALTER TABLE messages DETACH PARTITION {name} {how}")
        cursor.execute(_STRAYS)
        for (name,) in cursor.fetchall():
            if _bucket(name, now) <= now:
                cursor.execute(f"DROP TABLE {name}")
                dropped += 1
    except (psycopg2.errors.QueryCanceled, psycopg2.errors.LockNotAvailable):
        pass  # somebody reads for long; the next sweep goes on from here
    return dropped


def _oldest_bucket(cursor: Cursor) -> datetime:
    """The first bucket that still has a partition: messages before it are gone already."""
    cursor.execute("SELECT clock_timestamp()")
    (now,) = cursor.fetchone() or (None,)
    cursor.execute(_PARTITIONS)
    return min((_bucket(name, now) for name, _ in cursor.fetchall()), default=now)


def _bucket(name: str, now: Any) -> datetime:
    """The instant by which everything in a partition is gone."""
    match = _NAME.match(name)
    if match is None:  # an operator's own table is not ours to drop
        return datetime.max.replace(tzinfo=now.tzinfo)
    year, month, day, hour = map(int, match.groups())
    return datetime(year, month, day, hour, tzinfo=now.tzinfo)
