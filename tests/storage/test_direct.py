"""Single statements on connections that the reactor drives: bounds, deadlines, lost servers."""

from __future__ import annotations

from typing import Any
from unittest import mock

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults

from tempmail.core.metrics import Metrics
from tempmail.model.errors import Unavailable
from tempmail.storage.database import Database
from tempmail.storage.direct import Rows
from tests.storage.case import StorageCase, failures

OURS = "datname = current_database() AND pid <> pg_backend_pid()"
SLEEPING = f"(SELECT count(*) FROM pg_stat_activity WHERE {OURS} AND wait_event = 'PgSleep')"
OPEN = f"(SELECT count(*) FROM pg_stat_activity WHERE {OURS})"


def rows(database: Database, sql: str, *, again: bool = True, **values: Any) -> Deferred[Rows]:
    return Deferred.fromCoroutine(database.rows(sql, values, again=again))


def one(database: Database, *, again: bool = True) -> Deferred[Rows]:
    return rows(database, "SELECT 1", again=again)


def sleep(database: Database, seconds: float, *, again: bool = True) -> Deferred[Rows]:
    return rows(database, "SELECT pg_sleep(%(s)s)", again=again, s=seconds)


class RowsTest(StorageCase):
    async def test_it_returns_the_rows_of_a_statement_that_is_committed(self) -> None:
        database = self.make_database()
        insert = "INSERT INTO users (name) VALUES (%(name)s) RETURNING name"
        assert await rows(database, insert, again=False, name="ann's") == [("ann's",)]
        assert self.query("SELECT name FROM users") == [("ann's",)]

    async def test_no_rows_and_large_ones_come_whole(self) -> None:
        database = self.make_database()
        assert await rows(database, "SELECT 1 WHERE false") == []
        large = "x" * 3_000_000
        found = await rows(database, "SELECT %(text)s || 'y', '[1.5, null]'::jsonb", text=large)
        assert found == [(large + "y", [1.5, None])]

    async def test_more_than_there_are_connections_for_are_done_in_order(self) -> None:
        database = self.make_database(direct=2)
        calls = [rows(database, "SELECT %(n)s::int", n=number) for number in range(50)]
        assert await gatherResults(calls) == [[(number,)] for number in range(50)]
        assert self.query(f"SELECT {OPEN} <= 2") == [(True,)]

    async def test_a_session_is_as_the_promises_need_it(self) -> None:
        sql = "SELECT current_setting('synchronous_commit'), current_setting('timezone')"
        assert await rows(self.make_database(), sql) == [("on", "UTC")]

    async def test_an_error_of_the_server_is_unavailable_and_spoils_nothing(self) -> None:
        database = self.make_database(direct=1)
        await self.assertFailure(rows(database, "SELECT 1/0"), Unavailable)
        assert self.refused("failed") == 1
        assert await one(database) == [(1,)]

    async def test_a_value_that_postgresql_cannot_have_is_the_callers_error(self) -> None:
        database = self.make_database(direct=1)
        await self.assertFailure(rows(database, "SELECT %(text)s", text="\0"), ValueError)
        assert await one(database) == [(1,)]

    async def test_beyond_those_that_may_wait_it_refuses_at_once(self) -> None:
        database = self.make_database(direct=1, waiting=3)
        calls = [sleep(database, 0.05) for _ in range(3)]
        refused = one(database)
        assert refused.called
        await self.assertFailure(refused, Unavailable)
        assert self.refused("queue_full") == 1
        await gatherResults(calls)
        assert await one(database) == [(1,)]

    async def test_whoever_leaves_keeps_the_place_until_the_statement_has_ended(self) -> None:
        database = self.make_database(direct=1, waiting=2)
        calls = [sleep(database, 0.2) for _ in range(2)]
        for call in calls:
            call.cancel()
            await self.assertFailure(call, CancelledError)
        await self.assertFailure(one(database), Unavailable)
        await self.until(lambda: not database._direct.under_way)
        assert await one(database) == [(1,)]

    async def test_statements_are_answered_at_the_deadline_and_those_after_them_go_on(
        self,
    ) -> None:
        database = self.make_database(direct=1, deadline=0.3)
        calls = [sleep(database, 60) for _ in range(3)]
        assert await failures(calls) == [Unavailable] * 3
        assert self.refused("deadline") == 3
        assert await one(database) == [(1,)]

    async def test_each_statement_has_its_own_deadline(self) -> None:
        database = self.make_database(direct=2, deadline=0.5)
        await one(database)
        early = sleep(database, 60)
        turn: Deferred[None] = Deferred()
        reactor.callLater(0.25, turn.callback, None)
        await turn
        late = sleep(database, 0.35)
        await self.assertFailure(early, Unavailable)
        assert not late.called
        assert len(await late) == 1


class LossTest(StorageCase):
    def end_sessions(self) -> None:
        self.query(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {OURS}")

    async def test_sessions_that_ended_while_idle_are_replaced_unnoticed(self) -> None:
        database = self.make_database()
        for again in (True, False):
            await gatherResults([sleep(database, 0.05) for _ in range(8)])
            self.end_sessions()
            found = await gatherResults([one(database, again=again) for _ in range(8)])
            assert found == [[(1,)]] * 8
        assert self.refused("failed") == 0

    async def test_a_read_that_is_lost_in_the_middle_is_sent_once_more(self) -> None:
        database = self.make_database(direct=1)
        call = sleep(database, 1)
        await self.until(f"1 = {SLEEPING}")
        self.end_sessions()
        assert len(await call) == 1

    async def test_a_read_that_is_lost_twice_is_unavailable(self) -> None:
        database = self.make_database(direct=1)
        suicide = "SELECT pg_terminate_backend(pg_backend_pid())"
        await self.assertFailure(rows(database, suicide), Unavailable)
        assert await one(database) == [(1,)]

    async def test_what_changes_something_is_not_sent_again(self) -> None:
        database = self.make_database(direct=1)
        call = sleep(database, 60, again=False)
        await self.until(f"1 = {SLEEPING}")
        self.end_sessions()
        await self.assertFailure(call, Unavailable)
        assert self.query(f"SELECT {SLEEPING}") == [(0,)]
        assert await one(database) == [(1,)]

    async def test_a_server_that_cannot_be_reached_is_unavailable_each_time(self) -> None:
        database = Database("host=/nonexistent", reactor, Metrics())
        self.addCleanup(database.stop)
        for _ in range(3):
            assert await failures([one(database) for _ in range(20)]) == [Unavailable] * 20

    async def test_while_no_connection_can_be_added_those_there_are_do_the_work(self) -> None:
        database = self.make_database(direct=2)
        await one(database)
        with mock.patch.dict(database._direct._parameters, host="/nonexistent"):
            found = await gatherResults([sleep(database, 0.02) for _ in range(5)])
        assert len(found) == 5
        assert self.query(f"SELECT {OPEN}") == [(1,)]

    async def test_stopping_answers_those_who_wait_and_closes_the_connections(self) -> None:
        database = self.make_database(direct=2)
        calls = [sleep(database, 60) for _ in range(4)]
        await self.until(f"2 = {SLEEPING}")
        database.stop()
        assert await failures(calls) == [Unavailable] * 4
        await self.assertFailure(one(database), Unavailable)
