"""What connects a daemon with the others on its database: Redis, or else reading the database."""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger

from tempmail.bus.local import LocalBus
from tempmail.core.limits import MakeBuckets, Rate, TokenBuckets
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Bus, Peers
from tempmail.core.rounds import Rounds
from tempmail.core.shared_limits import SharedLimits
from tempmail.core.waiting import Watching
from tempmail.settings import Settings
from tempmail.storage.database import Database
from tempmail.storage.rounds import PostgresRounds
from tempmail.storage.secrets import PostgresSecrets


class Neighbours:
    """The bus, the limits that are shared, and the rounds that make up for both.

    :param database: which the daemons have in common.
    :ivar bus: as far as it reaches.
    :ivar buckets: makes those of one kind, shared where that can be.
    """

    bus: Bus
    buckets: MakeBuckets
    _log = Logger()

    def __init__(
        self, settings: Settings, database: Database, metrics: Metrics, reactor: Any
    ) -> None:
        self._database = database
        self._metrics = metrics
        self._reactor = reactor
        # Nobody else finds an embedded server.
        self._alone = settings.database is None and settings.redis is None
        local = LocalBus(metrics, alone=self._alone)
        self._peers: Peers = local
        self.bus, self.buckets = local, _own_buckets
        self._redis: Any = None
        self._limits: SharedLimits | None = None
        self._rounds: Rounds | None = None
        if settings.redis is not None:
            # Here and not above: txredisapi installs a reactor where it is imported.
            from tempmail.bus.redis import RedisBus
            from tempmail.bus.shared_buckets import RedisBuckets

            keys = PostgresSecrets(database, "bus")
            self._redis = RedisBus(settings.redis, local, keys, metrics, reactor)
            self._limits = SharedLimits(RedisBuckets(self._redis, settings.redis), metrics, reactor)
            self.bus = self._peers = self._redis
            self.buckets = self._limits.buckets

    def look_after(self, watching: Watching) -> None:
        """Let those who follow here miss nothing that other daemons do."""
        if not self._alone:
            store = PostgresRounds(self._database)
            self._rounds = Rounds(watching, self._peers, store, self._metrics, self._reactor)

    def start(self) -> None:
        """Connect; to be called when the reactor runs."""
        if self._redis is not None:
            self._redis.start()
        elif not self._alone:
            self._log.info(
                "no --redis: what other daemons on the database do is noticed within two seconds, "
                "and rate limits are each daemon's own"
            )
        if self._rounds is not None:
            self._rounds.start()

    async def stop(self) -> None:
        """Say what is still to be said, and take leave."""
        if self._limits is not None:
            self._limits.stop()
        if self._redis is not None:
            self._redis.stop()
        if self._rounds is not None:
            await self._rounds.stop()


def _own_buckets(_: str, rate: Rate) -> TokenBuckets:
    return TokenBuckets(rate)
