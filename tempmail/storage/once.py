"""Mails that may be handed over more than once, and are kept once.

Each carries a key that is written in the transaction that keeps it, whatever became of it: who
finds the key there knows that the mail has been dealt with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tempmail.model.errors import Unavailable
from tempmail.model.message import Envelope, Once, Placement, Verdict

# A key that another daemon is writing is not waited for: others' mail is in the batch.
PREPARE = """
PREPARE claim_once (text[], text[], integer[]) AS
INSERT INTO deliveries_once (source, key, forget_at)
SELECT source, key, clock_timestamp() + days * interval '1 day'
FROM unnest($1, $2, $3) AS wanted (source, key, days)
WHERE pg_try_advisory_xact_lock(hashtextextended(source || ' ' || key, 7310466133051204173))
ON CONFLICT DO NOTHING RETURNING source, key
"""
_KNOWN = """
SELECT source, key FROM deliveries_once
WHERE (source, key) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""
_FORGET = """
DELETE FROM deliveries_once WHERE (source, key) IN (
    SELECT source, key FROM deliveries_once WHERE forget_at < (SELECT clock_timestamp())
    ORDER BY forget_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""

Name = tuple[str, str]
"""Source and key."""


class Claims:
    """The keys of one transaction's mails.

    :ivar ours: those that are written with it.
    """

    def __init__(self, cursor: Any, wanted: Sequence[Once]) -> None:
        keys = {once.name: once.keep_days for once in wanted}
        cursor.execute(
            "EXECUTE claim_once(%s, %s, %s)",
            ([source for source, _ in keys], [key for _, key in keys], list(keys.values())),
        )
        self.ours: set[Name] = set(cursor.fetchall())
        # Asked only now: a statement sees nothing that was committed after it began.
        others = keys.keys() - self.ours
        self._dealt_with = known(cursor, others) if others else set()
        self._open = set(self.ours)

    def settled(self, envelope: Envelope) -> list[Placement] | Unavailable | None:
        """The outcome of a mail that this transaction is not to keep; None where it is."""
        assert envelope.once is not None
        name = envelope.once.name
        if name in self._open:
            self._open.remove(name)  # the same mail further on in the batch is a duplicate
            return None
        if name in self.ours or name in self._dealt_with:
            return [Placement(Verdict.DUPLICATE) for _ in envelope.recipients]
        return Unavailable("another daemon is keeping this mail now")


def known(cursor: Any, names: set[Name]) -> set[Name]:
    """Those of ``names`` that have been dealt with."""
    cursor.execute(_KNOWN, ([source for source, _ in names], [key for _, key in names]))
    return set(cursor.fetchall())


def forget(cursor: Any, limit: int) -> int:
    """Delete up to ``limit`` keys past their time; how many it did."""
    cursor.execute(_FORGET, (limit,))
    return int(cursor.rowcount)
