"""Freeing the messages of public mailboxes, each of which has a time of its own."""

from __future__ import annotations

from datetime import datetime, timedelta

from tempmail.storage.database import Cursor

_HOUR = timedelta(hours=1)

# The count tells of messages that are past their time or that went with their partition.
_DUE = """
SELECT id FROM mailboxes AS m
WHERE is_active AND owner_type = 'public' AND message_count > (
    SELECT count(*) FROM messages
    WHERE mailbox_id = m.id AND bucket = ANY (%(buckets)s) AND expires_at > %(now)s)
ORDER BY id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
"""
_FREE = """
DELETE FROM messages
WHERE mailbox_id = ANY (%(ids)s) AND bucket = ANY (%(buckets)s) AND expires_at <= %(now)s
"""
_COUNT = """
UPDATE mailboxes AS m SET message_count = (
    SELECT count(*) FROM messages WHERE mailbox_id = m.id AND bucket = ANY (%(buckets)s))
WHERE id = ANY (%(ids)s)
"""
_MAILBOXES = 100
"""Looked after in one transaction."""


def free_public(cursor: Cursor) -> int:
    """Delete messages past their time from some public mailboxes, and count what is left.

    :returns: how many were deleted; 0 when none are left.
    """
    cursor.execute("SELECT clock_timestamp()")
    (now,) = cursor.fetchone() or (None,)
    assert isinstance(now, datetime)
    hour = now.replace(minute=0, second=0, microsecond=0)
    # A message lives 15 minutes: it lies in the hour's bucket, the next one's or the last one's.
    buckets = [hour, hour + _HOUR, hour + 2 * _HOUR]
    cursor.execute(_DUE, {"buckets": buckets, "now": now, "limit": _MAILBOXES})
    ids = [identity for (identity,) in cursor]
    if not ids:
        return 0
    cursor.execute(_FREE, {"ids": ids, "buckets": buckets, "now": now})
    freed = cursor.rowcount
    cursor.execute(_COUNT, {"ids": ids, "buckets": buckets})
    return freed
