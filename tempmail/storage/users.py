"""Users and their subscriptions in PostgreSQL; times are those of the database's clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg2.errors

from tempmail.model.account import Subscription, Usage, User
from tempmail.model.credentials import display_name
from tempmail.model.errors import Conflict, NotFound
from tempmail.storage.database import Cursor
from tempmail.storage.mailboxes import END
from tempmail.storage.plans import plan

_COLUMNS = "id, name, created_at"
_LIST = f"""
SELECT {_COLUMNS} FROM users WHERE deleted_at IS NULL AND id > %s ORDER BY id LIMIT %s
"""  # noqa: S608  # only our own column names
_NAMED = f"""
SELECT {_COLUMNS} FROM users WHERE lower(name) = lower(%s) AND deleted_at IS NULL
"""  # noqa: S608
_WITH_ID = f"SELECT {_COLUMNS} FROM users WHERE id = %s AND deleted_at IS NULL"  # noqa: S608
_CREATE = f"""
INSERT INTO users (name, handle) VALUES (%(name)s, coalesce(%(handle)s,
    uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())))
RETURNING {_COLUMNS}
"""  # noqa: S608
_RENAME = f"UPDATE users SET name = %s WHERE id = %s RETURNING {_COLUMNS}"  # noqa: S608
_FORGET_NAME = """
UPDATE users SET name = '', deleted_at = clock_timestamp() WHERE id = %s
"""
_MAILBOXES = "SELECT id FROM mailboxes WHERE owner_id = %s AND is_active ORDER BY id FOR UPDATE"
_END_CURRENT = """
UPDATE subscriptions SET ended_at = clock_timestamp() WHERE user_id = %s AND ended_at IS NULL
"""
_SUBSCRIBE = """
INSERT INTO subscriptions (user_id, plan) VALUES (%s, %s) RETURNING plan, started_at, ended_at
"""
_HISTORY = """
SELECT plan, started_at, ended_at FROM subscriptions WHERE user_id = %s ORDER BY id DESC LIMIT %s
"""
_CURRENT = """
SELECT plan, started_at, ended_at FROM subscriptions WHERE user_id = %s AND ended_at IS NULL
"""
_USAGE = """
SELECT count(*), coalesce(sum(message_count), 0)::bigint
FROM mailboxes WHERE owner_id = %s AND is_active AND expires_at > clock_timestamp()
"""


def create_user(
    cursor: Cursor, name: str, plan_name: str | None = None, handle: bytes | None = None
) -> User:
    """Make an account.

    :param plan_name: of a subscription to begin with; None for the plan ``free``.
    :param handle: 32 random bytes by which authenticators know the user; chosen where None.
    :raises InvalidInput: nobody can be called so.
    :raises Conflict: somebody is.
    :raises NotFound: there is no such plan.
    """
    values = {"name": display_name(name), "handle": handle}
    user = User(*_named(cursor, _CREATE, values))
    if plan_name is not None:
        set_subscription(cursor, user.id, plan_name)
    return user


def users(cursor: Cursor, *, limit: int = 1000, above: int = 0) -> list[User]:
    """Accounts, oldest first, those with an id above ``above``."""
    cursor.execute(_LIST, (above, limit))
    return [User(*row) for row in cursor]


def user_named(cursor: Cursor, name: str) -> User:
    """The user of this name, in whatever case.

    :raises NotFound: there is none.
    """
    cursor.execute(_NAMED, (display_name(name),))
    return User(*_found(cursor.fetchone()))


def user(cursor: Cursor, identity: int, lock: str = "") -> User:
    """The user with this id.

    :param lock: a locking clause.
    :raises NotFound: there is none.
    """
    cursor.execute(f"{_WITH_ID} {lock}", (identity,))
    return User(*_found(cursor.fetchone()))


def rename_user(cursor: Cursor, identity: int, name: str) -> User:
    """:raises NotFound: there is no such user.
    :raises Conflict: somebody else is called so."""
    user(cursor, identity, "FOR NO KEY UPDATE")
    return User(*_named(cursor, _RENAME, (display_name(name), identity)))


def delete_user(cursor: Cursor, identity: int) -> Sequence[int]:
    """End an account and all that is its own at once; the sweeper frees the space.

    :returns: the ids of the mailboxes that have ended.
    :raises NotFound: there is no such user.
    """
    user(cursor, identity, "FOR UPDATE")  # nobody makes a mailbox or a key of theirs meanwhile
    for table in ("api_keys", "passkeys", "sessions"):
        cursor.execute(f"DELETE FROM {table} WHERE user_id = %s", (identity,))  # noqa: S608
    cursor.execute(_END_CURRENT, (identity,))
    cursor.execute(_MAILBOXES, (identity,))
    ended = [mailbox for (mailbox,) in cursor.fetchall()]
    cursor.execute(END, (ended,))
    cursor.execute(_FORGET_NAME, (identity,))
    return ended


def set_subscription(cursor: Cursor, identity: int, plan_name: str) -> Subscription:
    """Give a user a plan from now on; what they had before stays in the history.

    :raises NotFound: there is no such user or plan.
    """
    user(cursor, identity, "FOR NO KEY UPDATE")  # of two at once the second finds the first
    plan(cursor, plan_name)
    cursor.execute(_CURRENT, (identity,))
    row = cursor.fetchone()
    if row is not None and row[0] == plan_name:
        return Subscription(*row)
    cursor.execute(_END_CURRENT, (identity,))
    cursor.execute(_SUBSCRIBE, (identity, plan_name))
    return Subscription(*_found(cursor.fetchone()))


def end_subscription(cursor: Cursor, identity: int) -> bool:
    """Leave a user with the plan ``free``; False where they had no other.

    :raises NotFound: there is no such user.
    """
    user(cursor, identity, "FOR NO KEY UPDATE")
    cursor.execute(_END_CURRENT, (identity,))
    return cursor.rowcount > 0


def subscriptions(cursor: Cursor, identity: int, *, limit: int = 1000) -> list[Subscription]:
    """A user's subscriptions, newest first."""
    cursor.execute(_HISTORY, (identity, limit))
    return [Subscription(*row) for row in cursor]


def usage(cursor: Cursor, identity: int) -> Usage:
    """What a user has now."""
    cursor.execute(_USAGE, (identity,))
    return Usage(*_found(cursor.fetchone()))


def _named(cursor: Cursor, sql: str, values: Any) -> tuple[Any, ...]:
    try:
        cursor.execute(sql, values)
    except psycopg2.errors.UniqueViolation as error:
        if error.diag.constraint_name != "users_name":
            raise
        raise Conflict(
            "somebody is called so already; choose another name", code="name_taken"
        ) from None
    return _found(cursor.fetchone())


def _found(row: tuple[Any, ...] | None) -> tuple[Any, ...]:
    if row is None:
        raise NotFound("there is no such user")
    return row
