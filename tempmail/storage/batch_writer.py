"""Writes a batch in one transaction; runs in the database's thread.

Three round trips a batch.  The first locks the living mailboxes in the order of their
addresses, so that writers never deadlock, and says what their plans allow; the second copies
the rows in; the third bumps the counters and commits.  Mails that are to be kept once cost one
more, where there are any.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg2
import psycopg2.errors
from attrs import define
from twisted.logger import Logger

from tempmail.mail.envelope_headers import scan
from tempmail.model.errors import Unavailable, Undecided
from tempmail.model.message import Placement, Verdict
from tempmail.storage.batch import Batch, Entry
from tempmail.storage.connection import Connection, is_loss, one_line
from tempmail.storage.copy_rows import COPY, COPY_PIECE, Rows
from tempmail.storage.decoy import Decoy
from tempmail.storage.message_ids import message_ids
from tempmail.storage.once import Claims, Name, known

_EPOCH = "timestamptz '2000-01-01 00:00+00'"

# Both look up by index whatever the planner believes of the tables: no join of two that grow.
# A public mailbox's messages live 15 minutes each; another's as long as the mailbox itself.
PREPARE = f"""
PREPARE lock_mailboxes (text[]) AS
SELECT m.address, m.id, m.last_seq, p.max_message_bytes,
       CASE p.max_messages_per_mailbox WHEN -1 THEN 9223372036854775807
           ELSE p.max_messages_per_mailbox - m.message_count END,
       (date_part('epoch', CASE m.owner_type WHEN 'public'
            THEN bucket_of(clock_timestamp() + interval '15 minutes', clock_timestamp())
            ELSE m.bucket END - {_EPOCH}) * 1000000)::bigint,
       (date_part('epoch', CASE m.owner_type WHEN 'public'
            THEN clock_timestamp() + interval '15 minutes'
            ELSE m.expires_at END - {_EPOCH}) * 1000000)::bigint
FROM mailboxes m JOIN plans p ON p.name = CASE WHEN m.owner_id IS NULL THEN 'anonymous'
    ELSE coalesce((SELECT s.plan FROM subscriptions s
                   WHERE s.user_id = m.owner_id AND s.ended_at IS NULL), 'free') END
WHERE m.address = ANY ($1) AND m.is_active AND m.expires_at > clock_timestamp()
ORDER BY m.address FOR NO KEY UPDATE OF m;

PREPARE free_mailboxes (text[]) AS
SELECT address FROM mailboxes
WHERE address = ANY ($1) AND is_active AND expires_at > clock_timestamp()
FOR NO KEY UPDATE SKIP LOCKED;

PREPARE living_mailboxes (text[]) AS
SELECT address FROM mailboxes
WHERE address = ANY ($1) AND is_active AND expires_at > clock_timestamp();

PREPARE bump (bigint[], bigint[]) AS
UPDATE mailboxes
SET last_seq = last_seq + ($2)[array_position($1, id)],
    message_count = message_count + ($2)[array_position($1, id)]
