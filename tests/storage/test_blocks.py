"""Blocks as the daemons and the operator share them."""

from __future__ import annotations

from tempmail.core.blocks import MOST, QUIET
from tempmail.core.ports import Block
from tempmail.storage import blocks
from tempmail.storage.blocks import PostgresBlocks
from tests.storage.case import StorageCase

ANN, BOB = "192.0.2.1", "2001:db8::/64"


class BlocksTest(StorageCase):
    def setUp(self) -> None:
        super().setUp()
        self.store = PostgresBlocks(self.make_database())

    def lift(self, network: str | None) -> list[str]:
        with self.connection.cursor() as cursor:
            return blocks.lift(cursor, network)

    async def networks(self) -> list[str]:
        return [block.network for block in await self.store.exchange([])]

    async def test_what_one_daemon_adds_another_sees(self) -> None:
        await self.store.exchange([Block(ANN, "errors", 2, 300), Block(BOB, "limits", 1, 60)])
        other = PostgresBlocks(self.make_database())
        bob, ann = await other.exchange([])
        assert (bob.network, bob.reason, bob.level) == (BOB, "limits", 1)
        assert (ann.network, ann.reason, ann.level) == (ANN, "errors", 2)
        assert 0 < bob.seconds <= 60
        assert 60 < ann.seconds <= 300

    async def test_of_two_daemons_blocks_the_longer_stays(self) -> None:
        for length, level in ((300, 2), (1800, 3), (60, 1)):
            await self.store.exchange([Block(ANN, "errors", level, length)])
        (block,) = await self.store.exchange([])
        assert block.level == 3
        assert 300 < block.seconds <= 1800

    async def test_an_ended_block_is_remembered_until_it_is_forgiven(self) -> None:
        await self.store.exchange(
            [Block(ANN, "errors", 1, 10 - QUIET), Block(BOB, "errors", 1, -QUIET)]
        )
        assert await self.networks() == [ANN]

    async def test_the_table_is_bounded_and_the_longest_stay(self) -> None:
        self.query(
            "INSERT INTO blocks SELECT 'flood ' || n, 'errors', 1,"
            " clock_timestamp() + interval '60 s' FROM generate_series(1, %s) AS n",
            MOST + 500,
        )
        held = await self.store.exchange([Block(ANN, "errors", 4, 7200)])
        assert len(held) <= MOST
        assert held[-1].network == ANN

    async def test_lifting_one_leaves_the_others(self) -> None:
        await self.store.exchange([Block(ANN, "errors", 2, 300), Block(BOB, "errors", 1, 60)])
        assert self.lift(ANN) == [ANN]
        assert await self.networks() == [BOB]

    async def test_lifting_all_forgets_ended_ones_too_but_tells_only_of_those_that_held(
        self,
    ) -> None:
        await self.store.exchange([Block(ANN, "errors", 2, -5), Block(BOB, "errors", 1, 60)])
        assert self.lift(None) == [BOB]
        assert await self.networks() == []

    async def test_lifting_whom_nobody_blocked_lifts_nothing(self) -> None:
        await self.store.exchange([Block(BOB, "errors", 1, 60)])
        assert self.lift(ANN) == []
        assert await self.networks() == [BOB]
