"""Group commit: whatever queued while the last commit ran is the next batch.

No timer gathers mails; under load batches grow by themselves, and a lone mail waits for nobody.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import psycopg2
from twisted.enterprise.adbapi import ConnectionPool
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.core.metrics import Metrics
from tempmail.model.errors import Unavailable
from tempmail.model.message import Envelope, Placement
from tempmail.storage import batch_writer, decoy, once
from tempmail.storage.batch import Batch, Entry
from tempmail.storage.batch_writer import SESSION, BatchWriter
from tempmail.storage.connection import Connection, connect, one_line, parameters
from tempmail.storage.decoy import Decoy


class GroupCommit:
    """:class:`tempmail.core.ports.Ingest` on one dedicated connection with its own thread.

    :param dsn: a libpq URL or keyword string.
    :param reactor: for the thread and the deadline.
    :param metrics: queue, batches, commits, refusals.
    :param queue: messages that may wait; more are refused with 451.
    :param batch_messages, batch_bytes: caps of one transaction, the bytes counted for each
        recipient; a larger message goes alone.
    :param deadline: seconds from the start of a batch until its senders are answered 451.
    """

    _log = Logger()

    def __init__(
        self,
        dsn: str,
        reactor: Any,
        metrics: Metrics,
        *,
        queue: int = 5000,
        batch_messages: int = 400,
        batch_bytes: int = 16 * 1024 * 1024,
        deadline: float = 20,
    ) -> None:
        self._clock: IReactorTime = reactor
        self._queue: deque[Entry] = deque()
        self._queue_limit = queue
        self._batch_messages = batch_messages
        self._batch_bytes = batch_bytes
        self._deadline = deadline
        self._running: Batch | None = None
        self._stopping: Deferred[None] | None = None
        self._refused = metrics.ingest_refused
        self._batch_rows = metrics.batch_rows
        self._commit_seconds = metrics.commit_seconds
        metrics.ingest_queue.set_function(lambda: len(self._queue))
        self._writer = BatchWriter(lambda: connect(dsn), Decoy())
        self._pool = ConnectionPool(
            "psycopg2",
            cp_min=1,
            cp_max=1,
            cp_noisy=False,
            cp_reactor=reactor,
            cp_openfun=_prepare,
            **parameters(dsn, **SESSION),
        )

    def store(self, envelope: Envelope) -> Deferred[list[Placement]]:
        """See :meth:`tempmail.core.ports.Ingest.store`."""
        answer: Deferred[list[Placement]] = Deferred()
        if self._stopping is not None or len(self._queue) >= self._queue_limit:
            self._refused.labels("stopping" if self._stopping else "queue_full").inc()
            answer.errback(Unavailable("too many messages are waiting"))
            return answer
        self._queue.append(Entry(envelope, answer, self._clock.seconds()))
        if self._running is None:
            self._start_batch()
        return answer

    def stop(self) -> Deferred[None]:
        """Take nothing more; fires when everything that was taken has been answered."""
        if self._stopping is not None:
            return succeed(None)
        self._stopping = Deferred()
        self._stopping.addCallback(lambda _: self._pool.close())
        if self._running is None:
            self._stopping.callback(None)
        return self._stopping

    def abort(self) -> None:
        """Free the thread, if a batch is under way: what it has not begun to commit is refused."""
        batch = self._running
        if batch is not None:
            if batch.deadline is not None and batch.deadline.active():
                batch.deadline.cancel()
            self._overdue(batch)

    def _start_batch(self) -> None:
        queue = self._queue
        entries = [queue.popleft()]
        room = self._batch_bytes - _weight(entries[0])
        while queue and len(entries) < self._batch_messages and _weight(queue[0]) <= room:
            entries.append(queue.popleft())
            room -= _weight(entries[-1])
        batch = self._running = Batch(entries, self._clock.seconds())
        self._batch_rows.observe(len(entries))
        batch.deadline = self._clock.callLater(self._deadline, self._overdue, batch)
        self._pool.runWithConnection(self._in_thread, batch).addErrback(
            self._no_connection
        ).addCallback(self._written, batch)

    def _in_thread(self, pooled: Any, batch: Batch) -> None:
        if pooled.closed:
            pooled.reconnect()
        # adbapi wraps the connection; the batch must reach its socket.
        self._writer.write(pooled._connection, batch)  # noqa: SLF001

    def _no_connection(self, failure: Failure) -> None:
        if isinstance(failure.value, psycopg2.Error):
            self._log.error("ingest: no connection: {why}", why=one_line(failure.value))
        else:
            self._log.failure("ingest: the thread failed", failure)

    def _written(self, _: None, batch: Batch) -> None:
        if batch.deadline is not None and batch.deadline.active():
            batch.deadline.cancel()
        self._commit_seconds.observe(self._clock.seconds() - batch.started)
        self._answer(batch.entries)
        self._running = None  # only now: what these answers set off is the next batch's
        if self._queue:
            self._start_batch()
        elif self._stopping is not None:
            self._stopping.callback(None)

    def _overdue(self, batch: Batch) -> None:
        if not batch.claim.refuse():
            # It is committing: its senders wait until the outcome is known, but the thread
            # must not wait for ever for a server that does not answer, nor for one that stops
            # answering while it is asked for that outcome.
            self._log.error("a commit takes longer than {seconds} s", seconds=self._deadline)
            batch.interrupt()
            batch.deadline = self._clock.callLater(self._deadline, self._overdue, batch)
            return
        self._log.error(
            "ingest: {count} messages refused, storage did not answer in {seconds} s",
            count=len(batch.entries) + len(self._queue),
            seconds=self._deadline,
        )
        batch.interrupt()
        waiting = [*batch.entries, *self._queue]
        self._queue.clear()
        for entry in waiting:
            entry.outcome = entry.outcome or Unavailable("storage does not answer")
        self._answer(waiting)

    def _answer(self, entries: Any) -> None:
        for entry in entries:
            answer = entry.answer
            if answer.called:  # refused at the deadline
                continue
            outcome = entry.outcome
            if isinstance(outcome, list):
                answer.callback(outcome)
            else:
                self._refused.labels("storage").inc()
                answer.errback(outcome or Unavailable("storage cannot be reached"))


def _weight(entry: Entry) -> int:
    """The bytes that an entry's rows take in a transaction."""
    return entry.envelope.size * len(entry.envelope.recipients)


def _prepare(connection: Connection) -> None:
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(batch_writer.PREPARE)
        cursor.execute(decoy.PREPARE)
        cursor.execute(once.PREPARE)
