"""What makes further credentials of a user: in force not a moment ago, but now."""

from __future__ import annotations

from datetime import datetime

from tempmail.model.errors import Unauthenticated
from tempmail.storage.database import Cursor

# Whoever revokes it meanwhile waits for the end of this transaction, or this one sees that.
_KEY = """
SELECT expires_at FROM api_keys
WHERE key_hash = %(shown)s AND user_id = %(owner)s AND revoked_at IS NULL
  AND (expires_at IS NULL OR expires_at > clock_timestamp())
FOR SHARE
"""
_SESSION = """
SELECT FROM sessions
WHERE token_hash = %(shown)s AND user_id = %(owner)s AND expires_at > clock_timestamp()
FOR SHARE
"""


def end_of(cursor: Cursor, owner: int, shown: bytes) -> datetime | None:
    """When the user's key ends that has this digest; None for a key that stays until it is
    revoked, and for a signed-in browser.  It stays in force until the transaction ends.

    What remembers credentials may trust one for a second after another daemon, or the operator,
    ended it: nothing that lasts may come of that.

    :param shown: the digest of a key or of a browser's cookie.
    :raises Unauthenticated: it is good no more.
    """
    values = {"shown": shown, "owner": owner}
    cursor.execute(_KEY, values)
    row = cursor.fetchone()
    if row is not None:
        (expires_at,) = row
        return expires_at if isinstance(expires_at, datetime) else None
    cursor.execute(_SESSION, values)
    if cursor.fetchone() is None:
        raise Unauthenticated("this credential was good, and is no more")
    return None
