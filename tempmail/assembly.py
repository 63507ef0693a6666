"""The one place that names concrete classes and wires them: the table of contents of a daemon."""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.interfaces import IOpenSSLContextFactory
from twisted.internet.threads import deferToThread

from tempmail import __version__
from tempmail.announced import Announced
from tempmail.core.admission import SmtpLimits
from tempmail.core.ahead import ParsingAhead
from tempmail.core.arrivals import Arrivals
from tempmail.core.attachments import Attachments
from tempmail.core.authenticity import Authenticity
from tempmail.core.blocks import BlockExchange, Blocks
from tempmail.core.budget import ByteBudget
from tempmail.core.condition import Conditions
from tempmail.core.delivery import Delivery, Door
from tempmail.core.delivery_log import DeliveryLog
from tempmail.core.documents import Documents
from tempmail.core.expiry import Sweeper
from tempmail.core.forwarding import ForwardedCheck, ForwardedDelivery
from tempmail.core.long_polls import LongPolls
from tempmail.core.mailboxes import MailboxDesk
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Ingest
from tempmail.core.public import CLAIMS, PublicInboxes
from tempmail.core.reading import Reading
from tempmail.core.recipients import (
    CREATIONS,
    FORGET,
    AcceptAll,
    CatchAll,
    RecipientCheck,
    RejectUnknown,
    UnknownRecipients,
)
from tempmail.core.samples import Samples
from tempmail.core.shared_health import SharedHealth
from tempmail.core.signing import Signing
from tempmail.core.views import Views
from tempmail.core.waiting import Watching
from tempmail.dns.resolver import DnsResolver
from tempmail.dns.servers import servers
from tempmail.entrance import Entrance
from tempmail.fetching import Fetching
from tempmail.http.api import api_resource
from tempmail.http.events import EventStreams
from tempmail.http.mcp.mailbox_tools import mailbox_tools
from tempmail.http.mcp.mailbox_uses import MailboxUses
from tempmail.http.mcp.methods import Methods
from tempmail.http.mcp.route import McpRoutes
from tempmail.http.mcp.tools import Toolbox
from tempmail.http.metrics import MetricsResource
from tempmail.http.site import Site
from tempmail.listening import Listening
from tempmail.live.factory import MAX_CONNECTIONS, MAX_EACH, InboxFactory
from tempmail.live.upgrade import InboxResource
from tempmail.members import Members
from tempmail.model.errors import Unavailable
from tempmail.neighbours import Neighbours
from tempmail.pages import Pages
from tempmail.revival import Revival
from tempmail.settings import Settings
from tempmail.shutdown import Step, stop_in_order
from tempmail.smtp import tls
from tempmail.smtp.factory import MailFactory, SmtpSettings
from tempmail.smtp.patience import Patience
from tempmail.storage.blocks import PostgresBlocks
from tempmail.storage.connection import connect
from tempmail.storage.database import Database
from tempmail.storage.deliveries import PostgresDeliveries
from tempmail.storage.embedded import EmbeddedCluster
from tempmail.storage.health import PostgresHealth
from tempmail.storage.imap_positions import PostgresImapPositions
from tempmail.storage.ingest import GroupCommit
from tempmail.storage.mailboxes import PostgresMailboxes
from tempmail.storage.messages import PostgresMessages
from tempmail.storage.migrate import migrate
from tempmail.storage.plans import plans
from tempmail.storage.recipients import PostgresRecipients
from tempmail.storage.secrets import PostgresSecrets
from tempmail.storage.sweeping import PostgresHousekeeping, prepare_partition
from tempmail.welcome import welcome
from tempmail.workers.pool import ParserPool


