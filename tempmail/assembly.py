"""The one place that names concrete classes and wires them: the table of contents of a daemon."""

from __future__ import annotations

from typing import Any

from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from tempmail import welcome
from tempmail.bus.local import LocalBus
from tempmail.core.budget import ByteBudget
from tempmail.core.delivery import Delivery
from tempmail.core.expiry import Sweeper
from tempmail.core.mailboxes import MailboxDesk
from tempmail.core.metrics import Metrics
from tempmail.core.reading import Reading
from tempmail.core.waiting import Watching
from tempmail.listening import Listening
from tempmail.settings import Settings
from tempmail.shutdown import Step, stop_in_order
from tempmail.smtp import tls
from tempmail.smtp.factory import MailFactory, SmtpSettings
from tempmail.storage.connection import connect
from tempmail.storage.database import Database
from tempmail.storage.embedded import EmbeddedCluster
from tempmail.storage.health import PostgresHealth
from tempmail.storage.ingest import GroupCommit
from tempmail.storage.mailboxes import PostgresMailboxes
from tempmail.storage.messages import PostgresMessages
from tempmail.storage.migrate import migrate
from tempmail.storage.sweeping import PostgresHousekeeping, prepare_partition

_BYTES_IN_FLIGHT = 256 * 1024 * 1024


class Daemon:
    """A whole service: made, started before the reactor runs, stopped in order.

    :param settings: what the operator chose.
    :param reactor: the one reactor, handed to every part that needs it.
    """

    _log = Logger()

    def __init__(self, settings: Settings, reactor: Any) -> None:
        self._settings = settings
        self._reactor = reactor
        self._cluster = None if settings.database else EmbeddedCluster(settings.data_dir)
        self._ready = False
        self.smtp_ports = Listening(reactor)
        self.http_ports = Listening(reactor)
        self.metrics_ports = Listening(reactor)

    def start(self) -> None:
        """Database, parts, ports, in this order.

        :raises TempmailError: why it cannot start, in one line.
        """
        dsn = self._start_database()
        self._assemble(dsn)
        self._listen()
        self._reactor.callWhenRunning(self.sweeper.start)
        self._ready = True

    def _start_database(self) -> str:
        if self._cluster is not None:
            self._cluster.start()
        dsn = self._settings.database or self._cluster.dsn
        connection = connect(dsn)
        try:
            migrate(connection)
            with connection.cursor() as cursor:
                for hours_ahead in range(2):  # the sweeper makes the others
                    prepare_partition(cursor, hours_ahead)
        finally:
            connection.close()
        return dsn

    def _assemble(self, dsn: str) -> None:
        settings, reactor = self._settings, self._reactor
        domains = settings.domains
        metrics = Metrics()

        self.database = Database(dsn, reactor, metrics)
        self.ingest = GroupCommit(dsn, reactor, metrics)
        mailboxes = PostgresMailboxes(self.database, settings.tombstone_days)
        messages = PostgresMessages(self.database)

        self.bus = LocalBus(metrics)
        self.delivery = Delivery(self.ingest, self.bus, metrics)
        self.sweeper = Sweeper(
            PostgresHousekeeping(self.database, tombstone_days=settings.tombstone_days),
            self.bus,
            metrics,
            reactor,
        )
        self.smtp = MailFactory(
            self.delivery,
            domains,
            ByteBudget(_BYTES_IN_FLIGHT, metrics.bytes_in_flight),
            metrics,
            SmtpSettings(settings.hostname, settings.max_message_bytes),
            reactor,
            None,
        )

    def _listen(self) -> None:
        for description in self._settings.smtp:
            self.smtp_ports.open("--smtp", description, self.smtp)

    def give_up(self) -> None:
        """Leave nothing behind of a start that failed."""
        if self._cluster is not None:
            self._cluster.stop()

    async def stop(self) -> None:
        """Answer what was begun, then end."""
        self._ready = False
        steps = [
            Step("closing SMTP", self.smtp_ports.close, 2),
            Step("draining SMTP", self.smtp.drain, 15, self.smtp.abort),
            Step("the sweep", self.sweeper.stop, 3),
            Step("the last batch", self.ingest.stop, 5),
            Step("the database's connections", self.database.stop, 2),
        ]
        if self._cluster is not None:
            steps.append(Step("PostgreSQL", lambda: deferToThread(self._cluster.stop), 10))
        await stop_in_order(steps, self._reactor)

    def welcome(self) -> str:
        return "started"
