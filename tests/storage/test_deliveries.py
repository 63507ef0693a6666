"""The delivery log: everything that came for a mailbox, and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tempmail.model.delivery import Refused
from tempmail.model.errors import NotFound
from tempmail.storage import deliveries
from tempmail.storage.connection import connect
from tempmail.storage.deliveries import MOST, PostgresDeliveries
from tempmail.storage.finding import find
from tests.storage.case import StorageCase, envelope, make_mailbox, owner


def note(*names: str, **changes: Any) -> Refused:
    fields: dict[str, Any] = {
        "addresses": tuple(f"{name}@example.test" for name in names),
        "verdict": "full",
        "reason": "the mailbox is full",
        "mail_from": "ann@sender.test",
        "helo": "client.test",
        "peer_ip": "127.0.0.1",
        "tls": None,
        "size": 38,
        "received_ms": 5,
    }
    return Refused(**{**fields, **changes})


class DeliveriesTest(StorageCase):
    def setUp(self) -> None:
        super().setUp()
        self.deliveries = PostgresDeliveries(self.make_database())

    async def log(self, name: str, limit: int = 200) -> list[str]:
        recent = await self.deliveries.recent(f"{name}@example.test", owner(name), limit)
        return [entry.verdict for entry in recent]

    async def test_stored_and_refused_mail_stands_in_the_order_of_its_coming(self) -> None:
        make_mailbox(self.connection, "box")
        ingest = self.make_ingest()
        await ingest.store(envelope("box"))
        await self.deliveries.keep([note("box", verdict="deferred")])
        await ingest.store(envelope("box"))
        assert await self.log("box") == ["stored", "deferred", "stored"]
        assert await self.log("box", limit=1) == ["stored"]

    async def test_a_note_is_for_those_mailboxes_that_exist(self) -> None:
        for name in ("one", "two", "three"):
            make_mailbox(self.connection, name)
        await self.deliveries.keep([note("one", "two", "nobody")])
        assert await self.log("one") == await self.log("two") == ["full"]
        assert await self.log("three") == []

    async def test_only_the_newest_notes_stay(self) -> None:
        make_mailbox(self.connection, "box")
        await self.deliveries.keep([note("box", size=size) for size in range(MOST + 20)])
        assert self.query("SELECT count(*), min(size) FROM deliveries") == [(MOST, 20)]

    async def test_it_is_its_owners_and_gone_with_the_mailboxs_time(self) -> None:
        make_mailbox(self.connection, "box")
        make_mailbox(self.connection, "other")
        assert await self.log("box") == []
        await self.deliveries.keep([note("box")])
        reading: Deferred[object] = Deferred.fromCoroutine(
            self.deliveries.recent("box@example.test", owner("other"), 5)
        )
        await self.assertFailure(reading, NotFound)
        self.expire("box@example.test")
        await self.assertFailure(Deferred.fromCoroutine(self.log("box")), NotFound)

    def test_the_statement_itself_says_whose_it_is_and_for_how_long(self) -> None:
        """Even where the mailbox ends behind the look at it."""
        make_mailbox(self.connection, "box")
        cursor = connect(self.dsn).cursor()
        self.addCleanup(cursor.connection.close)
        found = find(cursor, "box@example.test", owner("box"))
        self.patch(deliveries, "find", lambda *_: found)
        cursor.connection.rollback()
        for ending in ("expires_at = clock_timestamp()", "is_active = false"):
            self.query(f"UPDATE mailboxes SET {ending}")
            with pytest.raises(NotFound):
                deliveries._recent(cursor, found.address, owner("box"), 5)
            cursor.connection.rollback()

    async def test_what_a_client_said_can_always_be_noted(self) -> None:
        make_mailbox(self.connection, "box")
        await self.deliveries.keep([note("box", helo="a\0b\udc80", mail_from="\0")])
        assert await self.log("box") == ["full"]

    async def test_the_log_goes_with_its_mailbox(self) -> None:
        make_mailbox(self.connection, "box")
        await self.deliveries.keep([note("box")])
        self.query("DELETE FROM mailboxes")
        assert self.query("SELECT count(*) FROM deliveries") == [(0,)]