class Daemon:
    """A whole service: started before the reactor runs, stopped in order.

    :param settings: what the operator chose.
    :param reactor: the one reactor, handed to every part that needs it.
    """

    def __init__(self, settings: Settings, reactor: Any) -> None:
        self._settings = settings
        self._reactor = reactor
        self._cluster = None if settings.database else EmbeddedCluster(settings.data_dir)
        self._revival = Revival(self._cluster, reactor) if self._cluster is not None else None
        self._ready = False
        self._smtp_ports = Listening(reactor)
        self._http_ports = Listening(reactor)
        self._metrics_ports = Listening(reactor)

    def start(self) -> None:
        """Storage, parts, ports, in this order.

        :raises TempmailError: why it cannot start, in one line.
        """
        self._make_data_dir()
        self._assemble(self._start_storage())
        self._listen()
        self._parser.start()
        self._reactor.callWhenRunning(self._sweeper.start)
        self._reactor.callWhenRunning(self._blocks.start)
        self._reactor.callWhenRunning(self._fetching.start)
        self._reactor.callWhenRunning(self._resolver.start)
        self._reactor.callWhenRunning(self._neighbours.start)
        if self._revival is not None:
            self._reactor.callWhenRunning(self._revival.start)
        self._ready = True

    def _make_data_dir(self) -> None:
        try:
            self._settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(
                f"--data-dir {self._settings.data_dir} cannot be made: {error.strerror}"
            ) from error

    def _start_storage(self) -> str:
        dsn = self._settings.database
        if self._cluster is not None:
            self._cluster.start()
            dsn = self._cluster.dsn
        assert dsn is not None
        connection = connect(dsn)
        try:
            migrate(connection)
            with connection.cursor() as cursor:
                for hours_ahead in range(2):  # the first sweep makes the others
                    prepare_partition(cursor, hours_ahead)
        finally:
            connection.close()
        return dsn

    def _assemble(self, dsn: str) -> None:
        settings, reactor, domains = self._settings, self._reactor, self._settings.domains
        metrics = Metrics()

        self._database = Database(dsn, reactor, metrics)
        self._ingest = GroupCommit(dsn, reactor, metrics)
        mailboxes = PostgresMailboxes(self._database, settings.tombstone_days)
        messages = PostgresMessages(self._database)
        housekeeping = PostgresHousekeeping(self._database, tombstone_days=settings.tombstone_days)

        self._neighbours = Neighbours(settings, self._database, metrics, reactor)
        bus = self._neighbours.bus
        self._parser = ParserPool(reactor, metrics, refused=settings.refused_kinds)
        desk = MailboxDesk(mailboxes, domains, bus)
        self._resolver = DnsResolver(reactor, servers(settings.dns), metrics)
        authenticity = Authenticity(messages, self._parser, self._resolver, metrics, reactor)
        views = Views(messages, self._parser, authenticity)
        ahead = ParsingAhead(views, bus, metrics, reactor)
        reading = Reading(domains, messages, views, ahead, bus, authenticity)
        watching = Watching(desk, messages, bus, ahead.arrived)
        self._neighbours.look_after(watching)
        self._polls = LongPolls(watching, views, metrics, reactor)
        self._streams = EventStreams(watching, metrics, reactor)
        signing = Signing(PostgresSecrets(self._database, "documents"), time.time)
        documents = Documents(views, messages, self._parser, signing, metrics, reactor)
        self._sweeper = Sweeper(housekeeping, bus, metrics, reactor)

        recipients = PostgresRecipients(self._database, settings.tombstone_days)
        policy = UnknownRecipients(settings.unknown_recipients)
        ingest: Ingest = self._ingest
        if policy is UnknownRecipients.CREATE and not settings.public_inboxes:
            policy = UnknownRecipients.ACCEPT
        if policy is UnknownRecipients.CREATE:
            creations = self._neighbours.buckets("public_mailboxes", CREATIONS)
            ingest = catch_all = CatchAll(self._ingest, recipients, metrics, reactor, creations)
            bus.observe(FORGET, catch_all.forget)
        check: RecipientCheck = AcceptAll()
        if policy is UnknownRecipients.REJECT:
            check = rejecting = RejectUnknown(recipients, reactor)
            bus.observe(FORGET, rejecting.forget)
        notes = PostgresDeliveries(self._database)
        self._deliveries = DeliveryLog(notes, domains, metrics, reactor)
        blocks = Blocks(metrics, reactor)
        self._blocks = BlockExchange(blocks, PostgresBlocks(self._database), metrics, reactor, bus)
        budget = ByteBudget(settings.smtp_bytes_in_flight, metrics.bytes_in_flight)
        arrivals = Arrivals(metrics, reactor)
        door: Door = Delivery(ingest, bus, self._deliveries, metrics, arrivals)
        positions = PostgresImapPositions(self._database)
        self._fetching = Fetching(settings, door, positions, budget, metrics, reactor)
        self._announced = Announced(settings, door, budget, metrics, reactor)
        if settings.recipient_header:
            door = forwarded = ForwardedDelivery(door, settings.recipient_header, domains, metrics)
            check = ForwardedCheck(check, forwarded.inboxes)
        self._smtp = MailFactory(
            door,
            domains,
            budget,
            metrics,
            SmtpSettings(
                settings.hostname,
                settings.max_message_bytes,
                max_recipients=settings.smtp_recipients_per_message,
                max_connections=settings.smtp_connections,
                max_errors=settings.smtp_errors,
                patience=Patience(command=settings.smtp_seconds, content=settings.smtp_seconds),
                reject_bare_newlines=settings.bare_newline == "reject",
            ),
            reactor,
            self._tls_context(metrics),
            SmtpLimits(settings.client_limits, blocks, metrics, reactor, self._neighbours.buckets),
            check,
        )
        entrance = Entrance(
            settings, self._database, blocks, self._neighbours.buckets, metrics, reactor
        )
        most_each = MAX_EACH if settings.rate_limits else MAX_CONNECTIONS
        self._live = InboxFactory(watching, metrics, reactor, most_each=most_each)
        public = None
        if settings.public_inboxes:
            public = PublicInboxes(
                recipients,
                messages,
                views,
                domains,
                self._neighbours.buckets("public_claims", CLAIMS),
                metrics,
                reactor,
            )
        members = Members(settings, self._database, mailboxes, metrics, reactor)
        self._keyring = members.keyring
        tools = Toolbox(mailbox_tools(MailboxUses(desk, reading, self._polls, reactor)), metrics)
        health = SharedHealth(PostgresHealth(self._database), reactor)
        conditions = Conditions(health, bus, arrivals, self._smtp_ports.standing, reactor)
        attachments = Attachments(reading, self._parser)
        pages = Pages(
            settings,
            metrics,
            conditions,
            lambda: self._database.run(plans),
            desk=desk,
            reading=reading,
            attachments=attachments,
            documents=documents,
            reactor=reactor,
        )
        self._http = Site(
            api_resource(
                members.callers,
                desk,
                reading,
                self._polls,
                self._streams,
                health,
                bus,
                lambda: self._ready,
                accounts=members.desk,
                attachments=attachments,
                deliveries=self._deliveries,
                documents=documents,
                mcp=McpRoutes(Methods(tools, members.callers, metrics, __version__), reactor),
                public=public,
                samples=Samples(door, desk, settings.hostname, time.time),
                sns=self._announced.calls,
                sign_in=members.sign_in,
                tickets=members.tickets,
                version=__version__,
                layout=pages.layout if settings.shows_docs else None,
                pages=pages.routes,
                websocket=InboxResource(
                    self._live,
                    members.callers,
                    origins=entrance.origins,
                    charge=entrance.gate.charge,
                ),
            ),
            reactor,
            metrics,
            self._announced.limits,
            gate=entrance.gate,
            connections=entrance.connections,
            errors=pages.errors,
        )
        self._metrics = Site(MetricsResource(metrics), reactor, metrics)

    def _tls_context(self, metrics: Metrics) -> IOpenSSLContextFactory | None:
        certificate, key = self._settings.tls_cert, self._settings.tls_key
        if certificate is None or key is None:
            if self._settings.environment == "prod":
                return None
            certificate, key = tls.self_signed(self._settings.data_dir, self._settings.hostname)
        failures, not_after = metrics.tls_reload_failures, metrics.tls_not_after
        return tls.ReloadedContext(certificate, key, self._reactor, failures, not_after)

    def _listen(self) -> None:
        for description in self._settings.smtp:
            self._smtp_ports.open("--smtp", description, self._smtp)
        for description in self._settings.http:
            self._http_ports.open("--http", description, self._http)
        if self._settings.metrics is not None:
            self._metrics_ports.open("--metrics", self._settings.metrics, self._metrics)

    def welcome(self) -> str:
        """What to tell the operator who started it."""
        return welcome(
            self._smtp_ports.where(),
            self._http_ports.where(),
            self._metrics_ports.where(),
            self._settings.domain,
            "the database of --database"
            if self._cluster is None
            else f"embedded PostgreSQL in {self._settings.data_dir}",
        )

    @property
    def summary(self) -> dict[str, str]:
        """Where it listens and for what, for a log."""
        places = (("smtp", self._smtp_ports), ("http", self._http_ports))
        shown = {name: " ".join(ports.where()) for name, ports in places}
        return {**shown, "domains": " ".join(self._settings.domain)}

    def well(self) -> bool:
        """False where only a restart helps: our own PostgreSQL is gone.  Somebody else's database
        that is away comes back without us."""
        return self._cluster is None or self._cluster.alive()

    def give_up(self) -> None:
        """Leave nothing behind of a start that failed."""
        if self._cluster is not None:
            self._cluster.stop()

    async def stop(self) -> None:
        """Take nothing new, answer what was begun, then end part by part."""
        self._ready = False
        steps = [
            Step("closing SMTP", self._smtp_ports.close, 2),
            Step("closing HTTP", self._http_ports.close, 2),
            Step("answering those who wait", self._polls.stop, 1),
            Step("ending event streams", self._streams.stop, 1),
            Step("draining SMTP", self._smtp.drain, 12, self._smtp.abort),
            Step("closing WebSockets", lambda: self._live.close_all(2), 3),
            Step("the blocks", self._blocks.stop, 1),
            Step("the sweep", self._sweeper.stop, 2),
            Step("the IMAP accounts", self._fetching.stop, 3),
            Step("mail of SES", self._announced.stop, 1),
            Step("the last batch", self._ingest.stop, 3, self._ingest.abort),
            Step("the delivery log", self._deliveries.stop, 1),
            Step("questions to DNS", self._resolver.stop, 1),
            Step("the parsers", self._parser.stop, 2),
            Step("the other daemons", self._neighbours.stop, 1),
            Step("the keys in use", self._keyring.stop, 1),
            Step("connections to storage", self._database.stop, 1),
            Step("closing metrics", self._metrics_ports.close, 1),
        ]
        if self._cluster is not None:
            cluster, revival = self._cluster, self._revival
            assert revival is not None
            steps.insert(0, Step("looking after PostgreSQL", revival.stop, 1))
            steps.append(Step("PostgreSQL", lambda: deferToThread(cluster.stop), 8))
        await stop_in_order(steps, self._reactor)
