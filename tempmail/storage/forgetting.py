"""Forgetting what opens nothing any more: credentials past their time, accounts that were deleted.

Nothing depends on this: whatever is past its time is refused by the clock of the database alone.
"""

from __future__ import annotations

from tempmail.storage.database import Cursor

_PAST_THEIR_TIME = (
    ("sessions", "token_hash", "expires_at < (SELECT clock_timestamp())"),
    ("single_use", "token_hash", "expires_at < (SELECT clock_timestamp())"),
    ("invitations", "id", "expires_at < (SELECT clock_timestamp()) - interval '30 days'"),
    (
        "api_keys",
        "id",
        "least(revoked_at, expires_at) < (SELECT clock_timestamp()) - interval '90 days'",
    ),
    (
        "users",
        "id",
        "deleted_at IS NOT NULL AND NOT EXISTS (SELECT FROM mailboxes WHERE owner_id = users.id)",
    ),
)


def forget_credentials(cursor: Cursor, limit: int) -> int:
    """Delete up to ``limit`` rows of each kind; how many it did."""
    done = 0
    for table, key, condition in _PAST_THEIR_TIME:
        cursor.execute(
            f"DELETE FROM {table} WHERE {key} = ANY (ARRAY("  # noqa: S608  # our own words
            f"SELECT {key} FROM {table} WHERE {condition} LIMIT %s FOR UPDATE SKIP LOCKED))",
            (limit,),
        )
        done += cursor.rowcount
    return done
