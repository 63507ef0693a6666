"""Public mailboxes: each message goes when its own 15 minutes are over."""

from __future__ import annotations

from tempmail.storage.sweeping import PostgresHousekeeping
from tests.storage.case import StorageCase, envelope, make_mailbox, verdicts


class PublicSweepingTest(StorageCase):
    def setUp(self) -> None:
        super().setUp()
        self.ingest = self.make_ingest()
        self.housekeeping = PostgresHousekeeping(self.make_database())
        make_mailbox(self.connection, "shared", owner_type="public", session_token_hash=None)

    def age(self, seq: int) -> None:
        self.query(
            "UPDATE messages SET expires_at = clock_timestamp() - interval '1 second'"
            " WHERE seq <= %s",
            seq,
        )

    async def test_only_what_is_past_its_time_goes_and_makes_room(self) -> None:
        self.query("UPDATE plans SET max_messages_per_mailbox = 3")
        for _ in range(3):
            await self.ingest.store(envelope("shared"))
        assert verdicts(await self.ingest.store(envelope("shared"))) == ["full"]
        self.age(2)
        assert await self.housekeeping.free_messages(1000) == 2
        assert await self.housekeeping.free_messages(1000) == 0
        assert self.query("SELECT seq FROM messages") == [(3,)]
        assert self.query("SELECT message_count, last_seq FROM mailboxes") == [(1, 3)]
        assert verdicts(await self.ingest.store(envelope("shared"))) == ["stored"]

    async def test_what_went_with_its_partition_no_longer_counts(self) -> None:
        await self.ingest.store(envelope("shared"))
        self.query("DELETE FROM messages")
        await self.housekeeping.free_messages(1000)
        assert self.query("SELECT message_count FROM mailboxes") == [(0,)]

    async def test_a_private_mailbox_is_left_alone(self) -> None:
        make_mailbox(self.connection, "mine")
        await self.ingest.store(envelope("mine"))
        self.age(1)  # as after an extension within the hour, which moves no row
        assert await self.housekeeping.free_messages(1000) == 0
        assert self.query("SELECT count(*) FROM messages") == [(1,)]
