"""Rates of plans in PostgreSQL."""

from __future__ import annotations

from tempmail.storage.database import Database
from tempmail.storage.plans import plan


class PostgresPlanRates:
    """:class:`tempmail.core.ports.PlanRates` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def anonymous_requests_per_minute(self) -> int:
        return (await self._database.run(plan, "anonymous")).requests_per_minute
