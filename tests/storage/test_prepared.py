"""What a connection is told once, and then knows by name."""

from __future__ import annotations

from unittest import mock

import pytest
from twisted.internet.defer import Deferred, gatherResults

from tempmail.model.errors import Unavailable
from tempmail.storage import prepared
from tempmail.storage.prepared import Prepared
from tests.storage.case import StorageCase
from tests.storage.test_direct import rows

ONE = "SELECT * FROM one WHERE a = %(a)s OR a = %(b)s OR a = %(a)s"


def test_the_first_time_it_is_prepared_and_then_it_is_executed() -> None:
    known = Prepared()
    assert known.call(ONE) == (
        "PREPARE statement_0 AS SELECT * FROM one WHERE a = $1 OR a = $2 OR a = $3;"
        " EXECUTE statement_0(%(a)s, %(b)s, %(a)s)"
    )
    assert known.call(ONE) == "EXECUTE statement_0(%(a)s, %(b)s, %(a)s)"
    assert known.call("SELECT 1") == "PREPARE statement_1 AS SELECT 1; EXECUTE statement_1"


@pytest.mark.parametrize("code", [None, "42P01", "26000", "0A000"])
def test_what_could_not_be_told_is_told_anew_under_another_name(code: str | None) -> None:
    known = Prepared()
    known.call("SELECT 1")
    known.failed("SELECT 1", code)
    assert known.call("SELECT 1").startswith("PREPARE statement_1 ")


def test_what_failed_the_first_time_for_its_values_is_known() -> None:
    known = Prepared()
    known.call("SELECT 1")
    known.failed("SELECT 1", "22012")
    assert known.call("SELECT 1") == "EXECUTE statement_0"


def test_what_was_known_and_fails_stays_known_but_where_it_is_stale() -> None:
    known = Prepared()
    for _ in range(2):
        known.call("SELECT 1")
    known.failed("SELECT 1", "23505")
    assert known.call("SELECT 1") == "EXECUTE statement_0"
    known.failed("SELECT 1", "0A000")
    assert known.call("SELECT 1").startswith("PREPARE statement_1 ")


def test_a_connection_knows_so_many_and_no_more() -> None:
    known = Prepared()
    with mock.patch.object(prepared, "MOST", 1):
        known.call("SELECT 1")
        assert known.call("SELECT 2") == known.call("SELECT 2") == "SELECT 2"
        assert known.call("SELECT 1") == "EXECUTE statement_0"


class PreparedTest(StorageCase):
    async def test_a_statement_is_parsed_once_on_each_connection(self) -> None:
        database = self.make_database(direct=1)
        sql = "SELECT address FROM mailboxes WHERE address = %(address)s"
        for address in ("a%s", "b'", "c"):
            assert await rows(database, sql, address=address) == []
        known = (
            "SELECT generic_plans + custom_plans FROM pg_prepared_statements ORDER BY prepare_time"
        )
        assert await rows(database, known) == [(3,), (1,)]

    async def test_an_error_of_its_first_time_does_not_spoil_the_next(self) -> None:
        database = self.make_database(direct=1)
        sql = "SELECT 1 / %(n)s::int"
        await self.assertFailure(rows(database, sql, n=0), Unavailable)
        for n in (1, 1):
            assert await rows(database, sql, n=n) == [(1,)]
        await self.assertFailure(rows(database, sql, n=0), Unavailable)
        assert await rows(database, sql, n=1) == [(1,)]

    async def test_a_type_that_changes_is_noticed(self) -> None:
        database = self.make_database(direct=1)
        self.query("CREATE TABLE things AS SELECT 1 AS thing; SELECT 1")
        sql = "SELECT thing FROM things"
        assert await rows(database, sql) == [(1,)]
        self.query("ALTER TABLE things ALTER thing TYPE text; SELECT 1")
        await self.assertFailure(rows(database, sql), Unavailable)
        assert await rows(database, sql) == [("1",)]

    async def test_what_waits_for_one_connection_is_told_apart(self) -> None:
        database = self.make_database(direct=1)
        calls: list[Deferred[list[tuple[object, ...]]]] = [
            rows(database, f"SELECT {n % 3} + %(n)s::int", n=n) for n in range(9)
        ]
        assert await gatherResults(calls) == [[(n % 3 + n,)] for n in range(9)]
