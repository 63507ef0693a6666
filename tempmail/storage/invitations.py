"""Invitations in PostgreSQL; times are those of the database's clock."""

from __future__ import annotations

from tempmail.core.tokens import digest, new_token
from tempmail.model.credentials import Invitation
from tempmail.model.errors import Conflict, Forbidden, InvalidInput
from tempmail.storage.database import Cursor

MOST = 1000
"""Invitations that nobody has used yet."""

MOST_DAYS = 365

_OPEN = "used_at IS NULL AND expires_at > clock_timestamp()"
_MAKE = """
INSERT INTO invitations (code_hash, expires_at)
VALUES (%s, clock_timestamp() + %s * interval '1 day')
RETURNING id, created_at, expires_at, used_at, NULL
"""
_LIST = """
SELECT i.id, i.created_at, i.expires_at, i.used_at, u.name
FROM invitations i LEFT JOIN users u ON u.id = i.used_by AND u.deleted_at IS NULL
ORDER BY i.id DESC LIMIT %s
"""
_IS_OPEN = f"SELECT EXISTS (SELECT FROM invitations WHERE code_hash = %s AND {_OPEN})"  # noqa: S608
_USE = f"""
UPDATE invitations SET used_at = clock_timestamp(), used_by = %s WHERE code_hash = %s AND {_OPEN}
"""  # noqa: S608


def make_invitation(cursor: Cursor, days: int = 7) -> tuple[Invitation, str]:
    """Make what lets somebody sign up, once, within so many days.

    :returns: it, and its code, which is kept nowhere.
    :raises InvalidInput: for a time that is none.
    :raises Conflict: there are too many that nobody used.
    """
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInput(f"days: is from 1 to {MOST_DAYS}")
    cursor.execute(f"SELECT count(*) >= %s FROM invitations WHERE {_OPEN}", (MOST,))  # noqa: S608
    if cursor.fetchone() == (True,):
        raise Conflict(f"there are {MOST} invitations that nobody has used")
    code = new_token()
    cursor.execute(_MAKE, (digest(code), days))
    return Invitation(*(cursor.fetchone() or ())), code


def invitations(cursor: Cursor, *, limit: int = 1000) -> list[Invitation]:
    """Those that are not forgotten yet, newest first."""
    cursor.execute(_LIST, (limit,))
    return [Invitation(*row) for row in cursor]


def withdraw_invitation(cursor: Cursor, identity: int) -> bool:
    """Let an invitation be good for nothing; False where it was already."""
    cursor.execute(f"DELETE FROM invitations WHERE id = %s AND {_OPEN}", (identity,))  # noqa: S608
    return cursor.rowcount > 0


def is_open(cursor: Cursor, code_hash: bytes) -> bool:
    """Whether somebody may sign up with the code of this digest."""
    cursor.execute(_IS_OPEN, (code_hash,))
    return cursor.fetchone() == (True,)


def use_invitation(cursor: Cursor, code_hash: bytes, user: int) -> None:
    """:raises Forbidden: unknown, past its time, or somebody else was faster."""
    cursor.execute(_USE, (user, code_hash))
    if not cursor.rowcount:
        raise Forbidden(
            "this invitation is unknown, was used or has expired; ask for another",
            code="invitation_refused",
        )
