"""How the service is, for whoever uses it: part by part, and as a whole."""

from __future__ import annotations

import enum
from collections.abc import Callable

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from tempmail.core.arrivals import Arrivals
from tempmail.core.ports import Bus, Health
from tempmail.model.errors import Unavailable

SECONDS = 2.0
"""For which a look at the parts counts, however many ask."""


class State(enum.StrEnum):
    """Of a part, or of the whole."""

    OK = "ok"
    DEGRADED = "degraded"
    OUTAGE = "outage"


class Part(enum.StrEnum):
    """What people notice of the service."""

    MAIL = "mail"
    WEB = "web"
    LIVE = "live"
    STORAGE = "storage"


@frozen
class Condition:
    """What was found at one look.

    :ivar parts: each with its state.
    :ivar listeners: how many of the ports for mail are open, and of how many.
    :ivar median: seconds, see :meth:`tempmail.core.arrivals.Arrivals.median`.
    :ivar mails: kept since ``counted_since``.
    :ivar counted_since, at: in seconds since the epoch.
    """

    parts: dict[Part, State]
    listeners: tuple[int, int]
    bus: str
    median: float | None
    mails: int
    counted_since: float
    at: float

    @property
    def state(self) -> State:
        """The worst of its parts."""
        found = set(self.parts.values())
        return next((one for one in (State.OUTAGE, State.DEGRADED) if one in found), State.OK)


class Conditions:
    """:param listening: how many of the ports for mail are open, and of how many.
    :param health: of the database.
    :param bus: of the events.
    """

    def __init__(
        self,
        health: Health,
        bus: Bus,
        arrivals: Arrivals,
        listening: Callable[[], tuple[int, int]],
        clock: IReactorTime,
    ) -> None:
        self._health = health
        self._bus = bus
        self._arrivals = arrivals
        self._listening = listening
        self._clock = clock
        self._known: Condition | None = None
        self._waiting: list[Deferred[Condition]] | None = None

    async def now(self) -> Condition:
        """How the service is; never fails for what ails it."""
        known = self._known
        if known is not None and 0 <= self._clock.seconds() - known.at < SECONDS:
            return known
        answer: Deferred[Condition] = Deferred()
        if self._waiting is not None:
            self._waiting.append(answer)
        else:
            self._waiting = [answer]
            Deferred.fromCoroutine(self._look()).addBoth(self._found)
        return await answer

    def _found(self, found: Condition | Failure) -> None:
        waiting, self._waiting = self._waiting or [], None
        if not isinstance(found, Failure):
            self._known = found
        for answer in waiting:
            answer.callback(found)  # a Failure is an errback

    async def _look(self) -> Condition:
        try:
            await self._health.ping()
        except Unavailable:
            storage = State.OUTAGE
        else:
            storage = State.OK
        bus = self._bus.status()
        mails, since = self._arrivals.today()
        listeners = self._listening()
        return Condition(
            {
                Part.MAIL: _of_mail(listeners, storage),
                Part.WEB: State.OK if storage is State.OK else State.OUTAGE,
                Part.LIVE: State.DEGRADED if bus == "unavailable" else State.OK,
                Part.STORAGE: storage,
            },
            listeners,
            bus,
            self._arrivals.median(),
            mails,
            since,
            self._clock.seconds(),
        )


def _of_mail(listeners: tuple[int, int], storage: State) -> State:
    """Without storage mail is answered 451: its senders keep it and come again."""
    opened, of = listeners
    if opened == 0:
        return State.OUTAGE
    return State.DEGRADED if opened < of or storage is not State.OK else State.OK
