"""Short transactions on a small pool: bounded waiting, deadlines, and lost servers."""

from __future__ import annotations

import contextlib
import threading
from datetime import UTC, datetime, timedelta

import psycopg2
from psycopg2.extensions import parse_dsn
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults

from tempmail.core.metrics import Metrics
from tempmail.core.shared_health import BUSY
from tempmail.model.errors import NotFound, Unavailable
from tempmail.storage.connection import connect, is_loss, parameters
from tempmail.storage.database import Cursor, Database
from tempmail.storage.health import PostgresHealth
from tests.storage.case import StorageCase, failures

SLEEPING = "(SELECT count(*) FROM pg_stat_activity WHERE right(query, 19) = 'SELECT pg_sleep(60)')"


def one(cursor: Cursor) -> int:
    cursor.execute("SELECT 1")
    (value,) = cursor.fetchone() or (0,)
    return int(value)


def sleep(cursor: Cursor, seconds: float) -> None:
    cursor.execute("SELECT pg_sleep(%s)", (seconds,))


class RunTest(StorageCase):
    async def test_it_commits_what_the_work_did_and_returns_its_value(self) -> None:
        def work(cursor: Cursor, name: str, *, times: int) -> str:
            for number in range(times):
                cursor.execute("INSERT INTO users (name) VALUES (%s)", (f"{name}{number}",))
            return "done"

        assert await self.make_database().run(work, "ann", times=2) == "done"
        assert self.query("SELECT count(*) FROM users WHERE name LIKE 'ann_'") == [(2,)]

    async def test_what_the_work_raises_is_raised_and_all_is_rolled_back(self) -> None:
        def work(cursor: Cursor, error: Exception) -> None:
            cursor.execute("INSERT INTO users (name) VALUES ('ann')")
            raise error

        database = self.make_database()
        for error in (NotFound("no"), ZeroDivisionError()):
            with contextlib.suppress(type(error)):
                await database.run(work, error)
                self.fail("nothing was raised")
        assert self.query("SELECT count(*) FROM users") == [(0,)]
        assert await database.run(one) == 1

    async def test_an_error_of_the_server_is_unavailable_and_counted(self) -> None:
        def work(cursor: Cursor) -> None:
            cursor.execute("SELECT 1/0")

        await self.assertFailure(
            Deferred.fromCoroutine(self.make_database().run(work)), Unavailable
        )
        assert self.refused("failed") == 1

    async def test_beyond_those_that_may_wait_it_refuses_at_once(self) -> None:
        database = self.make_database(connections=1, waiting=3)
        calls = [Deferred.fromCoroutine(database.run(sleep, 0.05)) for _ in range(3)]
        refused = Deferred.fromCoroutine(database.run(one))
        assert refused.called
        await self.assertFailure(refused, Unavailable)
        assert self.refused("queue_full") == 1
        await gatherResults(calls)
        assert await database.run(one) == 1

    async def test_whoever_leaves_keeps_the_place_until_the_thread_is_free(self) -> None:
        database = self.make_database(connections=1, waiting=2)
        calls = [Deferred.fromCoroutine(database.run(sleep, 0.2)) for _ in range(2)]
        for call in calls:
            call.cancel()
            await self.assertFailure(call, CancelledError)
        await self.assertFailure(Deferred.fromCoroutine(database.run(one)), Unavailable)
        await self.until(lambda: not database._under_way)
        assert await database.run(one) == 1

    async def test_a_call_is_answered_and_its_thread_freed_at_the_deadline(self) -> None:
        database = self.make_database(connections=1, deadline=0.2)
        calls = [Deferred.fromCoroutine(database.run(sleep, 60)) for _ in range(3)]
        assert await failures(calls) == [Unavailable] * 3
        assert self.refused("deadline") == 3
        assert await database.run(one) == 1

    async def test_whoever_leaves_does_not_take_the_deadline_away(self) -> None:
        database = self.make_database(connections=1, deadline=0.3)
        call = Deferred.fromCoroutine(database.run(sleep, 60))
        await self.until("1 = " + SLEEPING)
        call.cancel()
        await self.assertFailure(call, CancelledError)
        await self.until(lambda: not database._under_way)
        assert await database.run(one) == 1

    async def test_work_whose_deadline_passed_while_it_waited_is_not_begun(self) -> None:
        database = self.make_database(connections=1, deadline=0.2)
        begun = threading.Event()

        def work(cursor: Cursor) -> None:
            begun.set()

        first = Deferred.fromCoroutine(database.run(sleep, 60))
        second = Deferred.fromCoroutine(database.run(work))
        assert await failures([first, second]) == [Unavailable] * 2
        assert await database.run(one) == 1
        assert not begun.is_set()


