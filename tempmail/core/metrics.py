"""Every figure that an operator watches, named in one place (Prometheus text format)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_COMMIT_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_BATCH_ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class Metrics:
    """The metrics of one daemon, in a registry of its own so that tests can have many."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.smtp_connections = Gauge(
            "tempmail_smtp_connections", "Open SMTP connections.", registry=r
        )
        self.smtp_refused = Counter(
            "tempmail_smtp_refused_total",
            "SMTP connections, commands and messages refused, by reason.",
            ["reason"],
            registry=r,
        )
        self.tls_reload_failures = Counter(
            "tempmail_tls_reload_failures_total",
            "Times that a changed certificate or key could not be used; the old pair stayed.",
            registry=r,
        )
        self.smtp_replies = Counter(
            "tempmail_smtp_replies_total",
            "Answers to complete messages, by reply code.",
            ["code"],
            registry=r,
        )
        self.placements = Counter(
            "tempmail_recipients_total",
            "Recipients of accepted messages, by what became of them.",
            ["verdict"],
            registry=r,
        )
        self.bytes_in_flight = Gauge(
            "tempmail_bytes_in_flight",
            "Bytes of messages being received or waiting for their commit.",
            registry=r,
        )
        self.ingest_queue = Gauge(
            "tempmail_ingest_queue", "Messages waiting for their commit.", registry=r
        )
        self.ingest_refused = Counter(
            "tempmail_ingest_refused_total",
            "Messages answered 451, by reason.",
            ["reason"],
            registry=r,
        )
        self.batch_rows = Histogram(
            "tempmail_ingest_batch_messages",
            "Messages a transaction.",
            buckets=_BATCH_ROWS,
            registry=r,
        )
        self.commit_seconds = Histogram(
            "tempmail_ingest_commit_seconds",
            "From the start of a batch to its commit.",
            buckets=_COMMIT_SECONDS,
            registry=r,
        )
        self.database_refused = Counter(
            "tempmail_database_refused_total",
            "Requests that storage turned away or failed, by reason.",
            ["reason"],
            registry=r,
        )
        self.http_responses = Counter(
            "tempmail_http_responses_total",
            "HTTP responses, by method and status.",
            ["method", "status"],
            registry=r,
        )
        self.http_bytes_held = Gauge(
            "tempmail_http_bytes_held", "Bytes of long answers that wait for readers.", registry=r
        )
        self.websockets = Gauge("tempmail_websockets", "Open WebSockets.", registry=r)
        self.websocket_refused = Counter(
            "tempmail_websocket_refused_total",
            "WebSockets refused or closed by us, by reason.",
            ["reason"],
            registry=r,
        )
        self.parses = Counter(
            "tempmail_parses_total", "Messages parsed, by outcome.", ["outcome"], registry=r
        )
        self.parses_ahead = Counter(
            "tempmail_parses_ahead_total",
            "Messages that arrived where somebody watches, by whether parsing them was started.",
            ["outcome"],
            registry=r,
        )
        self.long_polls = Gauge(
            "tempmail_long_polls", "Requests that wait for a message.", registry=r
        )
        self.event_streams = Gauge(
            "tempmail_event_streams", "Open server-sent event streams.", registry=r
        )
        self.followers_refused = Counter(
            "tempmail_followers_refused_total",
            "Long polls and event streams refused or ended by us, by reason.",
            ["reason"],
            registry=r,
        )
        self.swept = Counter(
            "tempmail_swept_total", "What the sweeper removed, by kind.", ["kind"], registry=r
        )
        self.sweep_seconds = Histogram(
            "tempmail_sweep_seconds", "Length of a sweep.", buckets=_COMMIT_SECONDS, registry=r
        )
        self.sweep_failures = Counter(
            "tempmail_sweep_failures_total", "Sweeps that ended with an error.", registry=r
        )
        self.subscriber_failures = Counter(
            "tempmail_bus_subscriber_failures_total",
            "Subscribers that raised on an event.",
            registry=r,
        )
        self.smtp_clients = Gauge(
            "tempmail_smtp_clients", "Client networks with open SMTP connections.", registry=r
        )
        self.limit_clients = Gauge(
            "tempmail_limit_clients",
            "Client networks whose use of a limit is remembered.",
            registry=r,
        )
        self.delivery_notes_dropped = Counter(
            "tempmail_delivery_notes_dropped_total",
            "Entries of delivery logs that were lost under load or while storage was away.",
            registry=r,
        )
        self.limit_denials = Counter(
            "tempmail_limit_denials_total",
            "SMTP connections and messages that a limit denied, by limit.",
            ["limit"],
            registry=r,
        )
        self.blocks = Gauge("tempmail_blocks", "Client networks that are blocked.", registry=r)
        self.blocks_made = Counter(
            "tempmail_blocks_made_total",
            "Blocks that this daemon made, by reason.",
            ["reason"],
            registry=r,
        )
        self.block_exchange_failures = Counter(
            "tempmail_block_exchange_failures_total",
            "Times that blocks could not be exchanged with storage.",
            registry=r,
        )
