"""API keys in PostgreSQL, and whose they are; times are those of the database's clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tempmail.core.tokens import SHOWN, digest, new_key
from tempmail.model.account import Caller, Scope
from tempmail.model.credentials import ApiKey, display_name
from tempmail.model.errors import Conflict, InvalidInput, NotFound
from tempmail.model.mailbox import UserOwner
from tempmail.storage.credentials import end_of
from tempmail.storage.database import Cursor, Database
from tempmail.storage.users import user

MOST = 50
"""Keys of one user that are in force."""

_FIRST_YEAR, _LAST_YEAR = 2000, 2200
"""Far from where an offset from UTC makes a year that only one of Python and PostgreSQL knows."""

_LIVES = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())"
_COLUMNS = "id, prefix, name, scopes, created_at, expires_at, last_used_at"
_IN_FORCE = f"""
SELECT c.digest, c.id, c.user_id, c.scopes, p.requests_per_minute
FROM (SELECT key_hash AS digest, id, user_id, scopes
      FROM api_keys WHERE key_hash = ANY (%(digests)s) AND {_LIVES}
      UNION ALL
      SELECT token_hash, NULL, user_id, ARRAY['full']
      FROM sessions WHERE token_hash = ANY (%(digests)s) AND expires_at > clock_timestamp()) AS c
LEFT JOIN subscriptions s ON s.user_id = c.user_id AND s.ended_at IS NULL
JOIN plans p ON p.name = coalesce(s.plan, 'free')
"""  # noqa: S608  # only our own words
# A minute between two writes for the same key, whichever daemons saw it; none waits for another.
_USED = """
UPDATE api_keys SET last_used_at = clock_timestamp() WHERE id = ANY (ARRAY(
    SELECT id FROM api_keys WHERE id = ANY (%s)
      AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute')
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED))
"""
_COUNT = f"SELECT count(*) FROM api_keys WHERE user_id = %s AND {_LIVES}"  # noqa: S608
_MAKE = f"""
INSERT INTO api_keys (user_id, key_hash, prefix, name, scopes, expires_at)
SELECT %s, %s, %s, %s, %s, %s::timestamptz RETURNING {_COLUMNS}, expires_at <= clock_timestamp()
"""
_LIST = f"""
SELECT {_COLUMNS} FROM api_keys WHERE user_id = %s AND {_LIVES} ORDER BY id DESC
"""  # noqa: S608
_REVOKE = f"""
UPDATE api_keys SET revoked_at = clock_timestamp() WHERE user_id = %s AND id = %s AND {_LIVES}
"""  # noqa: S608


class PostgresKeys:
    """:class:`tempmail.core.account_ports.KeyStore` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def callers(self, digests: Sequence[bytes]) -> Mapping[bytes, Caller]:
        return await self._database.run(_callers, list(digests))

    async def used(self, keys: Sequence[int]) -> None:
        await self._database.run(_used, list(keys))


def make_key(
    cursor: Cursor,
    owner: int,
    name: str,
    scopes: Sequence[Scope] = (Scope.FULL,),
    expires_at: datetime | None = None,
    made_by: bytes | None = None,
) -> tuple[ApiKey, str]:
    """Make an API key.

    :param owner: the id of the user whose it will be.
    :param expires_at: aware; None for a key that stays until it is revoked.
    :param made_by: the digest of the key or the browser's cookie that asks, and whose key the new
        one does not outlive; None where the operator does.
    :returns: the key as it is listed, and its secret, which is kept nowhere.
    :raises NotFound: there is no such user.
    :raises Unauthenticated: what asks is good no more.
    :raises InvalidInput: a value that no key can have.
    :raises Conflict: the user has as many as there may be.
    """
    kept = sorted({Scope(scope).value for scope in scopes})
    if not kept:
        raise InvalidInput("scopes: is one or more of: codes, read, full")
    if expires_at is not None and not _FIRST_YEAR <= expires_at.year <= _LAST_YEAR:
        raise InvalidInput(f"expires_at: is a year up to {_LAST_YEAR}, and does not lie behind")
    user(cursor, owner, "FOR NO KEY UPDATE")  # of two at once the second counts the first
    last = None if made_by is None else end_of(cursor, owner, made_by)
    cursor.execute(_COUNT, (owner,))
    if cursor.fetchone() == (MOST,):
        raise Conflict(f"there are {MOST} keys; revoke one first", code="too_many_keys")
    if last is not None and (expires_at is None or expires_at > last):
        raise InvalidInput("expires_at: is no later than that of the key which makes this one")
    key = new_key()
    cursor.execute(_MAKE, (owner, digest(key), key[:SHOWN], display_name(name), kept, expires_at))
    *row, late = cursor.fetchone() or ()
    if late:
        raise InvalidInput("expires_at: is a time still to come; this one has passed")
    return _key(tuple(row)), key


def list_keys(cursor: Cursor, owner: int) -> list[ApiKey]:
    """A user's keys that are in force, newest first."""
    cursor.execute(_LIST, (owner,))
    return [_key(row) for row in cursor]


def revoke_key(cursor: Cursor, owner: int, identity: int) -> None:
    """End a key; every daemon refuses it within a second.

    :raises NotFound: there is none, or it is another's.
    """
    cursor.execute(_REVOKE, (owner, identity))
    if not cursor.rowcount:
        raise NotFound("there is no such key, or it is not yours")


def _callers(cursor: Cursor, digests: list[bytes]) -> dict[bytes, Caller]:
    cursor.execute(_IN_FORCE, {"digests": digests})
    return {
        bytes(digest): Caller(
            UserOwner(user), max(map(Scope, scopes), key=_rank), key, rate, bytes(digest)
        )
        for digest, key, user, scopes, rate in cursor
    }


def _used(cursor: Cursor, keys: list[int]) -> None:
    cursor.execute(_USED, (keys,))


def _key(row: tuple[Any, ...]) -> ApiKey:
    identity, prefix, name, scopes, *times = row
    return ApiKey(identity, prefix, name, tuple(sorted(map(Scope, scopes), key=_rank)), *times)


def _rank(scope: Scope) -> int:
    return list(Scope).index(scope)
