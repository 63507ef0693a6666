"""How long blocks hold, and how they are shared through storage."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from tempmail.bus.local import LocalBus
from tempmail.core.blocks import INTERVAL, LENGTHS, MOST, QUIET, TOPIC, BlockExchange, Blocks
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Block
from tempmail.model.errors import Unavailable

ANN, BOB = "192.0.2.1", "2001:db8::/64"


class Store:
    """Stands for storage: what it holds ends by its own clock; it fails when :attr:`away`."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.blocks: dict[str, tuple[Block, float]] = {}
        self.told: list[Block] = []
        self.away: Exception | None = None
        self.slow: Deferred[None] | None = None

    def hold(self, block: Block) -> None:
        self.blocks[block.network] = (block, self.clock.seconds())

    async def exchange(self, made: Sequence[Block]) -> Sequence[Block]:
        if self.away is not None:
            raise self.away
        for block in made:
            self.told.append(block)
            self.hold(block)
        now = self.clock.seconds()
        held = [
            evolve(block, seconds=block.seconds - (now - since))
            for block, since in self.blocks.values()
        ]
        if self.slow is not None:
            await self.slow
        return held


class BlocksCase(TestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.metrics = Metrics()
        self.blocks = Blocks(self.metrics, self.clock)

    def figure(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"tempmail_{name}")

    def length(self) -> float:
        """Block, and see for how long."""
        self.blocks.block(ANN, "errors")
        start = self.clock.seconds()
        while self.blocks.holds(ANN):
            self.clock.advance(60)
            self.assertLessEqual(self.clock.seconds() - start, max(LENGTHS))
        return self.clock.seconds() - start


class BlocksTests(BlocksCase):
    def test_each_block_is_longer_than_the_last_up_to_a_day(self) -> None:
        self.assertEqual(
            [self.length() for _ in range(7)], [60, 300, 1800, 7200, 86400, 86400, 86400]
        )

    def test_after_a_quiet_day_the_next_is_a_first_one(self) -> None:
        for _ in range(3):
            self.length()
        self.clock.advance(QUIET)
        self.assertEqual(self.length(), LENGTHS[0])

    def test_just_before_that_it_is_not(self) -> None:
        self.length()
        self.clock.advance(QUIET - 1)
        self.assertEqual(self.length(), LENGTHS[1])

    def test_there_is_a_bound_and_the_longest_stay(self) -> None:
        for _ in range(3):
            self.length()
        self.blocks.block(ANN, "errors")
        for number in range(MOST + 100):
            self.blocks.block(f"2001:db8:{number:x}::/64", "errors")
        self.assertEqual(len(self.blocks.unshared()), MOST)
        self.assertTrue(self.blocks.holds(ANN))

    def test_the_gauge_shows_those_that_hold(self) -> None:
        self.length()
        self.blocks.block(BOB, "errors")
        self.assertEqual(self.figure("blocks"), 1)


class ExchangeTests(BlocksCase):
    def setUp(self) -> None:
        super().setUp()
        self.store = Store(self.clock)
        self.bus = LocalBus(self.metrics)
        self.announced: list[str] = []
        self.bus.observe(TOPIC, self.announced.append)
        self.exchange = BlockExchange(self.blocks, self.store, self.metrics, self.clock, self.bus)
        self.exchange.start()
        self.addCleanup(self.exchange.stop)

    def test_a_block_is_told_once(self) -> None:
        self.blocks.block(ANN, "errors")
        for _ in range(3):
            self.clock.advance(INTERVAL)
        self.assertEqual(self.store.told, [Block(ANN, "errors", 1, 60 - INTERVAL)])

    def test_blocks_are_told_soon_and_together_and_that_is_announced(self) -> None:
        for network in (ANN, BOB):
            self.blocks.block(network, "errors")
        self.clock.advance(0.1)
        self.assertEqual([block.network for block in self.store.told], [ANN, BOB])
        self.assertEqual(self.announced, [""])
        for _ in range(3):
            self.clock.advance(INTERVAL)
        self.assertEqual(self.announced, [""])

    def test_what_another_daemon_announces_is_looked_up_soon(self) -> None:
        self.store.hold(Block(ANN, "errors", 1, 60))
        for _ in range(100):  # whoever announces much does not make us ask as often
            self.bus.announce(TOPIC, "")
        self.assertFalse(self.blocks.holds(ANN))
        self.clock.advance(0.1)
        self.assertTrue(self.blocks.holds(ANN))

    def test_another_daemon_s_block_holds_here_and_its_level_counts(self) -> None:
        self.store.hold(Block(ANN, "errors", 2, 100))
        self.clock.advance(INTERVAL)
        self.assertTrue(self.blocks.holds(ANN))
        self.store.hold(Block(ANN, "errors", 2, -5))
        self.clock.advance(INTERVAL)
        self.assertFalse(self.blocks.holds(ANN))
        self.assertEqual(self.length(), LENGTHS[2])

    def test_a_block_that_storage_no_longer_has_was_lifted(self) -> None:
        self.blocks.block(ANN, "errors")
        self.clock.advance(INTERVAL)
        self.store.blocks.clear()
        self.clock.advance(INTERVAL)
        self.assertFalse(self.blocks.holds(ANN))
        self.assertEqual(self.length(), LENGTHS[0])

    def test_a_block_made_while_storage_is_read_is_not_taken_for_lifted(self) -> None:
        self.store.slow = Deferred()
        self.clock.advance(INTERVAL)
        self.blocks.block(ANN, "errors")
        slow, self.store.slow = self.store.slow, None
        slow.callback(None)
        self.assertTrue(self.blocks.holds(ANN))
        self.clock.advance(INTERVAL)
        self.assertEqual([block.network for block in self.store.told], [ANN])

    def test_with_storage_away_blocks_go_on_and_are_told_later(self) -> None:
        self.store.hold(Block(BOB, "errors", 5, 1000))
        self.clock.advance(INTERVAL)
        self.store.away = Unavailable("away")
        self.blocks.block(ANN, "errors")
        for _ in range(5):
            self.clock.advance(INTERVAL)
        self.assertTrue(self.blocks.holds(ANN))
        self.assertTrue(self.blocks.holds(BOB))
        self.assertEqual(self.figure("block_exchange_failures_total"), 6)
        self.store.away = None
        self.clock.advance(INTERVAL)
        self.assertEqual([block.network for block in self.store.told], [ANN])

    def test_no_exception_ends_the_exchange(self) -> None:
        self.store.away = RuntimeError("odd")
        self.clock.advance(INTERVAL)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.store.away = None
        self.store.hold(Block(ANN, "errors", 1, 60))
        self.clock.advance(INTERVAL)
        self.assertTrue(self.blocks.holds(ANN))

    def test_after_the_stop_nothing_is_left_to_run(self) -> None:
        self.exchange.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