WHERE id = ANY ($1)
"""  # noqa: S608  # our own constant

SESSION = {
    # One mailbox that somebody holds must not hold up everybody's mail for long.
    "lock_timeout": "300ms",
    # The statement never changes and the tables are looked into by their indexes alone; a plan
    # made while they were still empty must not scan them for ever.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}

_LOCK = "BEGIN; EXECUTE lock_mailboxes(%s)"
_COMMIT = "EXECUTE bump(%s, %s); COMMIT"
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

_Outcome = list[Placement] | Unavailable


@define
class _Locked:
    """A mailbox that the transaction holds.

    :ivar room: messages that it may still take.
    :ivar bucket, expires_at: of its messages, in microseconds since 2000-01-01.
    :ivar stored: messages that it takes in this transaction.
    """

    id: int
    last_seq: int
    max_bytes: int
    room: int
    bucket: int
    expires_at: int
    stored: int = 0

    def place(self, size: int) -> Placement:
        """Decide on one more message of ``size`` bytes."""
        if size > self.max_bytes:
            return Placement(Verdict.TOO_LARGE, self.id)
        if self.stored >= self.room:
            return Placement(Verdict.FULL, self.id)
        self.stored += 1
        seq = self.last_seq + self.stored
        (identity,) = message_ids([seq])
        return Placement(Verdict.STORED, self.id, identity, seq)


class BatchWriter:
    """Writes batches on whatever connection it is handed.

    :param reconnect: opens a connection to ask what became of a commit.
    :param decoy: for batches of which nobody gets anything.
    :param pause, clock: waits and counts seconds; only ever called in the database's thread.
    """

    _log = Logger()

    def __init__(
        self,
        reconnect: Callable[[], Connection],
        decoy: Decoy,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reconnect = reconnect
        self._decoy = decoy
        self._pause = pause
        self._clock = clock

    def write(self, connection: Connection, batch: Batch) -> None:
        """Give every entry of ``batch`` its outcome; never raises."""
        batch.connection = connection
        try:
            self._write(connection, batch, batch.entries)
        except Exception as error:  # whatever it was, no sender may be left waiting
            if not is_loss(error):
                self._log.failure("a batch failed")
            connection.close()
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
            if isinstance(error, psycopg2.errors.LockNotAvailable):
                busy = self._busy(connection, entries)
                if busy:
                    self._refuse(busy, Unavailable("somebody holds the mailbox"))
                    free = [entry for entry in entries if entry not in busy]
                    if free:
                        self._write(connection, batch, free)
                    return
            if isinstance(error, psycopg2.Error) and not (error.pgcode or "").startswith(_POISON):
                self._refuse(entries, error)
            elif len(entries) == 1:
                self._log.error("a message cannot be stored: {why}", why=one_line(error))
                self._refuse(entries, error)
            else:
                middle = len(entries) // 2
                self._write(connection, batch, entries[:middle])
                self._write(connection, batch, entries[middle:])

    def _busy(self, connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
        """Those for a mailbox that somebody holds now: an owner who extends it moves its mail."""
        addresses = list({one.address for entry in entries for one in entry.envelope.recipients})
        with connection.cursor() as cursor:
            cursor.execute("BEGIN; EXECUTE free_mailboxes(%s)", (addresses,))
            free = {address for (address,) in cursor}
            cursor.execute("EXECUTE living_mailboxes(%s)", (addresses,))
            held = {address for (address,) in cursor} - free
            cursor.execute("ROLLBACK")
        return [
            entry
            for entry in entries
            if any(one.address in held for one in entry.envelope.recipients)
        ]

    def _commit(self, connection: Connection, batch: Batch, entries: Sequence[Entry]) -> None:
        if connection.closed or batch.claim.refused:
            raise Unavailable("storage is away")
        with connection.cursor() as cursor:
            outcomes, keys, finish = self._insert(cursor, entries, batch.started)
            if not batch.claim.commit():
                cursor.execute("ROLLBACK")
                raise Unavailable("storage is too slow")
            backend = connection.get_backend_pid()
            try:
                finish()
            except psycopg2.Error as error:
                if is_loss(error):
                    self._log.warn("COMMIT did not return: {why}", why=one_line(error))
                    connection.close()
                if not is_loss(error) or not self._committed(batch, backend, outcomes, keys):
                    batch.claim.reopen()
                    raise
            # Before the claim opens again: who refuses then must find these decided.
            for entry, outcome in zip(entries, outcomes, strict=True):
                entry.outcome = outcome
            batch.claim.reopen()

    def _insert(
        self, cursor: Any, entries: Sequence[Entry], started: float
    ) -> tuple[list[_Outcome], set[Name], Callable[[], None]]:
        """Decide for each recipient and copy the rows in.

        :returns: each entry's outcome, the keys written, and what commits.
        """
        addresses = {one.address for entry in entries for one in entry.envelope.recipients}
        cursor.execute(_LOCK, (list(addresses),))
        boxes = {address: _Locked(*row) for address, *row in cursor}
        wanted = [once for entry in entries if (once := entry.envelope.once) is not None]
        claims = Claims(cursor, wanted) if wanted else None
        rows = Rows()
        outcomes: list[_Outcome] = []
        for entry in entries:
            envelope = entry.envelope
            if claims is not None and envelope.once is not None:
                settled = claims.settled(envelope)
                if settled is not None:
                    outcomes.append(settled)
                    continue
            placements, places = [], []
            for index, recipient in enumerate(envelope.recipients):
                box = boxes.get(recipient.address)
                placement = Placement(Verdict.UNKNOWN) if box is None else box.place(envelope.size)
                placements.append(placement)
                if box is not None and placement.message_id is not None:
                    identity, seq = placement.message_id.bytes, placement.seq or 0
                    places.append((index, identity, box.id, seq, box.bucket, box.expires_at))
            if places:
                found = scan(envelope.chunks, envelope.mail_from)
                headers = (found.from_address, found.from_name, found.subject)
                rows.add(envelope, headers, places, int(1000 * (started - entry.entered)))
            outcomes.append(placements)
        stored = {box.id: box.stored for box in boxes.values() if box.stored}
        keys = set() if claims is None else claims.ours
        if not stored:
            return outcomes, keys, self._drop(cursor, entries, outcomes, started)
        rows.close()
        cursor.copy_expert(COPY, rows, COPY_PIECE)
        counts = list(stored), list(stored.values())
        return outcomes, keys, lambda: cursor.execute(_COMMIT, counts)

    def _drop(
        self, cursor: Any, entries: Sequence[Entry], outcomes: list[_Outcome], started: float
    ) -> Callable[[], None]:
        """Let a batch of which nobody gets anything take its time; what commits its keys."""
        told = [entry for entry in entries if entry.envelope.once is None]
        if not told:  # nobody times what we fetch ourselves, or what names itself
            return lambda: cursor.execute("COMMIT")
        finish = self._decoy.write(cursor, told, started)
        if finish is not None:
            return finish
        for index, entry in enumerate(entries):
            if entry.envelope.once is not None:  # its key was rolled back with the decoy
                outcomes[index] = Unavailable("storage failed")
        return lambda: None

    def _committed(
        self, batch: Batch, backend: int, outcomes: Sequence[_Outcome], keys: set[Name]
    ) -> bool:
        """What became of a transaction whose connection was lost in COMMIT.

        :raises Undecided: the server cannot be asked, or does not know yet.
        """
        stored = [
            one
            for placements in outcomes
            if isinstance(placements, list)
            for one in placements
            if one.seq is not None
        ]
        if not stored and not keys:
            return True
        end = self._clock() + _FATE_PATIENCE
        while True:
            why: Exception | None = None
            try:
                fate = self._fate(batch, backend, stored, keys)
            except (Unavailable, psycopg2.Error) as error:  # it may be starting again
                fate, why = None, error
            if fate is not None:
                return fate
            if self._clock() >= end:
                raise Undecided("storage was lost in the middle of a commit") from why
            self._pause(_FATE_PAUSE)

    def _fate(
        self, batch: Batch, backend: int, stored: Sequence[Placement], keys: set[Name]
    ) -> bool | None:
        """Whether the rows are there; None where they may still come.

        The rows are the proof, not ``pg_xact_status``: a server that crashed may have given
        the number of a transaction it forgot to another one.  Where there are none, the keys
        are: whoever wrote all of them has dealt with these mails.
        """
        connection = self._reconnect()
        batch.connection = connection
        try:
            with connection.cursor() as cursor:
                cursor.execute(_AT_WORK, (backend,))
                at_work = cursor.fetchone()
                if stored:
                    cursor.execute(
                        _ARE_THERE,
                        (
                            [one.mailbox_id for one in stored],
                            [one.seq for one in stored],
                            [str(one.message_id) for one in stored],
                        ),
                    )
                    are_there = cursor.fetchone() == (True,)
                else:
                    are_there = known(cursor, keys) == keys
        finally:
            connection.close()
        if are_there:
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