class LossTest(StorageCase):
    def end_sessions(self) -> None:
        self.query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )

    async def test_a_session_that_ended_while_idle_is_replaced_unnoticed(self) -> None:
        database = self.make_database()
        await gatherResults([Deferred.fromCoroutine(database.run(sleep, 0.02)) for _ in range(4)])
        self.end_sessions()
        found = await gatherResults([Deferred.fromCoroutine(database.run(one)) for _ in range(8)])
        assert found == [1] * 8
        assert self.refused("failed") == 0

    async def test_work_that_is_lost_in_the_middle_is_done_again_once(self) -> None:
        database = self.make_database(connections=1)
        turns = 0

        def work(cursor: Cursor) -> int:
            nonlocal turns
            turns += 1
            cursor.execute("INSERT INTO users (name) VALUES ('ann')")
            if turns == 1:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            return turns

        assert await database.run(work) == 2
        assert self.query("SELECT count(*) FROM users") == [(1,)]

    async def test_what_was_lost_in_commit_is_not_done_again(self) -> None:
        database = self.make_database(connections=1)
        turns = 0

        def work(cursor: Cursor) -> None:
            nonlocal turns
            turns += 1
            cursor.execute("SELECT 1")
            cursor.connection.interrupt()  # type: ignore[attr-defined]  # our own class

        await self.assertFailure(Deferred.fromCoroutine(database.run(work)), Unavailable)
        assert turns == 1
        assert await database.run(one) == 1

    async def test_a_server_that_cannot_be_reached_is_unavailable_each_time(self) -> None:
        database = Database("host=/nonexistent", reactor, Metrics(), connections=1)
        self.addCleanup(database.stop)
        for _ in range(3):
            await self.assertFailure(Deferred.fromCoroutine(database.run(one)), Unavailable)

    async def test_a_server_that_goes_and_does_not_come_back_is_unavailable_each_time(
        self,
    ) -> None:
        database = self.make_database(connections=1)
        await database.run(one)
        database._pool.connkw["host"] = "/nonexistent"
        self.end_sessions()
        for _ in range(3):
            await self.assertFailure(Deferred.fromCoroutine(database.run(one)), Unavailable)

    async def test_stopping_frees_the_threads(self) -> None:
        database = self.make_database(connections=2)
        calls = [Deferred.fromCoroutine(database.run(sleep, 60)) for _ in range(4)]
        await self.until("2 = " + SLEEPING)
        database.stop()
        assert await failures(calls) == [Unavailable] * 4
        await self.assertFailure(Deferred.fromCoroutine(database.run(one)), Unavailable)


class ConnectionTest(StorageCase):
    async def test_a_session_is_as_the_promises_need_it_whatever_the_role_has(self) -> None:
        name = parse_dsn(self.dsn)["dbname"]
        for setting in (
            "synchronous_commit = off",
            "default_transaction_isolation = serializable",
            "client_encoding = LATIN1",
            "timezone = 'Asia/Tokyo'",
            "statement_timeout = 0",
        ):
            self.query(f"ALTER DATABASE {name} SET {setting}")
        connection = connect(self.dsn)
        self.addCleanup(connection.close)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('synchronous_commit'), current_setting('timezone'),"
                " current_setting('transaction_isolation'), current_setting('client_encoding'),"
                " current_setting('statement_timeout')"
            )
            assert cursor.fetchone() == ("on", "UTC", "read committed", "UTF8", "15s")

    def test_what_an_address_says_of_the_network_wins_over_ours(self) -> None:
        found = parameters("postgresql://h/d?connect_timeout=2&options=-c%20geqo%3Doff")
        assert found["connect_timeout"] == "2"
        assert found["options"].startswith("-c geqo=off -c ")

    def test_where_there_is_no_server_it_says_so_in_a_line(self) -> None:
        with self.assertRaises(Unavailable) as caught:
            connect("host=/nonexistent")
        assert "\n" not in caught.exception.detail
        assert caught.exception.detail.startswith("the database cannot be reached: ")

    def test_a_statement_that_took_too_long_is_no_loss(self) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 10")
            with self.assertRaises(psycopg2.Error) as caught:
                cursor.execute("SELECT pg_sleep(5)")
        assert not is_loss(caught.exception)
        assert not is_loss(ValueError())


class HealthTest(StorageCase):
    async def test_the_clock_is_the_database_s(self) -> None:
        now = await PostgresHealth(self.make_database()).ping()
        assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)

    async def test_a_full_queue_is_not_an_absent_database(self) -> None:
        with self.assertRaises(Unavailable) as caught:
            await PostgresHealth(self.make_database(waiting=0)).ping()
        assert caught.exception.code == BUSY
        stopped = self.make_database()
        stopped.stop()
        with self.assertRaises(Unavailable) as caught:
            await PostgresHealth(stopped).ping()
        assert caught.exception.code == Unavailable.code
