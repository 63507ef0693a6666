"""Single statements without threads: connections that the reactor drives.

Handing a statement to a thread and its answer back costs more than a look-up itself.  libpq can
be asked and read without blocking (PostgreSQL manual, "Asynchronous Command Processing"), which
psycopg2 gives a descriptor and :meth:`poll` for.  Each statement is a transaction of its own.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec
import psycopg2
import psycopg2.extensions
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE
from psycopg2.extras import register_default_jsonb
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReadWriteDescriptor
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

from tempmail.storage.connection import CONNECT_TIMEOUT, is_loss, parameters
from tempmail.storage.prepared import Prepared

Rows = list[tuple[Any, ...]]

_LONG = 4096
"""Bytes of a statement that the kernel takes at once from whoever waits for each answer."""


class TooSlow(psycopg2.OperationalError):
    """There was no answer within the deadline."""

    def __init__(self) -> None:
        super().__init__("not answered within the deadline")


class Statement:
    """One statement on its way.

    :ivar again: whether it may be sent once more after its connection was lost.
    :ivar answer: fires once, with the rows or a psycopg2 error.
    :ivar late: when it is given up.
    """

    __slots__ = ("again", "answer", "late", "link", "sql", "values")

    def __init__(self, sql: str, values: Mapping[str, Any], late: float, *, again: bool) -> None:
        self.sql = sql
        self.values = values
        self.late = late
        self.again = again
        self.answer: Deferred[Rows] = Deferred()
        self.link: _Link | None = None


class Direct:
    """Sends statements, as many at a time as there are connections; the others wait in order.

    :param dsn: a libpq URL or keyword string.
    :param threads: in which connections are opened.
    :param connections: how many at most; they are opened as they are needed.
    :param deadline: seconds after which a statement is given up and its connection closed.
    """

    def __init__(
        self, dsn: str, reactor: Any, threads: ThreadPool, connections: int, deadline: float
    ) -> None:
        self.under_way: dict[Statement, None] = {}
        self._parameters = parameters(dsn)
        del self._parameters["connection_factory"]  # whose duplicate is for other threads
        self._reactor: Any = reactor
        self._threads = threads
        self._most = connections
        self._deadline = deadline
        self._waiting: deque[Statement] = deque()
        self._idle: list[_Link] = []
        self._links: set[_Link] = set()
        self._opening = 0
        self._timer: IDelayedCall | None = None
        self._stopped = False

    def send(self, sql: str, values: Mapping[str, Any], *, again: bool) -> Deferred[Rows]:
        """Send one statement.

        Whoever leaves leaves only the answer: the statement keeps its place and its deadline.

        :param again: whether doing it twice does no harm.
        :returns: the rows; fails with a psycopg2 error.
        """
        late = self._reactor.seconds() + self._deadline
        statement = Statement(sql, values, late, again=again)
        self.under_way[statement] = None
        if self._timer is None:
            self._timer = self._reactor.callLater(self._deadline, self._look_at_deadlines)
        while self._idle:
            link = self._idle.pop()
            if again or link.lives():
                self._begin(link, statement)
                return statement.answer
        self._waiting.append(statement)
        self._open()
        return statement.answer

    def stop(self) -> None:
        """Close the connections; what is under way fails.  Twice is once."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for link in tuple(self._links):
            link.close()
        self._idle.clear()
        for statement in tuple(self.under_way):
            self.ended(statement, _lost("this server is stopping"))
        self._waiting.clear()

    def ended(self, statement: Statement, outcome: Rows | BaseException) -> None:
        """A statement is over; late ones are told so by the deadline alone."""
        if self.under_way.pop(statement, self) is self or statement.answer.called:
            return
        if isinstance(outcome, BaseException):
            statement.answer.errback(outcome)
        else:
            statement.answer.callback(outcome)

    def lost(self, link: _Link, statement: Statement | None, why: BaseException) -> None:
        """A connection is gone, with what it was asked."""
        self._links.discard(link)
        if link in self._idle:
            self._idle.remove(link)
        if statement is not None:
            if statement.again and statement in self.under_way and not self._stopped:
                statement.again = False
                self._waiting.appendleft(statement)
            else:
                self.ended(statement, why)
        if self._waiting:
            self._open()

    def freed(self, link: _Link) -> None:
        """A connection has nothing to do."""
        while self._waiting:
            statement = self._waiting.popleft()
            if statement in self.under_way:
                self._begin(link, statement)
                return
        self._idle.append(link)

    def _begin(self, link: _Link, statement: Statement) -> None:
        statement.link = link
        link.send(statement)

    def _look_at_deadlines(self) -> None:
        self._timer = None
        now = self._reactor.seconds()
        for statement in tuple(self.under_way):
            if statement.late > now:  # and so are those behind it
                self._timer = self._reactor.callLater(statement.late - now, self._look_at_deadlines)
                return
            why = TooSlow()
            link = statement.link
            self.ended(statement, why)
            if link is not None and link.statement is statement:
                link.close()
                self.lost(link, None, why)

    def _open(self) -> None:
        if self._stopped or len(self._links) + self._opening >= self._most:
            return
        if self._opening >= len(self._waiting):
            return
        self._opening += 1
        # In a thread: a name is looked up, and that blocks.
        deferToThreadPool(self._reactor, self._threads, _connected, self._parameters).addBoth(
            self._opened
        )

    def _opened(self, outcome: Any) -> None:
        self._opening -= 1
        if isinstance(outcome, Failure):
            while self._idle and self._waiting:
                self.freed(self._idle.pop())
            if self._links or self._opening:
                return  # the others may still do
            waiting, self._waiting = self._waiting, deque()
            for statement in waiting:
                assert outcome.value is not None
                self.ended(statement, outcome.value)
        elif self._stopped:
            outcome.close()
        else:
            link = _Link(outcome, self._reactor, self)
            self._links.add(link)
            self.freed(link)
            if self._waiting:
                self._open()


