"""Keys and cookies seen a moment ago: checked without a trip to storage, revoked all the same.

A key, or a cookie, is remembered with the moment at which the query began that found it in force,
and trusted for a second from then on: so whoever revokes it sees it refused within a second, on
every daemon, whatever becomes of the connections between them.  Twice a second one query looks all
of those up that are in use, or that something goes on with, such as a WebSocket.  Where it fails,
or is late, a key is looked up by the request that brings it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.core.account_ports import KeyStore
from tempmail.core.metrics import Metrics
from tempmail.model.account import Caller
from tempmail.model.errors import TempmailError

TRUSTED = 1.0
"""Seconds for which storage's word counts, from when it was asked."""

INTERVAL = 0.5
"""Seconds from one look at all keys in use to the next."""

IDLE = 5.0
"""Seconds without a use after which a key is not looked after any more."""

MOST = 2000
"""Keys that are remembered; of more, those used longest ago are forgotten."""


@define
class _Known:
    """A key that was in force.

    :ivar as_of: when storage was asked, by our clock.
    :ivar used_at: by our clock.
    """

    caller: Caller
    as_of: float
    used_at: float


@define(eq=False)
class _Asking:
    """A look-up under way, and everybody who waits for it."""

    as_of: float
    waiting: list[Deferred[Caller | None]]


class Keyring:
    """Who holds which API key or cookie.

    :param store: knows all keys.
    :param metrics: counts the checks.
    :param clock: for ages and intervals.
    :param most: keys that are remembered.

    While no key is in use, nothing is asked of storage and no timer runs.
    """

    _log = Logger()

    def __init__(
        self, store: KeyStore, metrics: Metrics, clock: IReactorTime, *, most: int = MOST
    ) -> None:
        self._store = store
        self._checks = metrics.key_checks
        self._clock = clock
        self._most = most
        self._known: OrderedDict[bytes, _Known] = OrderedDict()  # least recently used first
        self._asking: dict[bytes, _Asking] = {}
        self._watched: dict[bytes, dict[object, Callable[[], None]]] = {}
        self._used: set[int] = set()
        self._timer: IDelayedCall | None = None
        self._looking = False
        self._failing = False
        self._stopped = False

    async def caller(self, digest: bytes) -> Caller | None:
        """Who holds the key of this digest; None where it is unknown, revoked or past its time.

        :raises Unavailable: storage would have to be asked, and does not answer.
        """
        now = self._clock.seconds()
        known = self._trusted(digest, now)
        if known is not None:
            self._checks.labels("remembered").inc()
            known.used_at = now
            self._known.move_to_end(digest)
            caller: Caller | None = known.caller
        else:
            caller = await self._asked(digest, now)
            self._checks.labels("unknown" if caller is None else "looked_up").inc()
        if caller is not None:
            if caller.key_id is not None:
                self._used.add(caller.key_id)
            self._begin()
        return caller

    async def holder(self, digest: bytes) -> Caller | None:
        """As :meth:`caller`, for one whose use has been counted."""
        now = self._clock.seconds()
        known = self._trusted(digest, now)
        return await self._asked(digest, now) if known is None else known.caller

    def watch(self, digest: bytes, ended: Callable[[], None]) -> Callable[[], None]:
        """Have ``ended`` called, once, within about a second of the key's end.

        :returns: what ends the watch; twice is once.
        """
        watching = object()
        self._watched.setdefault(digest, {})[watching] = ended
        self._begin()

        def leave() -> None:
            others = self._watched.get(digest, {})
            others.pop(watching, None)
            if not others:
                self._watched.pop(digest, None)

        return leave

    def forget(self, is_gone: Callable[[Caller], bool]) -> None:
        """Something of a caller's was ended here: ask storage before it is trusted again."""
        for digest, known in tuple(self._known.items()):
            if is_gone(known.caller):
                del self._known[digest]

    async def stop(self) -> None:
        """Look no more, and write down what was used."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._note()

    def _trusted(self, digest: bytes, now: float) -> _Known | None:
        known = self._known.get(digest)
        return known if known is not None and 0 <= now - known.as_of <= TRUSTED else None

    def _asked(self, digest: bytes, now: float) -> Deferred[Caller | None]:
        """What storage says; one answer for all who ask at about the same time."""
        own: Deferred[Caller | None] = Deferred()  # whoever leaves cancels this one alone
        asking = self._asking.get(digest)
        if asking is not None and 0 <= now - asking.as_of <= TRUSTED:
            asking.waiting.append(own)
        else:
            asking = self._asking[digest] = _Asking(now, [own])
            Deferred.fromCoroutine(self._ask(digest, asking))
        return own

    async def _ask(self, digest: bytes, asking: _Asking) -> None:
        outcome: Caller | Failure | None
        try:
            outcome = (await self._store.callers([digest])).get(digest)
        except Exception:
            outcome = Failure()
        if self._asking.get(digest) is asking:
            del self._asking[digest]
        if outcome is None:
            self._known.pop(digest, None)
        elif isinstance(outcome, Caller):
            self._known[digest] = _Known(outcome, asking.as_of, self._clock.seconds())
            self._known.move_to_end(digest)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        for own in asking.waiting:
            if not own.called:
                own.callback(outcome)

    # Looking after those in use

    def _begin(self) -> None:
        if self._timer is None and not self._stopped:
            self._timer = self._clock.callLater(INTERVAL, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = self._clock.seconds()
        for digest, known in tuple(self._known.items()):
            if not 0 <= now - known.used_at <= IDLE:
                del self._known[digest]
        if not self._looking and (self._known or self._watched or self._used):
            self._looking = True
            Deferred.fromCoroutine(self._look(now))
        if self._known or self._watched:
            self._begin()

    async def _look(self, now: float) -> None:
        try:
            await self._refresh(now)
            await self._note()
        except Exception as why:
            if not self._failing:  # once an outage
                self._failing = True
                if isinstance(why, TempmailError):
                    self._log.warn("keys in use are not looked after: {why}", why=why.detail)
                else:
                    self._log.failure("keys in use are not looked after")
        else:
            self._failing = False
        finally:
            self._looking = False

    async def _refresh(self, now: float) -> None:
        digests = list(dict.fromkeys((*self._known, *self._watched)))
        if not digests:
            return
        found = await self._store.callers(digests)
        for digest in digests:
            known = self._known.get(digest)
            if digest in found:
                if known is not None and known.as_of < now:
                    known.caller, known.as_of = found[digest], now
                continue
            if known is not None and known.as_of <= now:
                del self._known[digest]
            for ended in tuple(self._watched.pop(digest, {}).values()):
                ended()

    async def _note(self) -> None:
        """Write down which keys were used; what cannot be written is forgotten."""
        used, self._used = self._used, set()
        if used:
            await self._store.used(sorted(used))
