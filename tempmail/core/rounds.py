"""Reading in the database what other daemons did, wherever they may not be heard.

Every two seconds a daemon says that it is here.  Where another one is here too, and we may not
hear all that it says, what everybody follows is compared with the table at once: one query for a
thousand mailboxes, which brings only those in which something happened.  So nothing is missed
without Redis, while it is away, for a daemon that alone is cut off from it, and after one that
was killed between a commit and its event.
"""

from __future__ import annotations

from contextlib import suppress

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from tempmail.core.metrics import Metrics
from tempmail.core.ports import Peers, Place, RoundStore
from tempmail.core.waiting import Following, Watching
from tempmail.model.errors import TempmailError

INTERVAL = 2.0
"""Seconds from one round to the next."""

_AT_ONCE = 1000
"""Mailboxes of one query."""

_log = Logger()


class Rounds:
    """Goes round what is followed here; no exception can end it.

    :param watching: knows who follows what.
    :param peers: says how well the others are heard.
    :param store: knows the others, and what they did.
    :param clock: for the interval.
    """

    def __init__(
        self,
        watching: Watching,
        peers: Peers,
        store: RoundStore,
        metrics: Metrics,
        clock: IReactorTime,
    ) -> None:
        self._watching = watching
        self._peers = peers
        self._store = store
        self._rounds = metrics.bus_rounds
        self._here = metrics.other_daemons
        self._others: frozenset[str] = frozenset()
        self._gaps = peers.gaps
        self._behind = False
        self._failing = False
        self._loop = LoopingCall(lambda: Deferred.fromCoroutine(self._guarded()))
        self._loop.clock = clock

    def start(self) -> None:
        """Begin now."""
        self._loop.start(INTERVAL)

    async def stop(self) -> None:
        """Begin no further round, and take leave."""
        if self._loop.running:
            self._loop.stop()
        with suppress(TempmailError):  # they notice within seconds
            await self._store.leave()

    async def round(self) -> None:
        """:raises Unavailable: storage is away; whatever was not looked at is the next time."""
        # What happens from here on is for the next round.
        gaps, hears_all = self._peers.gaps, self._peers.hears_all
        others, all_tell = await self._store.meet(self._peers.tells_all)
        left = self._others - others  # perhaps killed between a commit and its event
        if gaps != self._gaps or left or (others and not (hears_all and all_tell)):
            self._behind = True
        if others != self._others:
            _log.info("{count} other daemons are at work on the database", count=len(others))
        self._gaps, self._others = gaps, others
        self._here.set(len(others))
        if self._behind:
            await self._look()
            self._behind = False

    async def _look(self) -> None:
        self._rounds.inc()
        followed: dict[int, list[Following]] = {}
        for following in self._watching.followings:
            followed.setdefault(following.place.mailbox_id, []).append(following)
        places = [_least(followings) for followings in followed.values()]
        for start in range(0, len(places), _AT_ONCE):
            for news in await self._store.news(places[start : start + _AT_ONCE]):
                for following in followed[news.mailbox_id]:
                    following.learn(news)

    async def _guarded(self) -> None:
        try:
            await self.round()
        except Exception as why:
            if not self._failing:  # once an outage
                self._failing = True
                if isinstance(why, TempmailError):
                    _log.warn("other daemons are not looked after: {why}", why=why.detail)
                else:
                    _log.failure("a round failed")
        else:
            self._failing = False


def _least(followings: list[Following]) -> Place:
    """What all of one mailbox's followers know."""
    places = [following.place for following in followings]
    return Place(
        places[0].mailbox_id,
        min(place.last_seq for place in places),
        min(place.deletions for place in places),
    )
