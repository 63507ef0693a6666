"""Short transactions on a small pool of connections, with a bound on how many may wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

import psycopg2
from psycopg2.extensions import cursor as Cursor  # noqa: N812  # it is a class
from twisted.enterprise.adbapi import ConnectionPool
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.core.metrics import Metrics
from tempmail.model.errors import Busy, Unavailable
from tempmail.storage.connection import Connection, is_loss, one_line, parameters
from tempmail.storage.direct import Direct, Rows, TooSlow

P = ParamSpec("P")
T = TypeVar("T")

__all__ = ["Cursor", "Database", "snapshot"]

_SNAPSHOT = "ISOLATION LEVEL REPEATABLE READ READ ONLY"


class _Transaction(Cursor):
    """A cursor on a connection that commits by itself, whose first statement opens a transaction:
    with the statement, for a round trip of its own would double what many calls cost.

    :ivar mode: of the transaction.
    """

    mode = ""
    begun = False

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002  # psycopg2's name
        if not self.begun:
            self.begun = True
            opening = f"BEGIN {self.mode};"
            query = opening.encode() + query if isinstance(query, bytes) else opening + query
        super().execute(query, vars)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        if not self.begun:
            self.execute("")
        super().copy_expert(sql, file, size)

    def end(self, how: str) -> None:
        if self.begun:
            super().execute(how)


def snapshot(cursor: Cursor) -> None:
    """Let all that is read in this transaction be of one moment; called before anything else."""
    if isinstance(cursor, _Transaction):
        cursor.mode = _SNAPSHOT
    else:
        cursor.execute(f"SET TRANSACTION {_SNAPSHOT}")


class _Call:
    """One piece of work on its way through a thread; lets the reactor free that thread.

    :ivar answer: fires once: with the outcome, or at the deadline.
    :ivar alone: whether each statement is a transaction of its own.
    """

    def __init__(self, *, alone: bool) -> None:
        self.answer: Deferred[Any] = Deferred()
        self.alone = alone
        self.connection: Connection | None = None
        self.overdue = False
        self.committing = False

    def interrupt(self) -> None:
        self.overdue = True
        if self.connection is not None:
            self.connection.interrupt()


class Database:
    """Runs functions ``(cursor, ...) -> value``, each in a transaction of its own.

    :param dsn: a libpq URL or keyword string.
    :param reactor: for the threads and the deadline.
    :param metrics: counts what was turned away or failed.
    :param connections: how many; each has a thread.
    :param direct: how many more for :meth:`rows`; none has a thread.
    :param waiting: how many calls may be under way or wait before more are turned away.
    :param deadline: seconds after which a call is given up and its thread freed.
    """

    _log = Logger()

    def __init__(
        self,
        dsn: str,
        reactor: Any,
        metrics: Metrics,
        *,
        connections: int = 4,
        direct: int = 8,
        waiting: int = 400,
        deadline: float = 10,
    ) -> None:
        self._reactor: Any = reactor
        self._clock: IReactorTime = reactor
        self._refused = metrics.database_refused
        self._waiting = waiting
        self._deadline = deadline
        self._under_way: set[_Call] = set()
        self._stopped = False
        self._pool = ConnectionPool(
            "psycopg2",
            cp_min=1,
            cp_max=connections,
            cp_noisy=False,
            cp_reactor=reactor,
            **parameters(dsn),
        )
        self._direct = Direct(dsn, reactor, self._pool.threadpool, direct, deadline)

    async def run(
        self, work: Callable[Concatenate[Cursor, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call ``work(cursor, *args)`` in a thread and commit.

        :raises Unavailable: the database is away, too slow, or too many are waiting; nothing
            was committed unless the trouble came in the middle of COMMIT.

        Whatever else ``work`` raises is raised here, after a rollback.
        """
        return await self._run(_Call(alone=False), work, *args, **kwargs)

    async def singly(
        self, work: Callable[Concatenate[Cursor, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The same for ``work`` each of whose statements is a transaction of its own: what reads
        with one statement has one round trip so instead of two.
        """
        return await self._run(_Call(alone=True), work, *args, **kwargs)

    async def rows(self, sql: str, values: Mapping[str, Any], *, again: bool = True) -> Rows:
        """What one statement returns, as a transaction of its own and without a thread.

        :param again: False for a statement that changes something: once its connection is lost
            it may have been done, so it is not sent again.
        :raises Unavailable: as :meth:`run`; a statement that changes something may have been
            done where its connection was lost or it was too slow.
        """
        self._check_room(len(self._direct.under_way))
        try:
            return await self._direct.send(sql, values, again=again)
        except psycopg2.Error as error:
            raise self._translated(error, overdue=isinstance(error, TooSlow)) from None

    async def _run(
        self,
        call: _Call,
        work: Callable[Concatenate[Cursor, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        self._check_room(len(self._under_way))
        self._under_way.add(call)
        timer = self._clock.callLater(self._deadline, self._overdue, call)
        # Whoever asked may leave meanwhile: the call keeps its place and its deadline until its
        # thread has ended.
        deferToThreadPool(
            self._reactor,
            self._pool.threadpool,
            self._in_thread,
            call,
            lambda cursor: work(cursor, *args, **kwargs),
        ).addBoth(self._ended, call, timer)
        outcome: T = await call.answer
        return outcome

    def stop(self) -> None:
        """Free the threads and close the connections; twice is once."""
        if self._stopped:
            return
        self._stopped = True
        for call in tuple(self._under_way):
            call.interrupt()
        self._direct.stop()
        self._pool.close()

    def _check_room(self, under_way: int) -> None:
        if self._stopped:
            self._refused.labels("stopping").inc()
            raise Unavailable("this server is stopping; try again")
        if under_way >= self._waiting:
            self._refused.labels("queue_full").inc()
            raise Busy("the database is busy; try again")

    def _overdue(self, call: _Call) -> None:
        call.interrupt()
        if not call.answer.called:
            call.answer.errback(self._translated(TooSlow(), overdue=True))

    def _ended(self, outcome: object, call: _Call, timer: IDelayedCall) -> None:
        self._under_way.discard(call)
        if timer.active():
            timer.cancel()
        if call.answer.called:
            return
        if isinstance(outcome, Failure):
            outcome = outcome.value
        if isinstance(outcome, BaseException):
            call.answer.errback(self._translated(outcome, overdue=call.overdue))
        else:
            call.answer.callback(outcome)

    def _in_thread(self, call: _Call, work: Callable[[Cursor], object]) -> object:
        """What ``work`` returned or raised."""
        pool = self._pool
        for again in (True, False):
            try:
                connection: Connection = pool.connect()  # this thread's own
            except psycopg2.Error as error:
                return error
            call.connection = connection
            try:
                if call.overdue:
                    return TooSlow()
                return _transaction(connection, call, work)
            except BaseException as error:
                if is_loss(error):
                    pool.disconnect(connection)  # the next call gets a new one
                # What was lost in COMMIT may have happened: only the caller can look.
                if not again or call.committing or call.overdue or not is_loss(error):
                    return error
            finally:
                call.connection = None
        raise AssertionError("unreachable")

    def _translated(self, error: BaseException, *, overdue: bool) -> BaseException:
        if isinstance(error, psycopg2.Error):
            reason = "deadline" if overdue else "failed"
            self._refused.labels(reason).inc()
            self._log.error(
                "database: {reason} {sqlstate} {why}",
                reason=reason,
                sqlstate=error.pgcode,
                why=one_line(error),
            )
            return Unavailable("the database cannot be reached; try again")
        return error


def _transaction(connection: Connection, call: _Call, work: Callable[[Cursor], T]) -> T:
    if not connection.autocommit:
        connection.autocommit = True
    if call.alone:
        with connection.cursor() as cursor:
            return work(cursor)
    with connection.cursor(cursor_factory=_Transaction) as transaction:
        try:
            value = work(transaction)
            call.committing = True
            transaction.end("COMMIT")
        except BaseException:
            if not connection.closed:
                transaction.end("ROLLBACK")
            raise
    return value
