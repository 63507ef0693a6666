"""Clients that are shut out for a while: longer each time, forgiven after a quiet day.

Each daemon decides by itself and from memory; what it decided goes to storage at once, and what
storage holds comes back every two seconds, or as soon as another daemon says that it has more.
Only that it has is said: what holds is for storage to tell.  So blocks outlive a restart, several
daemons share them, an operator can lift them, and with storage away nothing changes but that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import frozen
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from tempmail.core.metrics import Metrics
from tempmail.core.ports import Block, BlockStore, Notices
from tempmail.model.errors import TempmailError

LENGTHS = (60, 300, 1800, 7200, 86400)
"""Seconds of a client's first block, its second, and so on; the last is that of all further."""

QUIET = 86400
"""Seconds from the end of a block after which the next one is a first one again."""

MOST = 10_000
"""Blocks remembered; past these the one that ends first is dropped, never a long one."""

INTERVAL = 2.0
"""Seconds from one exchange with storage to the next."""

TOPIC = "blocks"
"""On which it is announced that storage has new ones."""

_SOON = 0.1
"""Seconds in which several occasions to exchange become one."""

_log = Logger()


@frozen
class _Record:
    level: int
    reason: str
    ends: float


class Blocks:
    """The blocks that hold, by client network, and those that are not yet forgiven.

    :param metrics: shows how many hold and counts those made.
    :param clock: the reactor.
    :ivar changed: called where there is something to share.
    """

    def __init__(self, metrics: Metrics, clock: IReactorTime) -> None:
        self._clock = clock
        self._records: dict[str, _Record] = {}
        self._unshared: dict[str, int] = {}  # the level that storage has not heard of
        self._made = metrics.blocks_made
        self.changed: Callable[[], None] = lambda: None
        metrics.blocks.set_function(lambda: sum(map(self.holds, self._records)))

    def holds(self, network: str) -> bool:
        """Whether the client is shut out now."""
        record = self._records.get(network)
        return record is not None and record.ends > self._clock.seconds()

    def remaining(self, network: str) -> float:
        """For how many seconds more the client is shut out; 0 where it is not."""
        record = self._records.get(network)
        return 0.0 if record is None else max(0.0, record.ends - self._clock.seconds())

    def block(self, network: str, reason: str) -> None:
        """Shut the client out for longer than the last time; nothing where it is shut out."""
        if self.holds(network):
            return
        now = self._clock.seconds()
        last = self._records.get(network)
        forgiven = last is None or last.ends + QUIET <= now
        level = 1 if forgiven or last is None else last.level + 1
        length = LENGTHS[min(level, len(LENGTHS)) - 1]
        self._records[network] = _Record(level, reason, now + length)
        self._unshared[network] = level
        self._made.labels(reason).inc()
        _log.warn(
            "blocked {network} for {seconds} s: {reason}, {times} in a row",
            network=network,
            seconds=length,
            reason=reason,
            times=level,
        )
        if len(self._records) > MOST:
            first = min(self._records, key=lambda each: self._records[each].ends)
            del self._records[first]
            self._unshared.pop(first, None)
        self.changed()

    def unshared(self) -> list[Block]:
        """What storage has not heard of."""
        now = self._clock.seconds()
        return [
            Block(network, record.reason, record.level, record.ends - now)
            for network in self._unshared
            for record in (self._records[network],)
        ]

    def shared(self, told: Sequence[Block], held: Sequence[Block]) -> None:
        """Storage was told of some and then held these: whatever it lacks has been lifted.

        What was decided meanwhile stays.
        """
        for block in told:
            if self._unshared.get(block.network) == block.level:
                del self._unshared[block.network]
        now = self._clock.seconds()
        mine = {network: self._records[network] for network in self._unshared}
        theirs = {
            block.network: _Record(block.level, block.reason, now + block.seconds) for block in held
        }
        self._records = {**theirs, **mine}


class BlockExchange:
    """Keeps the blocks of this daemon and those in storage alike; no exception can end it.

    :param clock: for the interval.
    :param notices: by which daemons tell each other that there is something new.
    """

    def __init__(
        self,
        blocks: Blocks,
        store: BlockStore,
        metrics: Metrics,
        clock: IReactorTime,
        notices: Notices | None = None,
    ) -> None:
        self._blocks = blocks
        self._store = store
        self._failures = metrics.block_exchange_failures
        self._failing = False
        self._clock = clock
        self._notices = notices
        self._soon: IDelayedCall | None = None
        self._turn = DeferredLock()
        self._loop = LoopingCall(lambda: Deferred.fromCoroutine(self._guarded()))
        self._loop.clock = clock

    def start(self) -> None:
        """Exchange now and then every two seconds, and when there is something new."""
        self._loop.start(INTERVAL)
        self._blocks.changed = self._exchange_soon
        if self._notices is not None:
            self._notices.observe(TOPIC, lambda _: self._exchange_soon())

    def stop(self) -> None:
        """Begin no further exchange."""
        if self._loop.running:
            self._loop.stop()
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None

    async def exchange(self) -> None:
        """:raises Unavailable: storage is away; the blocks stay as they are."""
        told = self._blocks.unshared()
        self._blocks.shared(told, await self._store.exchange(told))
        if told and self._notices is not None:
            self._notices.announce(TOPIC, "")

    def _exchange_soon(self) -> None:
        if self._soon is None and self._loop.running:
            self._soon = self._clock.callLater(_SOON, self._exchange_now)

    def _exchange_now(self) -> None:
        self._soon = None
        Deferred.fromCoroutine(self._guarded())

    async def _guarded(self) -> None:
        try:
            # One after the other: what storage held earlier must not come later.
            await self._turn.run(lambda: Deferred.fromCoroutine(self.exchange()))
        except Exception as why:
            self._failures.inc()
            if not self._failing:  # once an outage
                self._failing = True
                if isinstance(why, TempmailError):
                    _log.warn("blocks are not shared: {why}", why=why.detail)
                else:
                    _log.failure("blocks are not shared")
        else:
            self._failing = False
