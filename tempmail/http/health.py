"""Whether the service lives, is ready, and what ails it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec

from tempmail.core.ports import Bus, Health
from tempmail.core.shared_health import BUSY
from tempmail.http.answers import Answer, json
from tempmail.http.described import described
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Returns, Route
from tempmail.model.errors import Unavailable

OK = "ok"
UNAVAILABLE = "unavailable"
DEGRADED = "degraded"


class Report(msgspec.Struct):
    """Each ``ok``, or in a word what is wrong.

    :ivar status: ``unavailable``, with 503, where the database is; ``degraded`` where only the bus
        is, or the database is busy: mail is taken and read as ever, what other daemons do is
        noticed seconds later, and some requests are answered with 503.
    :ivar database: ``busy`` where so much waits for it that this could not be asked: it is there,
        and what is asked again is answered.
    :ivar bus: see :meth:`tempmail.core.ports.Bus.status`.
    """

    status: Annotated[str, described("`ok`, `degraded` or `unavailable`", "ok")]
    database: Annotated[str, described("`ok`, `busy` or `unavailable`", "ok")]
    bus: Annotated[str, described("`ok` or `unavailable`", "ok")]
    version: Annotated[str, described("Ours", "1.0.0")]


class Status(msgspec.Struct):
    status: Annotated[str, described("`ok` or `unavailable`", "ok")]


class HealthRoutes:
    """Answers to whoever watches the daemon; nobody needs a credential for them.

    :param health: of the database.
    :param bus: of the events.
    :param ready: False while the daemon starts and while it stops.
    :param version: ours.
    """

    def __init__(self, health: Health, bus: Bus, ready: Callable[[], bool], version: str) -> None:
        self._health = health
        self._bus = bus
        self._ready = ready
        self._version = version

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [
            _route("/health", self.report, "How the service is", Report),
            _route("/health/live", self.live, "Whether the daemon lives", Status),
            _route("/health/ready", self.ready, "Whether it takes requests", Status),
        ]

    async def report(self, _: Ask[Nothing]) -> Answer:
        database, bus = await self._database(), self._bus.status()
        well = database != UNAVAILABLE
        ailing = bus == UNAVAILABLE or database == BUSY
        status = UNAVAILABLE if not well else DEGRADED if ailing else OK
        return _answer(well, Report(status, database, bus, self._version))

    async def live(self, _: Ask[Nothing]) -> Answer:
        return _answer(True, Status(OK))

    async def ready(self, _: Ask[Nothing]) -> Answer:
        well = self._ready() and await self._database() != UNAVAILABLE
        return _answer(well, Status(OK if well else UNAVAILABLE))

    async def _database(self) -> str:
        try:
            await self._health.ping()
        except Unavailable as why:
            return BUSY if why.code == BUSY else UNAVAILABLE
        return OK


def _route(
    path: str,
    respond: Callable[..., Awaitable[Answer]],
    summary: str,
    shape: type[msgspec.Struct],
) -> Route:
    returns = {
        200: Returns(description="All is well", shape=shape),
        503: Returns(description="Something ails it", shape=shape),
    }
    return Route("GET", path, respond, summary, Access.ANYBODY, returns=returns)


def _answer(well: bool, value: msgspec.Struct) -> Answer:
    return json(value, 200 if well else 503)
