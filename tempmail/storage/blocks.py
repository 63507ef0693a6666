"""Blocks in PostgreSQL; times are those of the database's clock."""

from __future__ import annotations

from collections.abc import Sequence

from tempmail.core.blocks import MOST, QUIET
from tempmail.core.ports import Block
from tempmail.storage.database import Cursor, Database

# Two daemons may block the same client at about the same time: the longer block stays.
_ADD = """
INSERT INTO blocks AS b (network, reason, level, ends_at)
VALUES (%s, %s, %s, clock_timestamp() + %s * interval '1 second')
ON CONFLICT (network) DO UPDATE
SET reason = excluded.reason, level = excluded.level, ends_at = excluded.ends_at
WHERE b.ends_at < excluded.ends_at
"""
_FORGIVE = """
DELETE FROM blocks WHERE ends_at < greatest(
    clock_timestamp() - %s * interval '1 second',
    (SELECT ends_at FROM blocks ORDER BY ends_at DESC OFFSET %s LIMIT 1))
"""
_ALL = """
SELECT network, reason, level, extract(epoch FROM ends_at - clock_timestamp())::float8
FROM blocks ORDER BY ends_at
"""


class PostgresBlocks:
    """:class:`tempmail.core.ports.BlockStore` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def exchange(self, made: Sequence[Block]) -> Sequence[Block]:
        return await self._database.run(exchange, made)


def exchange(cursor: Cursor, made: Sequence[Block]) -> list[Block]:
    """Add ``made``, forget what is forgiven; what is left, those that end first first."""
    # In one order, so that daemons never wait for each other in a circle.
    for block in sorted(made, key=lambda each: each.network):
        cursor.execute(_ADD, (block.network, block.reason, block.level, block.seconds))
    cursor.execute(_FORGIVE, (QUIET, MOST - 1))
    return recorded(cursor)


def recorded(cursor: Cursor) -> list[Block]:
    """Blocks that hold and those that are not yet forgiven; those that end first first."""
    cursor.execute(_ALL)
    return [Block(*row) for row in cursor]


def lift(cursor: Cursor, network: str | None) -> list[str]:
    """End a client's block, or everyone's; the next one is then a first one.

    :param network: as :func:`tempmail.model.network.network` says it, None for all.
    :returns: the networks whose blocks held.
    """
    cursor.execute(
        "DELETE FROM blocks WHERE %(network)s::text IS NULL OR network = %(network)s"
        " RETURNING network, ends_at > clock_timestamp()",
        {"network": network},
    )
    return sorted(lifted for lifted, held in cursor if held)
