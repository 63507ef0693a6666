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
        self.tls_not_after = Gauge(
            "tempmail_tls_not_after_timestamp_seconds",
            "When the certificate of STARTTLS expires, in Unix time.",
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
        self.arrival_seconds = Histogram(
            "tempmail_arrival_seconds",
            "From a mail's last byte until it is committed and whoever watches has been told.",
            buckets=_COMMIT_SECONDS,
            registry=r,
        )
        self.database_refused = Counter(
            "tempmail_database_refused_total",
            "Requests that storage turned away or failed, by reason.",
            ["reason"],
            registry=r,
        )
        self.key_checks = Counter(
            "tempmail_key_checks_total",
            "API keys that came with a request: remembered, looked_up or unknown.",
            ["how"],
            registry=r,
        )
        self.sign_ins = Counter(
            "tempmail_sign_ins_total",
            "Ceremonies with a passkey, by kind and outcome.",
            ["ceremony", "outcome"],
            registry=r,
        )
        self.http_responses = Counter(
            "tempmail_http_responses_total",
            "HTTP responses, by method and status.",
            ["method", "status"],
            registry=r,
        )
        self.http_connections = Gauge(
            "tempmail_http_connections", "Open HTTP connections, WebSockets apart.", registry=r
        )
        self.http_refused = Counter(
            "tempmail_http_refused_total",
            "HTTP connections and requests refused before they were routed, by the problem's code.",
            ["code"],
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
        self.parses_refused = Counter(
            "tempmail_parses_refused_total",
            "Requests for a parser that got none, by reason: stopping, no_worker, full,"
            " asker_full (too many of one asker), put_out (for an asker with fewer).",
            ["reason"],
            registry=r,
        )
        self.documents = Counter(
            "tempmail_documents_total",
            "Documents of mails: made, given_up (for the mail's text instead), shared with others"
            " who opened them meanwhile, or remembered.",
            ["outcome"],
            registry=r,
        )
        self.authentications = Counter(
            "tempmail_authentications_total",
            "Messages whose origin was looked into (SPF, DKIM, DMARC, ARC), by outcome.",
            ["outcome"],
            registry=r,
        )
        self.authentication_verdicts = Counter(
            "tempmail_authentication_verdicts_total",
            "What was found of the origin of messages, by method and result.",
            ["method", "result"],
            registry=r,
        )
        self.dns_lookups = Counter(
            "tempmail_dns_lookups_total",
            "Questions to DNS, by outcome: answered, cached, failed, over the budget, or not asked"
            " because no resolver answers.",
            ["outcome"],
            registry=r,
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
        self.answers_cut = Counter(
            "tempmail_answers_cut_total",
            "Messages that were answered without their text, for too much came before them in the"
            " answer.",
            registry=r,
        )
        self.event_streams = Gauge(
            "tempmail_event_streams", "Open server-sent event streams.", registry=r
        )
        self.mcp_calls = Counter(
            "tempmail_mcp_calls_total",
            "Uses of tools by agents, by tool and outcome.",
            ["tool", "outcome"],
            registry=r,
        )
        self.mcp_errors = Counter(
            "tempmail_mcp_errors_total",
            "Messages of agents that were answered with a JSON-RPC error, by its code.",
            ["code"],
            registry=r,
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
        self.swept_at = Gauge(
            "tempmail_swept_timestamp_seconds",
            "When a sweep last left nothing to do, in Unix time: what the sweeper lags behind.",
            registry=r,
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
            "SMTP connections and messages, and HTTP requests, that a limit denied, by limit.",
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
        self.bus_connected = Gauge(
            "tempmail_bus_connected",
            "1 while Redis is there and heard, 0 while it is away or there is none.",
            registry=r,
        )
        self.bus_published = Counter(
            "tempmail_bus_published_total", "Events handed to Redis.", registry=r
        )
        self.bus_received = Counter(
            "tempmail_bus_received_total",
            "Payloads of other daemons that Redis brought.",
            registry=r,
        )
        self.bus_ignored = Counter(
            "tempmail_bus_ignored_total",
            "Payloads that no daemon of ours can have sent, by reason.",
            ["reason"],
            registry=r,
        )
        self.bus_dropped = Counter(
            "tempmail_bus_dropped_total",
            "Events that Redis did not take; the other daemons read the database instead.",
            registry=r,
        )
        self.bus_lost = Counter(
            "tempmail_bus_connections_lost_total",
            "Connections to Redis that were lost or could not be made.",
            registry=r,
        )
        self.bus_rounds = Counter(
            "tempmail_bus_rounds_total",
            "Times that the database was read for what other daemons did.",
            registry=r,
        )
        self.other_daemons = Gauge(
            "tempmail_other_daemons", "Other daemons at work on the database.", registry=r
        )
        self.shared_limit_failures = Counter(
            "tempmail_shared_limit_failures_total",
            "Uses of rate limits that the other daemons did not hear of.",
            registry=r,
        )
        self.forwarded = Counter(
            "tempmail_forwarded_total",
            "Mails to the address of a forwarder, by whether a trusted header named another.",
            ["outcome"],
            registry=r,
        )
        self.imap_accounts = Gauge(
            "tempmail_imap_accounts",
            "1 for what is done with an IMAP account now.",
            ["account", "state"],
            registry=r,
        )
        self.imap_mails = Counter(
            "tempmail_imap_mails_total",
            "Mails of IMAP accounts, by what became of them.",
            ["account", "outcome"],
            registry=r,
        )
        self.sns_calls = Counter(
            "tempmail_sns_calls_total",
            "What Amazon SNS, or somebody in its name, posted, by what became of it.",
            ["outcome"],
            registry=r,
        )
        self.sns_recipients_not_ours = Counter(
            "tempmail_sns_recipients_not_ours_total",
            "Recipients of mail by Amazon SES that are under none of our domains.",
            registry=r,
        )
        self.sns_certificates = Counter(
            "tempmail_sns_certificates_total",
            "Certificates of Amazon SNS that were asked for, by outcome.",
            ["outcome"],
            registry=r,
        )
        self.imap_failures = Counter(
            "tempmail_imap_failures_total",
            "Connections to IMAP accounts that failed or were lost.",
            ["account"],
            registry=r,
        )
