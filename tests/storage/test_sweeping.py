"""Freeing space: in steps, around everybody else, and whole partitions at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest import mock

from twisted.internet.defer import Deferred

from tempmail.storage.database import Cursor
from tempmail.storage.sweeping import (
    _ONE_SWEEPER,
    PostgresHousekeeping,
    _drop_partitions,
    prepare_partition,
)
from tests.storage.case import MailboxCase, make_mailbox, owner

PAST = "2001020304"


class SweepingCase(MailboxCase):
    def setUp(self) -> None:
        super().setUp()
        self.housekeeping = PostgresHousekeeping(self.database, hours_ahead=4)
        self.come_to_the_present()

    def come_to_the_present(self) -> None:
        """The schema is a copy of one that may have been made an hour ago."""
        present = "messages_" + datetime.now(UTC).strftime(
            "%Y%m%d%H"
        )  # ends with this hour's begin
        for name in self.partitions():
            if name <= present:
                self.query(f"DROP TABLE {name}")
        with self.connection.cursor() as cursor:
            for hours_ahead in range(3):
                prepare_partition(cursor, hours_ahead)

    async def fill(self, name: str, messages: int) -> None:
        await self.create(name, client=name)
        for _ in range(messages):
            await self.deliver(name)

    def partitions(self) -> list[str]:
        return [
            name
            for (name,) in self.query(
                "SELECT relname::text FROM pg_class WHERE relkind = 'r'"
                " AND relname LIKE 'messages\\_%%' ORDER BY 1"
            )
        ]

    def make_past_partition(self, name: str = PAST) -> None:
        stamp = f"{name[:4]}-{name[4:6]}-{name[6:8]} {name[8:]}:00Z"
        self.query("SELECT ensure_partition(%s)", stamp)

    def age(self, table: str, stamp: str) -> None:
        self.query(f"UPDATE {table} SET bucket = %s, expires_at = %s", stamp, stamp)


class ExpireTest(SweepingCase):
    async def test_those_past_their_time_are_marked_in_steps_and_named_once(self) -> None:
        ids = {make_mailbox(self.connection, f"old{n}") for n in range(5)}
        self.expire()
        make_mailbox(self.connection, "young")
        steps = [await self.housekeeping.expire_mailboxes(3) for _ in range(3)]
        assert [len(step) for step in steps] == [3, 2, 0]
        assert {identity for step in steps for identity in step} == ids
        assert self.query("SELECT address FROM mailboxes WHERE is_active") == [
            ("young@example.test",)
        ]

    async def test_each_leaves_a_tombstone_but_a_public_one(self) -> None:
        make_mailbox(self.connection, "mine")
        make_mailbox(self.connection, "ours", owner_type="public", session_token_hash=None)
        self.expire()
        await self.housekeeping.expire_mailboxes(9)
        assert self.query(
            "SELECT address_hash = sha256('mine@example.test'), session_token_hash = %s"
            " FROM tombstones",
            owner("mine").token_hash,
        ) == [(True, True)]

    async def test_a_step_that_another_daemon_is_in_is_left_to_it(self) -> None:
        make_mailbox(self.connection, "old")
        self.expire()
        other = self.connect()
        other.autocommit = False
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_ONE_SWEEPER,))
        steps = self.housekeeping
        assert list(await steps.expire_mailboxes(9)) == []
        assert await steps.release_mailboxes(9) == await steps.free_messages(9) == 0
        assert await steps.forget_deletions(9) == await steps.drop_partitions() == 0
        other.rollback()
        assert len(await steps.expire_mailboxes(9)) == 1
        assert await steps.release_mailboxes(9) == 1

    async def test_a_daemon_that_is_stopped_while_it_drops_partitions_loses_its_lock(self) -> None:
        shown: list[str] = []

        def spy(cursor: Cursor) -> int:
            cursor.execute("SHOW idle_session_timeout")
            shown.extend(cursor.fetchone() or ())
            return 0

        with mock.patch("tempmail.storage.sweeping._drop", spy):
            await self.housekeeping.drop_partitions()
        await self.database.run(spy)
        assert shown == ["30s", "0"]

    async def test_one_that_somebody_holds_is_left_for_the_next_sweep(self) -> None:
        make_mailbox(self.connection, "held")
        make_mailbox(self.connection, "free")
        self.expire()
        holder = self.connect()
        holder.autocommit = False
        with holder.cursor() as cursor:
            cursor.execute("SELECT FROM mailboxes WHERE address LIKE 'held%' FOR NO KEY UPDATE")
        assert len(await self.housekeeping.expire_mailboxes(9)) == 1
        holder.rollback()
        assert len(await self.housekeeping.expire_mailboxes(9)) == 1


class FreeTest(SweepingCase):
    async def test_messages_of_expired_and_of_deleted_mailboxes_go_in_steps(self) -> None:
        for name, messages in (("expired", 7), ("deleted", 6), ("living", 3)):
            await self.fill(name, messages)
        self.expire("expired@%")
        await self.housekeeping.expire_mailboxes(9)
        await self.mailboxes.delete("deleted@example.test", owner("deleted"))
        steps = []
        while done := await self.housekeeping.free_messages(4):
            steps.append(done)
        assert sum(steps) == 13
        assert max(steps) == 4
        assert self.query("SELECT count(*) FROM messages") == [(3,)]
        assert self.query("SELECT message_count FROM mailboxes ORDER BY 1") == [(0,), (0,), (3,)]

    async def test_a_step_without_anything_to_do_is_not_the_end(self) -> None:
        for n in range(6):  # each step fills its limit exactly and marks nothing as empty
            await self.fill(f"box{n}", 2)
            await self.mailboxes.delete(f"box{n}@example.test", owner(f"box{n}"))
        steps = []
        while done := await self.housekeeping.free_messages(2):
            steps.append(done)
        assert sum(steps) == 12
        assert self.query("SELECT count(*) FROM messages") == [(0,)]

    async def test_messages_are_freed_in_every_bucket(self) -> None:
        await self.fill("near", 2)
        await self.fill("far", 2)
        await self.mailboxes.extend("far@example.test", owner("far"), 600)
        for name in ("near", "far"):
            await self.mailboxes.delete(f"{name}@example.test", owner(name))
        assert await self.housekeeping.free_messages(100) == 4
        assert self.query("SELECT count(*) FROM messages") == [(0,)]


class ReleaseTest(SweepingCase):
    async def test_ended_and_emptied_mailboxes_go_in_steps(self) -> None:
        for n in range(5):
            make_mailbox(self.connection, f"old{n}", is_active=False)
        make_mailbox(self.connection, "full", is_active=False, message_count=1)
        make_mailbox(self.connection, "living")
        steps = [await self.housekeeping.release_mailboxes(3) for _ in range(3)]
        assert steps == [3, 2, 0]
        assert self.query("SELECT address FROM mailboxes ORDER BY 1") == [
            ("full@example.test",),
            ("living@example.test",),
        ]

    async def test_one_whose_partition_is_gone_needs_no_emptying(self) -> None:
        make_mailbox(self.connection, "old", is_active=False, message_count=9)
        self.age("mailboxes", "2001-02-03 04:00Z")
        assert await self.housekeeping.free_messages(9) == 0
        assert await self.housekeeping.release_mailboxes(9) == 1

    async def test_its_token_is_known_for_as_long_as_its_tombstone(self) -> None:
        await self.create()
        await self.mailboxes.delete("box@example.test", owner("box"))
        await self.housekeeping.release_mailboxes(9)
        assert self.query("SELECT count(*) FROM tombstones") == [(1,)]
        self.query("UPDATE tombstones SET released_at = released_at - interval '31 days'")
        await self.housekeeping.release_mailboxes(9)
        assert self.query("SELECT count(*) FROM tombstones") == [(0,)]


class PartitionsTest(SweepingCase):
    async def test_the_hours_ahead_are_made(self) -> None:
        before = len(self.partitions())
        await self.housekeeping.prepare_partitions()
        assert len(self.partitions()) == before + 1
        await self.housekeeping.prepare_partitions()
        assert len(self.partitions()) == before + 1

    async def test_what_lies_behind_is_dropped_with_all_that_is_in_it(self) -> None:
        self.make_past_partition()
        self.make_past_partition("2001020305")
        await self.fill("old", 3)
        self.age("messages", "2001-02-03 04:00Z")
        kept = self.partitions()[2:]
        assert await self.housekeeping.drop_partitions() == 2
        assert self.partitions() == kept
        assert self.query("SELECT count(*) FROM messages") == [(0,)]
        assert await self.housekeeping.drop_partitions() == 0

    async def test_the_hour_that_has_just_ended_is_left_for_who_still_writes(self) -> None:
        self.query("SELECT ensure_partition(date_trunc('hour', clock_timestamp()))")
        now = self.query("SELECT clock_timestamp() - date_trunc('hour', clock_timestamp())"
                         " < interval '1 minute'")  # fmt: skip
        assert await self.housekeeping.drop_partitions() == (0 if now == [(True,)] else 1)

    async def test_deliveries_and_reads_go_on_beside_it(self) -> None:
        self.make_past_partition()
        await self.fill("box", 1)
        reader = self.connect()
        reader.autocommit = False
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM messages")
        dropping = Deferred.fromCoroutine(self.housekeeping.drop_partitions())
        await self.until("EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'ALTER%%CONC%%'"
                         " AND wait_event_type = 'Lock')")  # fmt: skip
        assert (await self.deliver("box")).seq == 2
        assert await self.messages.raw("box@example.test", owner("box"), None)
        await self.create("another")
        reader.rollback()
        assert await dropping == 1

    async def test_behind_a_long_reader_it_gives_way_and_the_next_sweep_finalizes(self) -> None:
        self.make_past_partition()
        self.make_past_partition("2001020305")
        reader = self.connect()
        reader.autocommit = False
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM messages")

        def drop_impatiently(cursor: Cursor) -> int:
            cursor.execute("SET lock_timeout = '200ms'")
            return _drop_partitions(cursor)

        assert await self.database.singly(drop_impatiently) == 0
        assert self.pending() == [(1,)]
        reader.rollback()
        assert await self.housekeeping.drop_partitions() == 2
        assert self.pending() == [(0,)]
        assert PAST not in "".join(self.partitions())

    async def test_a_partition_that_was_detached_and_not_dropped_is_dropped(self) -> None:
        self.make_past_partition()
        self.query(f"ALTER TABLE messages DETACH PARTITION messages_{PAST}")
        assert await self.housekeeping.drop_partitions() == 1

    async def test_tables_that_are_not_ours_are_left_alone(self) -> None:
        for name in ("messages_2001", "messages_20010203041", "messages_old"):
            self.query(f"CREATE TABLE {name} ()")
        assert await self.housekeeping.drop_partitions() == 0

    async def test_while_another_sweeps_it_drops_nothing(self) -> None:
        self.make_past_partition()
        self.query("SELECT pg_advisory_lock(2904166821773004981)")
        assert await self.housekeeping.drop_partitions() == 0
        self.query("SELECT pg_advisory_unlock(2904166821773004981)")
        assert await self.housekeeping.drop_partitions() == 1

    async def test_afterwards_the_connection_works_in_transactions_again(self) -> None:
        await self.housekeeping.drop_partitions()
        database = self.make_database(connections=1)
        await PostgresHousekeeping(database).drop_partitions()

        def work(cursor: Cursor) -> None:
            cursor.execute("CREATE TABLE left_behind ()")
            raise LookupError

        await self.assertFailure(Deferred.fromCoroutine(database.run(work)), LookupError)
        assert self.query("SELECT to_regclass('left_behind')") == [(None,)]

    def pending(self) -> list[tuple[Any, ...]]:
        return self.query("SELECT count(*) FROM pg_inherits WHERE inhdetachpending")
