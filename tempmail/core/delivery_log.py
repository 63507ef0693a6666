"""Answers "where is my mail?" for those that were not stored.

Stored messages are their own entries; only what failed is noted here, beside the path of mail
and at best effort: bounded, written in groups, and dropped where storage is away.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from tempmail.core.metrics import Metrics
from tempmail.core.ports import DeliveryStore
from tempmail.model.address import Domains
from tempmail.model.delivery import Attempt, Refused
from tempmail.model.errors import TempmailError
from tempmail.model.mailbox import Owner

_PAUSE = 0.5
"""Seconds that notes gather before they are written together."""

_WAITING = 1000
"""Notes in memory; more are dropped and counted."""


class DeliveryLog:
    """Notes what did not arrive, and shows an owner everything that tried.

    :param store: keeps notes.
    :param domains: ours; a mailbox's address may be written in many ways.
    """

    _log = Logger()

    def __init__(
        self, store: DeliveryStore, domains: Domains, metrics: Metrics, clock: IReactorTime
    ) -> None:
        self._store = store
        self._domains = domains
        self._clock = clock
        self._dropped = metrics.delivery_notes_dropped
        self._waiting: list[Refused] = []
        self._timer: IDelayedCall | None = None
        self._writing: Deferred[None] | None = None

    def note(self, refused: Refused) -> None:
        """Remember a mail that did not arrive; never fails, never waits."""
        if len(self._waiting) >= _WAITING:
            self._dropped.inc()
            return
        self._waiting.append(refused)
        if self._timer is None and self._writing is None:
            self._timer = self._clock.callLater(_PAUSE, self._write)

    async def of(self, address: str, owner: Owner, limit: int) -> Sequence[Attempt]:
        """What came for a mailbox, newest first.

        :raises NotFound: gone, never made, or another's.
        """
        return await self._store.recent(self._domains.canonical(address), owner, limit)

    def stop(self) -> Deferred[None]:
        """Write what waits; fires when that is done."""
        if self._timer is not None:
            self._timer.cancel()
        self._write()
        done: Deferred[None] = Deferred()
        if self._writing is None:
            done.callback(None)
        else:
            self._writing.addBoth(lambda _: done.callback(None))
        return done

    def _write(self) -> None:
        self._timer = None
        if not self._waiting or self._writing is not None:
            return
        notes, self._waiting = self._waiting, []

        def written(_: None) -> None:
            self._writing = None
            if self._waiting and self._timer is None:
                self._timer = self._clock.callLater(_PAUSE, self._write)

        self._writing = Deferred.fromCoroutine(self._keep(notes))
        self._writing.addCallback(written)

    async def _keep(self, notes: list[Refused]) -> None:
        try:
            await self._store.keep(notes)
        except TempmailError as why:
            self._dropped.inc(len(notes))
            self._log.warn("{count} delivery notes lost: {why}", count=len(notes), why=why.code)
        except Exception:
            self._dropped.inc(len(notes))
            self._log.failure("{count} delivery notes lost", count=len(notes))
