"""Writes a batch in one transaction; runs in the database's thread.

Two statements a batch.  The first, prepared, locks the living mailboxes in the order of their
addresses, so that writers never deadlock, applies their plans' limits and bumps their counters;
the second copies the rows in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg2
from twisted.logger import Logger

from tempmail.mail.envelope_headers import scan
from tempmail.model.errors import Unavailable, Undecided
from tempmail.model.message import Placement, Verdict
from tempmail.storage.batch import Batch, Entry
from tempmail.storage.connection import Connection, is_loss, one_line
from tempmail.storage.copy_rows import COPY, Rows
from tempmail.storage.message_ids import message_ids

_EPOCH = "timestamptz '2000-01-01 00:00+00'"

# A public mailbox's messages live 15 minutes each; another's as long as the mailbox itself.
PREPARE = f"""
PREPARE resolve (int[], text[], int[]) AS
WITH input AS MATERIALIZED (
    SELECT * FROM unnest($1, $2, $3) AS u (ord, address, size)),
locked AS MATERIALIZED (
    SELECT id, address, owner_type, owner_id, expires_at, bucket, last_seq, message_count
    FROM mailboxes
    WHERE address = ANY (ARRAY(SELECT address FROM input))
      AND is_active AND expires_at > clock_timestamp()
    ORDER BY address FOR NO KEY UPDATE),
planned AS MATERIALIZED (
    SELECT m.id, m.address, m.last_seq, p.max_message_bytes,
           CASE p.max_messages_per_mailbox WHEN -1 THEN 9223372036854775807
               ELSE p.max_messages_per_mailbox - m.message_count END AS room,
           (extract(epoch FROM CASE m.owner_type WHEN 'public'
                THEN bucket_of(clock_timestamp() + interval '15 minutes', clock_timestamp())
                ELSE m.bucket END - {_EPOCH}) * 1000000)::bigint AS bucket,
           (extract(epoch FROM CASE m.owner_type WHEN 'public'
                THEN clock_timestamp() + interval '15 minutes'
                ELSE m.expires_at END - {_EPOCH}) * 1000000)::bigint AS expires_at
    FROM locked m JOIN plans p ON p.name = CASE WHEN m.owner_id IS NULL THEN 'anonymous'
        ELSE coalesce((SELECT s.plan FROM subscriptions s
                       WHERE s.user_id = m.owner_id AND s.ended_at IS NULL), 'free') END),
ranked AS MATERIALIZED (
    SELECT i.ord, m.id, m.bucket, m.expires_at, m.room, m.last_seq,
           i.size <= m.max_message_bytes AS fits,
           count(*) FILTER (WHERE i.size <= m.max_message_bytes)
               OVER (PARTITION BY m.id ORDER BY i.ord) AS place
    FROM input i LEFT JOIN planned m USING (address)),
bumped AS (
    UPDATE mailboxes b
    SET last_seq = b.last_seq + a.n, message_count = b.message_count + a.n
    FROM (SELECT id, count(*) AS n FROM ranked WHERE fits AND place <= room GROUP BY id) a
    WHERE b.id = a.id)
SELECT ord, id, CASE WHEN id IS NULL THEN 'unknown' WHEN NOT fits THEN 'too_large'
       WHEN place > room THEN 'full' ELSE 'stored' END,
       last_seq + place, bucket, expires_at
FROM ranked ORDER BY ord
"""  # noqa: S608  # our own constant

SESSION = {
    # One mailbox that somebody holds must not hold up everybody's mail for long.
    "lock_timeout": "2s",
    # The statement never changes and the tables are looked into by their indexes alone; a plan
    # made while they were still empty must not scan them for ever.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}

_RESOLVE = "BEGIN; EXECUTE resolve(%s, %s, %s)"
_COPY_PIECE = 256 * 1024
_POISON = ("22", "23", "54", "40", "55P03")
"""SQLSTATEs that speak of some of the messages: data exception, constraint, program limit; and
a mailbox that somebody else holds.  What is raised on our side of the wire does too."""
# A backend decides its transaction before it leaves.
_AT_WORK = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s)"
_ARE_THERE = """
SELECT EXISTS (SELECT FROM messages
               WHERE mailbox_id = ANY (%s) AND seq = ANY (%s) AND id = ANY (%s::uuid[]))
