"""The work that is done for mail that nobody gets, so that its 250 takes as long as any other.

Whoever times the answers must not learn which addresses exist.  So what is dropped is written
like what is kept, to a mailbox that never is, and deleted in the same transaction; nobody ever
sees it, and what is left of it goes with the hour's partition.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg2
from twisted.logger import Logger

from tempmail.mail.envelope_headers import scan
from tempmail.storage.batch import Entry
from tempmail.storage.connection import is_loss, one_line
from tempmail.storage.copy_rows import COPY, COPY_PIECE, Rows
from tempmail.storage.message_ids import message_ids

PREPARE = """
PREPARE decoy AS
SELECT 'messages_' || to_char(bucket AT TIME ZONE 'UTC', 'YYYYMMDDHH24'),
       (date_part('epoch', bucket - timestamptz '2000-01-01 00:00+00') * 1000000)::bigint
FROM bucket_of(clock_timestamp() + interval '15 minutes', clock_timestamp()) AS bucket
"""
# On the partition itself and planned once, so that it costs what bumping a mailbox does.
_PREPARE = "PREPARE discard_{0} (bigint[]) AS DELETE FROM {0} WHERE mailbox_id = ANY ($1)"
# The transaction has an identity, so that COMMIT waits for the disk.
# EXECUTE decoy takes what locking a mailbox does.
_COMMIT = "EXECUTE discard_{0} (%s); EXECUTE decoy; SELECT pg_current_xact_id(); COMMIT"
_ASK_AGAIN = 60.0
"""Seconds; a message that comes until then ends in the same hour or the next, made already."""


class Decoy:
    """Writes a batch of which nothing is stored.

    :param clock: counts seconds.
    """

    _log = Logger()

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked = float("-inf")
        self._connection: object = None
        self._partition, self._bucket = "", 0

    def write(
        self, cursor: Any, entries: Sequence[Entry], started: float
    ) -> Callable[[], None] | None:
        """Copy the batch in, in the transaction that is open.

        :returns: what deletes it again and commits; None where the transaction has ended with
            nothing written.
        """
        partition, bucket = self._prepare(cursor)
        rows, nobodies = Rows(), []
        for entry in entries:
            places = []
            for index in range(len(entry.envelope.recipients)):
                nobody = -1 - secrets.randbits(62)
                (identity,) = message_ids([1])
                nobodies.append(nobody)
                places.append((index, identity.bytes, nobody, 1, bucket, bucket))
            found = scan(entry.envelope.chunks, entry.envelope.mail_from)
            headers = (found.from_address, found.from_name, found.subject)
            rows.add(entry.envelope, headers, places, int(1000 * (started - entry.entered)))
        rows.close()
        try:
            cursor.copy_expert(COPY, rows, COPY_PIECE)
        except psycopg2.Error as error:
            if is_loss(error):
                raise
            self._log.warn(
                "mail for nobody was dropped faster than other mail: {why}", why=one_line(error)
            )
            cursor.execute("ROLLBACK")
            return None
        return lambda: cursor.execute(_COMMIT.format(partition), (nobodies,))

    def _prepare(self, cursor: Any) -> tuple[str, int]:
        """The partition and bucket of a message that comes now and lives 15 minutes."""
        now, connection = self._clock(), cursor.connection
        if connection is not self._connection or now - self._asked > _ASK_AGAIN:
            cursor.execute("EXECUTE decoy")
            partition, bucket = cursor.fetchone()
            if (connection, partition) != (self._connection, self._partition):
                cursor.execute(_PREPARE.format(partition))
            self._connection, self._asked = connection, now
            self._partition, self._bucket = partition, bucket
        return self._partition, self._bucket
