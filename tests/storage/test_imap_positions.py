"""The places in IMAP accounts: each held by one daemon, for as long as it says it is there."""

from __future__ import annotations

from uuid import uuid4

from tempmail.core.imap_ports import ImapPosition
from tempmail.storage.imap_positions import PostgresImapPositions
from tests.storage.case import StorageCase

ACCOUNT = "joe@mail.test/INBOX"
ONE, OTHER = uuid4(), uuid4()


class PositionsTest(StorageCase):
    def setUp(self) -> None:
        super().setUp()
        self.positions = PostgresImapPositions(self.make_database())

    def end_lease(self) -> None:
        self.query("UPDATE imap_cursors SET lease_until = clock_timestamp() - interval '1 second'")

    async def test_an_account_begins_at_its_beginning_and_goes_on_where_it_was_left(self) -> None:
        assert await self.positions.hold(ACCOUNT, ONE, 20) == ImapPosition()
        place = ImapPosition(2**32 - 1, 2**32 - 1, 7)
        assert await self.positions.move(ACCOUNT, ONE, place)
        assert await self.positions.hold(ACCOUNT, ONE, 20) == place
        assert await self.positions.hold("ann@mail.test/INBOX", ONE, 20) == ImapPosition()

    async def test_nobody_else_holds_it_until_its_lease_ends_or_it_is_released(self) -> None:
        await self.positions.hold(ACCOUNT, ONE, 20)
        assert await self.positions.hold(ACCOUNT, OTHER, 20) is None
        self.end_lease()
        assert await self.positions.hold(ACCOUNT, OTHER, 20) is not None
        await self.positions.release(ACCOUNT, ONE)  # it is not its any more
        assert await self.positions.hold(ACCOUNT, ONE, 20) is None
        await self.positions.release(ACCOUNT, OTHER)
        assert await self.positions.hold(ACCOUNT, ONE, 20) is not None

    async def test_whoever_does_not_hold_it_moves_nothing(self) -> None:
        await self.positions.hold(ACCOUNT, ONE, 20)
        assert not await self.positions.move(ACCOUNT, OTHER, ImapPosition(1, 5), "digest")
        self.end_lease()
        assert not await self.positions.move(ACCOUNT, ONE, ImapPosition(1, 5), "digest")
        assert self.query("SELECT last_uid FROM imap_cursors") == [(0,)]
        assert not await self.positions.taken(ACCOUNT, "digest")

    async def test_what_was_taken_is_known_of_that_account(self) -> None:
        await self.positions.hold(ACCOUNT, ONE, 20)
        for _ in range(2):
            assert await self.positions.move(ACCOUNT, ONE, ImapPosition(1, 5), "digest")
        assert await self.positions.taken(ACCOUNT, "digest")
        assert not await self.positions.taken("ann@mail.test/INBOX", "digest")
