"""Mailboxes in PostgreSQL; the owner is a predicate of every statement."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tempmail.model.errors import AddressUnavailable, LimitReached
from tempmail.model.mailbox import Made, Mailbox, NewMailbox, Owner, SessionOwner, UserOwner
from tempmail.storage.database import Cursor, Database
from tempmail.storage.finding import COLUMNS, find, finding, mailbox_of, was_issued

# Of whoever holds the session token of a mailbox, or of a user.
_PLAN = """
FROM plans WHERE name = CASE WHEN %(user)s::bigint IS NULL THEN 'anonymous'
    ELSE coalesce((SELECT plan FROM subscriptions
                   WHERE user_id = %(user)s AND ended_at IS NULL), 'free') END
"""
_WISHED = f"""
SELECT {COLUMNS}, wish_salt, expires_at > clock_timestamp(),
    owner_id IS NOT NULL OR created_at > clock_timestamp() - interval '10 minutes'
FROM mailboxes WHERE wish_hash = %s AND is_active FOR UPDATE
"""  # noqa: S608  # only our own column names
_UNWISH = "UPDATE mailboxes SET wish_hash = NULL, wish_salt = NULL WHERE id = %s"
_MAKE = """
SELECT * FROM make_mailbox(
    %(address)s, %(kind)s, %(user)s, %(token)s, %(client)s, %(ttl)s, %(wish)s, %(salt)s, %(kept)s)
"""
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
        if new.wish is not None:
            return await self._database.run(_create_once, new, self._tombstone)
        (row,) = await self._database.rows(_MAKE, _made_of(new, self._tombstone), again=False)
        return Made(_made(new, row), None)

    async def get(self, address: str, owner: Owner) -> Mailbox:
        found = await self._database.rows(*finding(address, owner))
        if found:
            return mailbox_of(found[0])
        return await self._database.singly(find, address, owner)

    async def of_user(
        self, owner: UserOwner, *, limit: int, below: int | None
    ) -> Sequence[Mailbox]:
        return await self._database.singly(_of_user, owner, limit, below)

    async def was_issued(self, owner: SessionOwner) -> bool:
        return await self._database.run(was_issued, owner)

    async def extend(self, address: str, owner: Owner, ttl_minutes: int) -> Mailbox:
        return await self._database.run(_extend, address, owner, ttl_minutes)

    async def delete(self, address: str, owner: Owner) -> Mailbox:
        return await self._database.run(_delete, address, owner)


def address_hash(address: str) -> bytes:
    """What is kept of a released address."""
    return hashlib.sha256(address.encode()).digest()


def _create_once(cursor: Cursor, new: NewMailbox, tombstone: timedelta) -> Made:
    """Make the mailbox of a wish that may have been fulfilled before."""
    assert new.wish is not None
    user = _user(new.owner)
    # Of two that are the same wish the second finds the first.
    whose = new.client if user is None else f"user {user}"
    cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", (whose,))
    if made := _made_before(cursor, new.wish.digest):
        return made
    cursor.execute(_MAKE, _made_of(new, tombstone))
    return Made(_made(new, _row(cursor)), new.wish.salt)


def _made_of(new: NewMailbox, tombstone: timedelta) -> dict[str, Any]:
    """What :data:`_MAKE` names."""
    return {
        "address": new.address,
        "kind": new.owner_type.value,
        "user": _user(new.owner),
        "token": new.owner.token_hash if isinstance(new.owner, SessionOwner) else None,
        "client": new.client,
        "ttl": new.ttl_minutes,
        "wish": None if new.wish is None else new.wish.digest,
        "salt": None if new.wish is None else new.wish.salt,
        "kept": tombstone,
    }


def _made(new: NewMailbox, row: tuple[Any, ...]) -> Mailbox:
    """What ``make_mailbox`` answered.

    :raises LimitReached: there are as many as the plan allows.
    :raises AddressUnavailable: the address is taken, or was until recently.
    """
    outcome, living, seconds, identity, made_at, ends_at, bucket = row
    if outcome == "made":
        life = (made_at, ends_at, bucket)
        return Mailbox(identity, new.address, new.owner_type, *life, 0, 0)
    if outcome == "limit":
        whose = "your account" if isinstance(new.owner, UserOwner) else "your network"
        raise LimitReached(
            f"{whose} has {living} mailboxes, as many as it may; delete one or wait",
            retry_after=max(1, seconds or 1),
        )
    if outcome == "taken":
        raise AddressUnavailable("this address is taken; ask for another")
    raise AddressUnavailable("this address was in use until recently; ask for another")


def _made_before(cursor: Cursor, digest: bytes) -> Made | None:
    cursor.execute(_WISHED, (digest,))
    row = cursor.fetchone()
    if row is None:
        return None
    *columns, salt, lives, repeatable = row
    mailbox = mailbox_of(tuple(columns))
    if not lives:
        cursor.execute(END, ([mailbox.id],))
    elif repeatable:
        return Made(mailbox, None if salt is None else bytes(salt))
    else:
        # Whoever else is in the network may guess the wish's name: a retry comes soon.
        cursor.execute(_UNWISH, (mailbox.id,))
    return None


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