@implementer(IReadWriteDescriptor)
class _Link:
    """A connection and what it is asked now."""

    def __init__(self, connection: Any, reactor: Any, direct: Direct) -> None:
        self.statement: Statement | None = None
        self._connection = connection
        self._cursor = connection.cursor()
        self._prepared = Prepared()
        self._reactor = reactor
        self._direct = direct
        # A duplicate of our own: libpq closes its descriptor as soon as the server is gone, and the
        # reactor must not be left with a number that is somebody else's.
        self._fileno = os.dup(connection.fileno())
        self._poll = select.poll()
        self._poll.register(self._fileno, select.POLLIN)
        self._writing = False
        self._closed = False
        reactor.addReader(self)

    def fileno(self) -> int:
        return self._fileno

    def logPrefix(self) -> str:  # noqa: N802  # Twisted's name
        return "PostgreSQL"

    def connectionLost(self, reason: Failure) -> None:  # noqa: ARG002  # Twisted's name
        self._gone(_lost("the connection was lost"))

    def send(self, statement: Statement) -> None:
        self.statement = statement
        try:
            self._cursor.execute(self._prepared.call(statement.sql), statement.values)
            if len(self._cursor.query) > _LONG:
                self._go_on()
        except BaseException as error:  # values that PostgreSQL cannot have, too
            self._failed(error)

    def lives(self) -> bool:
        """Whether the server has said nothing on an idle connection, such as that it ends it."""
        if self._poll.poll(0):
            self._gone(_lost("the server ended the connection"))
        return not self._closed

    def doRead(self) -> None:  # noqa: N802  # Twisted's name
        self._go_on()

    def doWrite(self) -> None:  # noqa: N802  # Twisted's name
        self._go_on()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._reactor.removeReader(self)
            self._reactor.removeWriter(self)
            self._connection.close()
            os.close(self._fileno)

    def _go_on(self) -> None:
        if self._closed:
            return
        try:
            state = self._connection.poll()
            writing = state == POLL_WRITE
            if writing != self._writing:
                self._writing = writing
                (self._reactor.addWriter if writing else self._reactor.removeWriter)(self)
            if state != POLL_OK or self.statement is None:
                return
            rows = self._cursor.fetchall()
        except BaseException as error:
            self._failed(error)
            return
        statement, self.statement = self.statement, None
        # The next one goes out before the answer is worked on, which takes longer.
        self._direct.freed(self)
        self._direct.ended(statement, rows)

    def _failed(self, error: BaseException) -> None:
        statement = self.statement
        if statement is None or is_loss(error) or self._connection.closed:
            self._gone(error)
            return
        self._prepared.failed(statement.sql, getattr(error, "pgcode", None))
        self.statement = None
        self._direct.freed(self)
        self._direct.ended(statement, error)

    def _gone(self, why: BaseException) -> None:
        if not self._closed:
            self.close()
            statement, self.statement = self.statement, None
            self._direct.lost(self, statement, why)


def _connected(parameters: Mapping[str, Any]) -> Any:
    """A connection for the reactor, once it can be used; called in a thread."""
    late = time.monotonic() + CONNECT_TIMEOUT
    connection: Any = psycopg2.connect(**parameters, async_=True)
    try:
        while (state := connection.poll()) != POLL_OK:
            poll = select.poll()
            poll.register(connection, select.POLLIN if state == POLL_READ else select.POLLOUT)
            left = late - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise _lost("no connection within the time for it")
        register_default_jsonb(connection, loads=msgspec.json.decode)
    except BaseException:
        connection.close()
        raise
    return connection


def _lost(why: str) -> psycopg2.OperationalError:
    return psycopg2.OperationalError(why)
