"""Looking after our own PostgreSQL: whoever ends it, it is started again."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from tempmail.model.errors import TempmailError
from tempmail.storage.embedded import EmbeddedCluster

INTERVAL = 2.0
"""Seconds between two looks."""


class Revival:
    """Starts the server again where it has ended; senders get 451 and clients 503 meanwhile.

    That blocks the reactor, since the server ends with the thread that started it; there is
    nothing to do without storage.

    :param cluster: started before.
    :param clock: the reactor.
    """

    _log = Logger()

    def __init__(self, cluster: EmbeddedCluster, clock: Any) -> None:
        self._cluster = cluster
        self._loop = LoopingCall(self.look)
        self._loop.clock = clock

    def start(self) -> None:
        """Look every few seconds."""
        self._loop.start(INTERVAL, now=False)

    def stop(self) -> None:
        """Look no more; twice is once."""
        if self._loop.running:
            self._loop.stop()

    def look(self) -> None:
        """Start the server again where it is gone."""
        if self._cluster.alive():
            return
        self._log.critical("the embedded PostgreSQL has ended; starting it again")
        try:
            self._cluster.revive()
        except TempmailError as why:
            self._log.critical("the embedded PostgreSQL does not start: {why}", why=why.detail)
        else:
            self._log.info("the embedded PostgreSQL is there again")
