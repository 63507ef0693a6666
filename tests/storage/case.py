"""What the tests of storage share: a database of the test's own, and what goes into it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.trial.unittest import TestCase

from tempmail.core.metrics import Metrics
from tempmail.model.address import Domains
from tempmail.model.mailbox import Mailbox, NewMailbox, OwnerType, SessionOwner
from tempmail.model.message import Attachment, Envelope, Placement, View
from tempmail.storage.connection import Connection, connect
from tempmail.storage.database import Database
from tempmail.storage.ingest import GroupCommit
from tempmail.storage.mailboxes import PostgresMailboxes
from tempmail.storage.messages import PostgresMessages

DOMAINS = Domains(["example.test"])
MAIL = b"From: Ann <ann@sender.test>\r\nSubject: Hello\r\n\r\nYour code is 4711.\r\n"

VIEW = View(
    subject="Grüße",
    from_address="ann@sender.test",
    from_name="Ann",
    cc=("bob@sender.test",),
    reply_to=(),
    date=None,
    body_text="a text",
    body_html="<p>a text",
    headers=(("Subject", "Grüße"),),
    attachments=(Attachment(0, "a.pdf", "application/pdf", 12, None, False),),
    defects=("odd",),
    parser_version=7,
)


def envelope(*recipients: str, raw: bytes = MAIL, mail_from: str = "ann@sender.test") -> Envelope:
    found = [DOMAINS.recipient(f"{name}@example.test") for name in recipients]
    return Envelope(
        mail_from=mail_from,
        recipients=tuple(one for one in found if one is not None),
        helo="client.test",
        peer_ip="127.0.0.1",
        tls=None,
        chunks=(raw,),
        size=len(raw),
    )


def make_mailbox(connection: Connection, name: str, **columns: Any) -> int:
    """A living anonymous mailbox ``name@example.test``, straight into the table."""
    values = {
        "address": f"{name}@example.test",
        "owner_type": "anonymous",
        "session_token_hash": hashlib.sha256(name.encode()).digest(),
        **columns,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO mailboxes ({', '.join(values)}, expires_at, bucket)"
            f" SELECT {', '.join(['%s'] * len(values))}, e, bucket_of(e, clock_timestamp())"
            " FROM (SELECT clock_timestamp() + interval '1 hour' AS e) AS t RETURNING id",
            tuple(values.values()),
        )
        (identity,) = cursor.fetchone() or (0,)
    return int(identity)


def owner(name: str) -> SessionOwner:
    """Whoever may open the mailbox that :func:`make_mailbox` made."""
    return SessionOwner(hashlib.sha256(name.encode()).digest())


async def failures(calls: Sequence[Deferred[Any]]) -> list[type[BaseException]]:
    """How those of ``calls`` failed that did."""
    outcomes: list[tuple[bool, Any]] = await DeferredList(calls, consumeErrors=True)
    return [type(outcome.value) for good, outcome in outcomes if not good]


def verdicts(placements: Sequence[Placement]) -> list[str]:
    return [placement.verdict.value for placement in placements]


@pytest.mark.usefixtures("dsn")
class StorageCase(TestCase):
    """Each test has a database of its own in ``self.dsn``."""

    dsn: str
    timeout = 60

    def setUp(self) -> None:
        self.connection = self.connect()
        self.metrics = Metrics()

    def connect(self) -> Connection:
        """A session beside the daemon's, each statement on its own."""
        connection = connect(self.dsn)
        connection.autocommit = True
        self.addCleanup(connection.close)
        return connection

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else []

    def make_ingest(self, **limits: Any) -> GroupCommit:
        ingest = GroupCommit(self.dsn, reactor, self.metrics, **limits)
        self.addCleanup(ingest.stop)
        return ingest

    def make_database(self, **limits: Any) -> Database:
        database = Database(self.dsn, reactor, self.metrics, **limits)
        self.addCleanup(database.stop)
        return database

    async def until(self, condition: Callable[[], bool] | str) -> None:
        """Let the reactor run until something holds, in Python or in SQL.

        The bound is the timeout of the test.
        """
        while not (
            condition() if callable(condition) else self.query(f"SELECT {condition}") == [(True,)]
        ):
            turn: Deferred[None] = Deferred()
            reactor.callLater(0.005, turn.callback, None)
            await turn

    def refused(self, reason: str) -> float:
        """How many calls of the database were turned away for ``reason``."""
        return float(self.metrics.database_refused.labels(reason)._value.get())

    def expire(self, address: str = "%") -> None:
        """Let mailboxes have ended a second ago, by the database's clock."""
        self.query(
            "UPDATE mailboxes SET expires_at = clock_timestamp() - interval '1 second'"
            " WHERE address LIKE %s",
            address,
        )


class MailboxCase(StorageCase):
    """With mailboxes, their messages, and a way for mail to come in."""

    def setUp(self) -> None:
        super().setUp()
        self.database = self.make_database()
        self.mailboxes = PostgresMailboxes(self.database)
        self.messages = PostgresMessages(self.database)
        self.ingest = self.make_ingest()

    async def create(
        self, name: str = "box", *, client: str = "192.0.2.1", ttl_minutes: int | None = None
    ) -> Mailbox:
        """A mailbox whose owner is ``owner(name)``."""
        made = await self.mailboxes.create(
            NewMailbox(
                f"{name}@example.test", owner(name), OwnerType.ANONYMOUS, ttl_minutes, client
            )
        )
        return made.mailbox

    async def create_for_another(self, address: str) -> Mailbox:
        """Ask for an address with a token, and from a network, that nobody had before."""
        whose, client = SessionOwner(secrets.token_bytes(32)), secrets.token_hex(8)
        new = NewMailbox(address, whose, OwnerType.ANONYMOUS, None, client)
        return (await self.mailboxes.create(new)).mailbox

    async def deliver(self, name: str = "box", raw: bytes = MAIL) -> Placement:
        (placement,) = await self.ingest.store(envelope(name, raw=raw))
        return placement
