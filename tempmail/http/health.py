"""Whether the service lives, is ready, and what ails it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from twisted.web.server import Request

from tempmail.core.ports import Bus, Health
from tempmail.http.answers import Answer, json
from tempmail.http.routes import Route
from tempmail.model.errors import Unavailable

OK = "ok"
UNAVAILABLE = "unavailable"


class Report(msgspec.Struct):
    """Each ``ok``, or in a word what is wrong."""

    status: str
    database: str
    bus: str
    version: str


class Status(msgspec.Struct):
    status: str


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
            Route("GET", "/health", self.report),
            Route("GET", "/health/live", self.live),
            Route("GET", "/health/ready", self.ready),
        ]

    async def report(self, _: Request) -> Answer:
        database, bus = await self._database(), self._bus.status()
        well = database == bus == OK
        return _answer(well, Report(OK if well else UNAVAILABLE, database, bus, self._version))

    async def live(self, _: Request) -> Answer:
        return _answer(True, Status(OK))

    async def ready(self, _: Request) -> Answer:
        well = self._ready() and await self._database() == OK
        return _answer(well, Status(OK if well else UNAVAILABLE))

    async def _database(self) -> str:
        try:
            await self._health.ping()
        except Unavailable:
            return UNAVAILABLE
        return OK


def _answer(well: bool, value: msgspec.Struct) -> Answer:
    return json(value, 200 if well else 503)
