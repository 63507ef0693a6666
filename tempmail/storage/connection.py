"""Connections to PostgreSQL: how they are opened, and how a stuck one is freed."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Any

import psycopg2
import psycopg2.errors
import psycopg2.extensions

from tempmail.model.errors import Unavailable

CONNECT_TIMEOUT = 5
"""Seconds."""

_SESSION = {
    # A role or a database may have these otherwise; 250 means committed to disk.
    "synchronous_commit": "on",
    "default_transaction_isolation": r"read\ committed",  # escaped for libpq's options
    "client_encoding": "UTF8",
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    # One old snapshot keeps every bump of a mailbox's counters on disk.
    "idle_in_transaction_session_timeout": "30s",
    "timezone": "UTC",
    "jit": "off",
}

_NETWORK = {
    "application_name": "tempmail",
    "connect_timeout": CONNECT_TIMEOUT,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "target_session_attrs": "read-write",
}


class Connection(psycopg2.extensions.connection):
    """A connection whose thread can be freed from another one.

    A server that is frozen inside COMMIT answers neither ``cancel`` nor any timeout of its
    own; shutting the socket down makes the waiting call fail at once.
    """

    def __init__(self, dsn: str, *more: Any) -> None:
        super().__init__(dsn, *more)
        # A duplicate of our own: the number of libpq's descriptor may be reused after a close.
        self._socket = socket.socket(fileno=os.dup(self.fileno()))

    def commit(self) -> None:
        """Commit; nothing on a lost connection, since adbapi commits whatever it gets back."""
        if not self.closed:
            super().commit()

    def rollback(self) -> None:
        """Roll back; nothing on a lost connection, which the server has done already."""
        if not self.closed:
            super().rollback()

    def interrupt(self) -> None:
        """Make whatever waits on this connection fail; may be called from any thread."""
        with contextlib.suppress(OSError):  # gone already, which is what was wanted
            self._socket.shutdown(socket.SHUT_RDWR)


def parameters(dsn: str, **session: str) -> dict[str, Any]:
    """Keyword arguments for ``psycopg2.connect``.

    :param dsn: a libpq URL or keyword string; what it says about the network wins over ours.
    :param session: settings of the session beside the usual ones.
    """
    asked = psycopg2.extensions.parse_dsn(dsn)
    ours = {name: value for name, value in _NETWORK.items() if name not in asked}
    settings = " ".join(f"-c {name}={value}" for name, value in {**_SESSION, **session}.items())
    options = f"{asked.get('options', '')} {settings}".strip()
    return {**asked, **ours, "options": options, "connection_factory": Connection}


def connect(dsn: str, **session: str) -> Connection:
    """Open a connection and wait for it.

    :raises Unavailable: in one line, why not.
    """
    try:
        connection: Connection = psycopg2.connect(**parameters(dsn, **session))
    except psycopg2.Error as error:
        raise Unavailable(f"the database cannot be reached: {one_line(error)}") from error
    return connection


def one_line(error: BaseException) -> str:
    """An error's text on a single line.

    Of what the server says only the message: the rest quotes the statement and its values, and
    those are mail.
    """
    said = error.diag.message_primary if isinstance(error, psycopg2.Error) else None
    return " ".join((said or str(error)).split()) or type(error).__name__


def is_loss(error: BaseException) -> bool:
    """Whether an error means that the connection is gone, or the server is leaving.

    A lost server is reported without an SQLSTATE, and the connection does not always know
    by then; class 57 is the server's own word that it ends.
    """
    if not isinstance(error, psycopg2.Error):
        return False
    if isinstance(error, psycopg2.errors.QueryCanceled):
        return False  # class 57 too, but only a statement that took too long
    return error.pgcode is None or error.pgcode.startswith(("57", "08"))
