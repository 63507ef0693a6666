"""How the service is, for whoever uses it: part by part, and as a whole."""

from __future__ import annotations

import enum
from collections.abc import Callable

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from tempmail.core.arrivals import Arrivals
from tempmail.core.ports import Bus, Health
from tempmail.core.shared_health import BUSY
from tempmail.model.errors import Unavailable


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
    :param health: of the database; asked at each look.
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

    async def now(self) -> Condition:
        """How the service is; never fails for what ails it."""
        try:
            await self._health.ping()
        except Unavailable as why:
            storage = State.DEGRADED if why.code == BUSY else State.OUTAGE
        else:
            storage = State.OK
        bus = self._bus.status()
        mails, since = self._arrivals.today()
        listeners = self._listening()
        return Condition(
            {
                Part.MAIL: _of_mail(listeners, storage),
                Part.WEB: storage,
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
    """Without storage mail is answered 451: its senders keep it and come again.  It has a
    connection of its own, so that requests that wait for theirs do not hold it up."""
    opened, of = listeners
    if opened == 0:
        return State.OUTAGE
    return State.DEGRADED if opened < of or storage is State.OUTAGE else State.OK
