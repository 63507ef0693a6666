"""Messages whose views an older parser made, for making them again."""

from __future__ import annotations

from uuid import UUID

from tempmail.storage.database import Cursor

# By partition and id, so that each page goes on where the last one ended.
_WHERE = """
FROM messages WHERE expires_at > clock_timestamp()
AND (parser_version < %(version)s OR (%(unread)s AND parser_version IS NULL))
"""
_COUNT = f"SELECT count(*) {_WHERE}"
_PAGE = f"""
SELECT bucket, id, mailbox_id {_WHERE}
AND (bucket, id) > (coalesce(%(bucket)s, '-infinity'::timestamptz), %(id)s::uuid)
ORDER BY bucket, id LIMIT %(limit)s
"""

_FIRST = UUID(int=0)


def count_outdated(cursor: Cursor, version: int, *, unread: bool) -> int:
    """How many have a view older than ``version``; with ``unread`` those without one too."""
    cursor.execute(_COUNT, {"version": version, "unread": unread})
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])


class Outdated:
    """Pages of them, in no particular order, each message once.

    :param unread: whether those count that have no view yet.
    """

    def __init__(self, version: int, *, unread: bool, limit: int = 200) -> None:
        self._asked = {"version": version, "unread": unread, "limit": limit}
        self._bucket: object = None
        self._id = _FIRST

    def page(self, cursor: Cursor) -> list[tuple[int, UUID]]:
        """The next ones, as ids of mailbox and message; none at the end."""
        cursor.execute(_PAGE, {**self._asked, "bucket": self._bucket, "id": str(self._id)})
        found = [(bucket, UUID(identity), mailbox) for bucket, identity, mailbox in cursor]
        if found:
            self._bucket, self._id, _ = found[-1]
        return [(mailbox, identity) for _, identity, mailbox in found]
