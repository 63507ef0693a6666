"""Passkeys, and the browsers that are signed in by them, in PostgreSQL."""

from __future__ import annotations

import psycopg2.errors

from tempmail.model.account import User
from tempmail.model.credentials import Enrolment, KnownPasskey, NewPasskey, Passkey
from tempmail.model.errors import Conflict, Forbidden, NotFound
from tempmail.model.mailbox import UserOwner
from tempmail.storage.credentials import end_of
from tempmail.storage.database import Cursor, Database
from tempmail.storage.invitations import is_open, use_invitation
from tempmail.storage.users import create_user, user

MOST = 20
"""Passkeys of one user."""

MOST_SESSIONS = 50
"""Browsers of one user that are signed in; of more, those of longest ago are signed out."""

SESSION_DAYS = 30

_COLUMNS = "id, name, created_at, last_used_at"
_ADD = f"""
INSERT INTO passkeys (user_id, credential_id, public_key, sign_count, name)
VALUES (%s, %s, %s, %s, %s) RETURNING {_COLUMNS}
"""  # noqa: S608  # only our own column names
_LIST = f"SELECT {_COLUMNS} FROM passkeys WHERE user_id = %s ORDER BY id DESC"  # noqa: S608
_KNOWN = """
SELECT k.id, u.handle, k.public_key, k.sign_count
FROM passkeys k JOIN users u ON u.id = k.user_id WHERE k.credential_id = %s
"""
# A counter that does not move on tells of a copy, but for those that stay at zero
# (Web Authentication Level 3, section 6.1.1).
_SIGNED = """
UPDATE passkeys SET sign_count = %(count)s, last_used_at = clock_timestamp()
WHERE id = %(id)s AND (sign_count < %(count)s OR (sign_count = 0 AND %(count)s = 0))
RETURNING user_id
"""
_SIGN_IN = """
INSERT INTO sessions (token_hash, user_id, passkey_id, expires_at)
VALUES (%s, %s, %s, clock_timestamp() + %s * interval '1 day')
"""
_SIGN_OUT_OLDEST = """
DELETE FROM sessions WHERE token_hash IN (
    SELECT token_hash FROM sessions WHERE user_id = %s ORDER BY created_at DESC OFFSET %s)
"""


class PostgresEnrolments:
    """:class:`tempmail.core.account_ports.Enrolments` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def invited(self, code_hash: bytes) -> bool:
        return await self._database.run(is_open, code_hash)

    async def sign_up(
        self,
        name: str,
        handle: bytes,
        invitation: bytes | None,
        passkey: NewPasskey,
        session: bytes,
    ) -> User:
        return await self._database.run(_sign_up, name, handle, invitation, passkey, session)

    async def known(self, credential_id: bytes) -> KnownPasskey | None:
        return await self._database.run(_known, credential_id)

    async def sign_in(self, passkey: int, sign_count: int, session: bytes) -> User | None:
        return await self._database.run(_sign_in, passkey, sign_count, session)

    async def enrolment(self, owner: UserOwner) -> Enrolment:
        return await self._database.run(_enrolment, owner.user_id)

    async def add_passkey(
        self, owner: UserOwner, passkey: NewPasskey, added_by: bytes, *, first_only: bool
    ) -> Passkey:
        return await self._database.run(
            _add_further, owner.user_id, passkey, added_by, first_only=first_only
        )


def list_passkeys(cursor: Cursor, owner: int) -> list[Passkey]:
    """A user's passkeys, newest first."""
    cursor.execute(_LIST, (owner,))
    return [Passkey(*row) for row in cursor]


def remove_passkey(cursor: Cursor, owner: int, identity: int) -> None:
    """Remove a passkey, and sign out the browsers that it signed in.

    :raises NotFound: there is none, or it is another's.
    :raises Conflict: the user has no other.
    """
    user(cursor, owner, "FOR NO KEY UPDATE")  # of two removals at once the second sees the first
    ids = {passkey.id for passkey in list_passkeys(cursor, owner)}
    if identity not in ids:
        raise NotFound("there is no such passkey, or it is not yours")
    if len(ids) == 1:
        raise Conflict("this is the only passkey; add another one first", code="last_passkey")
    cursor.execute("DELETE FROM passkeys WHERE user_id = %s AND id = %s", (owner, identity))


def sign_out(cursor: Cursor, cookie: bytes) -> None:
    """End the session of the browser whose cookie has this digest; twice is once."""
    cursor.execute("DELETE FROM sessions WHERE token_hash = %s", (cookie,))


def _sign_up(
    cursor: Cursor,
    name: str,
    handle: bytes,
    invitation: bytes | None,
    passkey: NewPasskey,
    session: bytes,
) -> User:
    made = create_user(cursor, name, handle=handle)
    if invitation is not None:
        use_invitation(cursor, invitation, made.id)
    _begin(cursor, session, made.id, _add(cursor, made.id, passkey).id)
    return made


def _sign_in(cursor: Cursor, passkey: int, sign_count: int, session: bytes) -> User | None:
    cursor.execute(_SIGNED, {"id": passkey, "count": sign_count})
    row = cursor.fetchone()
    if row is None:
        return None
    (identity,) = row
    _begin(cursor, session, identity, passkey)
    return user(cursor, identity)


def _begin(cursor: Cursor, session: bytes, owner: int, passkey: int) -> None:
    cursor.execute(_SIGN_IN, (session, owner, passkey, SESSION_DAYS))
    cursor.execute(_SIGN_OUT_OLDEST, (owner, MOST_SESSIONS))


def _add_further(
    cursor: Cursor, owner: int, new: NewPasskey, added_by: bytes, *, first_only: bool
) -> Passkey:
    user(cursor, owner, "FOR NO KEY UPDATE")
    end_of(cursor, owner, added_by)
    if first_only and list_passkeys(cursor, owner):
        raise Forbidden("a key adds the first passkey alone: sign in to add another")
    return _add(cursor, owner, new)


def _add(cursor: Cursor, owner: int, new: NewPasskey) -> Passkey:
    user(cursor, owner, "FOR NO KEY UPDATE")  # of two at once the second counts the first
    if len(list_passkeys(cursor, owner)) >= MOST:
        raise Conflict(f"there are {MOST} passkeys; remove one first", code="too_many_passkeys")
    try:
        cursor.execute(_ADD, (owner, new.credential_id, new.public_key, new.sign_count, new.name))
    except psycopg2.errors.UniqueViolation:
        raise Conflict("this passkey is known already; sign in with it") from None
    return Passkey(*(cursor.fetchone() or ()))


def _known(cursor: Cursor, credential_id: bytes) -> KnownPasskey | None:
    cursor.execute(_KNOWN, (credential_id,))
    row = cursor.fetchone()
    if row is None:
        return None
    identity, handle, public_key, sign_count = row
    return KnownPasskey(identity, bytes(handle), bytes(public_key), sign_count)


def _enrolment(cursor: Cursor, owner: int) -> Enrolment:
    name = user(cursor, owner).name
    cursor.execute("SELECT handle FROM users WHERE id = %s", (owner,))
    (handle,) = cursor.fetchone() or (b"",)
    cursor.execute("SELECT credential_id FROM passkeys WHERE user_id = %s", (owner,))
    return Enrolment(name, bytes(handle), tuple(bytes(one) for (one,) in cursor))
