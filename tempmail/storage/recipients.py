"""Which addresses have a mailbox, and public mailboxes made of a first mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from tempmail.model.address import RESERVED
from tempmail.model.errors import AddressUnavailable
from tempmail.storage.database import Cursor, Database
from tempmail.storage.mailboxes import address_hash

_STANDING = """
SELECT CASE WHEN p.max_messages_per_mailbox <> -1
                 AND m.message_count >= p.max_messages_per_mailbox THEN 'full' ELSE 'open' END
FROM mailboxes m JOIN plans p ON p.name = CASE WHEN m.owner_id IS NULL THEN 'anonymous'
    ELSE coalesce((SELECT s.plan FROM subscriptions s
                   WHERE s.user_id = m.owner_id AND s.ended_at IS NULL), 'free') END
WHERE m.address = %s AND m.is_active AND m.expires_at > clock_timestamp()
"""
_LIVING = """
SELECT address FROM mailboxes
WHERE address = ANY (%s) AND is_active AND expires_at > clock_timestamp()
"""
_BURIED = """
SELECT address_hash FROM tombstones
WHERE address_hash = ANY (%s) AND released_at > clock_timestamp() - %s
"""
_MOST_PUBLIC = """
SELECT count(*) FROM (SELECT FROM mailboxes WHERE is_active AND owner_type = 'public' LIMIT %s) p
"""
# An expired public mailbox that the sweeper has not come to begins anew.
_MAKE = """
INSERT INTO mailboxes AS m (address, owner_type, expires_at, bucket)
SELECT address, 'public', till, bucket_of(till, at)
FROM unnest(%s) AS address,
     (SELECT clock_timestamp() AS at, clock_timestamp() + interval '1 hour' AS till) AS life
ORDER BY address
ON CONFLICT (address) WHERE is_active DO UPDATE
SET expires_at = excluded.expires_at, bucket = excluded.bucket
WHERE m.owner_type = 'public' AND m.expires_at <= clock_timestamp()
RETURNING address
"""

MOST_PUBLIC = 100_000
"""Public mailboxes alive at once."""


_CLAIMED = """
SELECT owner_type = 'public' FROM mailboxes
WHERE address = %s AND is_active AND expires_at > clock_timestamp()
"""
# At most once a minute, so that polling does not write.
_PROLONG = """
UPDATE mailboxes SET expires_at = till, bucket = bucket_of(till, at)
FROM (SELECT clock_timestamp() AS at, clock_timestamp() + interval '1 hour' AS till) AS life
WHERE address = %s AND owner_type = 'public' AND is_active AND expires_at > at
  AND expires_at < till - interval '1 minute'
"""


class PostgresRecipients:
    """:class:`tempmail.core.ports.RecipientStore` on a database.

    :param tombstone_days: for how long a released private address is nobody's.
    """

    def __init__(self, database: Database, tombstone_days: int = 30) -> None:
        self._database = database
        self._tombstone = timedelta(days=tombstone_days)

    async def standing(self, address: str) -> str:
        return await self._database.run(_standing, address)

    async def ensure_public(
        self, addresses: Sequence[str], *, create: bool
    ) -> tuple[Sequence[str], int]:
        return await self._database.run(_ensure, list(addresses), create, self._tombstone)

    async def claim(self, address: str, *, create: bool) -> bool:
        return await self._database.run(_claim, address, create, self._tombstone)

    async def prolong(self, address: str) -> None:
        await self._database.run(_prolong, address)


def _claim(cursor: Cursor, address: str, create: bool, tombstone: timedelta) -> bool:
    for made in (False, True):
        cursor.execute(_CLAIMED, (address,))
        row = cursor.fetchone()
        if row is not None:
            if not row[0]:
                raise AddressUnavailable("this address is somebody's own; ask for another")
            return made
        if made or not create:
            break
        _ensure(cursor, [address], True, tombstone)
    raise AddressUnavailable("this address is reserved or was in use until recently")


def _prolong(cursor: Cursor, address: str) -> None:
    cursor.execute(_PROLONG, (address,))


def _standing(cursor: Cursor, address: str) -> str:
    cursor.execute(_STANDING, (address,))
    row = cursor.fetchone()
    return row[0] if row else "unknown"


def _ensure(
    cursor: Cursor, addresses: list[str], create: bool, tombstone: timedelta
) -> tuple[list[str], int]:
    cursor.execute(_LIVING, (addresses,))
    living = [address for (address,) in cursor]
    wanted = set(addresses) - set(living) if create else set()
    digests = {address_hash(address): address for address in wanted}
    cursor.execute(_BURIED, (list(digests), tombstone))
    for (digest,) in cursor:
        wanted.discard(digests[bytes(digest)])
    wanted = {address for address in wanted if address.partition("@")[0] not in RESERVED}
    cursor.execute(_MOST_PUBLIC, (MOST_PUBLIC,))
    if not wanted or cursor.fetchone() == (MOST_PUBLIC,):
        return living, 0
    cursor.execute(
        "SELECT ensure_partition(bucket_of(at + interval '15 minutes', at)) "
        "FROM (SELECT clock_timestamp() AS at) AS now"
    )
    cursor.execute(_MAKE, (sorted(wanted),))
    made = [address for (address,) in cursor]
    return living + made, len(made)
