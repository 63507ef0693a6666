"""Who may come in over HTTP, as the operator chose it."""

from __future__ import annotations

import resource
from typing import Any

from twisted.logger import Logger

from tempmail.core.blocks import Blocks
from tempmail.core.limits import MakeBuckets
from tempmail.core.metrics import Metrics
from tempmail.core.plan_rates import AnonymousRate
from tempmail.core.request_limits import RequestLimits
from tempmail.http.connections import Connections
from tempmail.http.gate import Gate
from tempmail.http.hosts import Hosts
from tempmail.http.origins import Origins
from tempmail.http.proxies import TrustedProxies
from tempmail.settings import Settings
from tempmail.storage.database import Database
from tempmail.storage.plan_rates import PostgresPlanRates

_OTHER_FILES = 500
"""Of storage, workers, logs, ports, and of WebSockets until nobody else is let in."""

_log = Logger()


class Entrance:
    """The gate, the bound on connections, and what WebSockets share with both.

    :param blocks: who is shut out.
    :param buckets: makes those of one kind.
    :ivar limits: on each client; None where there are none.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        blocks: Blocks,
        buckets: MakeBuckets,
        metrics: Metrics,
        reactor: Any,
    ) -> None:
        self.limits: RequestLimits | None = None
        if settings.rate_limits:
            anonymous = AnonymousRate(PostgresPlanRates(database), reactor)
            self.limits = RequestLimits(anonymous, blocks, metrics, reactor, buckets)
        self.origins = Origins(settings.cors_origin)
        self.gate = Gate(
            metrics,
            hosts=_hosts(settings),
            origins=self.origins,
            proxies=TrustedProxies(settings.trusted_proxy),
            limits=self.limits,
            topics=[topic.arn for topic in settings.sns_topic],
            https_only=settings.environment == "prod",
        )
        most = _within_open_files(settings.http_connections, settings.smtp_connections)
        most_each = max(1, most // 4) if settings.rate_limits else None
        self.connections = Connections(most, most_each, metrics.http_connections)


def _hosts(settings: Settings) -> Hosts:
    """Where nothing is said, in dev every address is ours: a name is what gives others away."""
    if settings.host:
        return Hosts(settings.host)
    names = (*settings.domain, settings.hostname)
    return Hosts(names, addresses=settings.environment == "dev")


def _within_open_files(connections: int, others: int) -> int:
    """As many of ``connections`` as the system lets us have beside ``others``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + others + _OTHER_FILES
    if soft < wanted:
        soft = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    room = max(100, soft - others - _OTHER_FILES)
    if room < connections:
        _log.warn(
            "HTTP connections: {room}, not {wanted}: the system allows {files} open files",
            room=room,
            wanted=connections,
            files=soft,
        )
    return min(connections, room)
