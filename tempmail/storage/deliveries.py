"""The delivery log in PostgreSQL: what was stored, from messages; what was not, from notes."""

from __future__ import annotations

from collections.abc import Sequence

from tempmail.model.delivery import Attempt, Refused
from tempmail.model.errors import NotFound
from tempmail.model.mailbox import Owner
from tempmail.storage.database import Cursor, Database, snapshot
from tempmail.storage.finding import find, finding_in

MOST = 100
"""Notes of one mailbox; the newest stay."""

_KEEP = """
INSERT INTO deliveries (mailbox_id, verdict, reason, mail_from, rcpt_to, helo, peer_ip, tls, size,
                        received_ms)
SELECT id, %(verdict)s, %(reason)s, %(mail_from)s, address, %(helo)s, %(peer_ip)s, %(tls)s,
       %(size)s, %(received_ms)s
FROM mailboxes
WHERE address = ANY (%(addresses)s) AND is_active AND expires_at > clock_timestamp()
RETURNING mailbox_id
"""
_PRUNE = """
DELETE FROM deliveries WHERE mailbox_id = %(mailbox)s AND id <= (
    SELECT id FROM deliveries WHERE mailbox_id = %(mailbox)s
    ORDER BY id DESC OFFSET %(most)s LIMIT 1)
"""
# Behind the mailbox as its owner finds it; an empty log is one row of NULLs.
_RECENT = """
SELECT entry.* FROM ({found}) AS found LEFT JOIN LATERAL (
    (SELECT received_at AS at, 'stored', '', mail_from, rcpt_to, helo, peer_ip, tls,
            size::bigint, received_ms, queued_ms
     FROM messages WHERE mailbox_id = found.mailbox AND bucket = %(bucket)s
     ORDER BY seq DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT at, verdict, reason, mail_from, rcpt_to, helo, peer_ip, tls, size, received_ms, 0
     FROM deliveries WHERE mailbox_id = found.mailbox ORDER BY id DESC LIMIT %(limit)s)
) AS entry ON true ORDER BY at DESC LIMIT %(limit)s
"""


class PostgresDeliveries:
    """:class:`tempmail.core.ports.DeliveryStore` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, notes: Sequence[Refused]) -> None:
        await self._database.run(_keep, notes)

    async def recent(self, address: str, owner: Owner, limit: int) -> Sequence[Attempt]:
        return await self._database.run(_recent, address, owner, limit)


def _keep(cursor: Cursor, notes: Sequence[Refused]) -> None:
    written: set[int] = set()
    for note in notes:
        cursor.execute(
            _KEEP,
            {
                "verdict": note.verdict,
                "reason": note.reason,
                "mail_from": _text(note.mail_from),
                "helo": _text(note.helo),
                "peer_ip": note.peer_ip,
                "tls": note.tls,
                "size": note.size,
                "received_ms": note.received_ms,
                "addresses": list(note.addresses),
            },
        )
        written.update(mailbox for (mailbox,) in cursor)
    for mailbox in sorted(written):
        cursor.execute(_PRUNE, {"mailbox": mailbox, "most": MOST})


def _recent(cursor: Cursor, address: str, owner: Owner, limit: int) -> list[Attempt]:
    """The mailbox names the bucket of its messages; the second statement finds it once more."""
    snapshot(cursor)
    found, values = finding_in(address, owner, find(cursor, address, owner).bucket)
    cursor.execute(_RECENT.replace("{found}", found), {**values, "limit": limit})
    rows = cursor.fetchall()
    if not rows:
        raise NotFound("the mailbox has ended")
    return [Attempt(*row) for row in rows if row[0] is not None]


def _text(value: str) -> str:
    """What PostgreSQL's text can hold: no NUL, no lone surrogate."""
    return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
