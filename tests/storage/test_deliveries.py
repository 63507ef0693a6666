"""The delivery log: everything that came for a mailbox, and nobody else's."""

from __future__ import annotations

from typing import Any

from tempmail.model.delivery import Refused
from tempmail.storage.deliveries import MOST, PostgresDeliveries
from tempmail.storage.mailboxes import PostgresMailboxes
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
        database = self.make_database()
        self.deliveries = PostgresDeliveries(database)
        self.mailboxes = PostgresMailboxes(database)

    async def log(self, name: str, limit: int = 200) -> list[str]:
        mailbox = await self.mailboxes.get(f"{name}@example.test", owner(name))
        return [entry.verdict for entry in await self.deliveries.recent(mailbox, limit)]

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

    async def test_what_a_client_said_can_always_be_noted(self) -> None:
        make_mailbox(self.connection, "box")
        await self.deliveries.keep([note("box", helo="a\0b\udc80", mail_from="\0")])
        assert await self.log("box") == ["full"]

    async def test_the_log_goes_with_its_mailbox(self) -> None:
        make_mailbox(self.connection, "box")
        await self.deliveries.keep([note("box")])
        self.query("DELETE FROM mailboxes")
        assert self.query("SELECT count(*) FROM deliveries") == [(0,)]