"""
_FATE_PATIENCE, _FATE_PAUSE = 5.0, 0.25  # seconds


class BatchWriter:
    """Writes batches on whatever connection it is handed.

    :param reconnect: opens a connection to ask what became of a commit.
    :param pause, clock: waits and counts seconds; only ever called in the database's thread.
    """

    _log = Logger()

    def __init__(
        self,
        reconnect: Callable[[], Connection],
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reconnect = reconnect
        self._pause = pause
        self._clock = clock

    def write(self, connection: Connection, batch: Batch) -> None:
        """Give every entry of ``batch`` its outcome; never raises."""
        batch.connection = connection
        try:
            self._write(connection, batch, batch.entries)
        except Exception as error:  # whatever it was, no sender may be left waiting
            self._log.failure("a batch failed")
            self._refuse(batch.entries, error)
        finally:
            batch.connection = None

    def _write(self, connection: Connection, batch: Batch, entries: Sequence[Entry]) -> None:
        try:
            self._commit(connection, batch, entries)
        except (Unavailable, Undecided) as refusal:
            self._refuse(entries, refusal)
        except Exception as error:
            if is_loss(error):
                connection.close()
                self._refuse(entries, error)
                return
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK")  # in autocommit psycopg2's own does nothing
            if isinstance(error, psycopg2.Error) and not (error.pgcode or "").startswith(_POISON):
                self._refuse(entries, error)
            elif len(entries) == 1:
                self._log.error("a message cannot be stored: {why}", why=one_line(error))
                self._refuse(entries, error)
            else:
                middle = len(entries) // 2
                self._write(connection, batch, entries[:middle])
                self._write(connection, batch, entries[middle:])

    def _commit(self, connection: Connection, batch: Batch, entries: Sequence[Entry]) -> None:
        if connection.closed or batch.claim.refused:
            raise Unavailable("storage is away")
        with connection.cursor() as cursor:
            outcomes = self._insert(cursor, entries)
            if not batch.claim.commit():
                cursor.execute("ROLLBACK")
                raise Unavailable("storage is too slow")
            backend = connection.get_backend_pid()
            try:
                cursor.execute("COMMIT")
            except psycopg2.Error as error:
                if is_loss(error):
                    self._log.warn("COMMIT did not return: {why}", why=one_line(error))
                    connection.close()
                if not is_loss(error) or not self._committed(batch, backend, outcomes):
                    batch.claim.reopen()
                    raise
            # Before the claim opens again: who refuses then must find these decided.
            for entry, outcome in zip(entries, outcomes, strict=True):
                entry.outcome = outcome
            batch.claim.reopen()

    def _insert(self, cursor: Any, entries: Sequence[Entry]) -> list[list[Placement]]:
        addresses: list[str] = []
        sizes: list[int] = []
        for entry in entries:
            for recipient in entry.envelope.recipients:
                addresses.append(recipient.address)
                sizes.append(entry.envelope.size)
        cursor.execute(_RESOLVE, (list(range(len(addresses))), addresses, sizes))
        resolved = cursor.fetchall()
        ids = iter(message_ids([row[3] for row in resolved if row[2] == "stored"]))
        rows = Rows()
        outcomes = []
        at = 0
        any_stored = False
        for entry in entries:
            placements = []
            places = []
            for index in range(len(entry.envelope.recipients)):
                _, mailbox_id, verdict, seq, bucket, expires_at = resolved[at]
                at += 1
                if verdict == "stored":
                    identity = next(ids)
                    places.append((index, identity.bytes, mailbox_id, seq, bucket, expires_at))
                    placements.append(Placement(Verdict.STORED, mailbox_id, identity, seq))
                else:
                    placements.append(Placement(Verdict(verdict), mailbox_id))
            if places:
                any_stored = True
                found = scan(entry.envelope.chunks)
                rows.add(
                    entry.envelope, (found.from_address, found.from_name, found.subject), places
                )
            outcomes.append(placements)
        if any_stored:
            rows.close()
            cursor.copy_expert(COPY, rows, _COPY_PIECE)
        return outcomes

    def _committed(self, batch: Batch, backend: int, outcomes: list[list[Placement]]) -> bool:
        """What became of a transaction whose connection was lost in COMMIT.

        :raises Undecided: the server cannot be asked, or does not know yet.
        """
        stored = [one for placements in outcomes for one in placements if one.seq is not None]
        if not stored:
            return True
        end = self._clock() + _FATE_PATIENCE
        while True:
            why: Exception | None = None
            try:
                fate = self._fate(batch, backend, stored)
            except (Unavailable, psycopg2.Error) as error:  # it may be starting again
                fate, why = None, error
            if fate is not None:
                return fate
            if self._clock() >= end:
                raise Undecided("storage was lost in the middle of a commit") from why
            self._pause(_FATE_PAUSE)

    def _fate(self, batch: Batch, backend: int, stored: Sequence[Placement]) -> bool | None:
        """Whether the rows are there; None where they may still come.

        The rows are the proof, not ``pg_xact_status``: a server that crashed may have given
        the number of a transaction it forgot to another one.
        """
        connection = self._reconnect()
        batch.connection = connection
        try:
            with connection.cursor() as cursor:
                cursor.execute(_AT_WORK, (backend,))
                at_work = cursor.fetchone()
                cursor.execute(
                    _ARE_THERE,
                    (
                        [one.mailbox_id for one in stored],
                        [one.seq for one in stored],
                        [str(one.message_id) for one in stored],
                    ),
                )
                are_there = cursor.fetchone()
        finally:
            connection.close()
        if are_there == (True,):
            return True
        return None if at_work == (True,) else False

    def _refuse(self, entries: Sequence[Entry], error: Exception) -> None:
        outcome = error if isinstance(error, Undecided) else Unavailable("storage failed")
        if isinstance(error, psycopg2.Error):
            self._log.error(
                "batch of {count} refused: {sqlstate} {why}",
                count=len(entries),
                sqlstate=error.pgcode,
                why=one_line(error),
            )
        for entry in entries:
            if entry.outcome is None:
                entry.outcome = outcome
