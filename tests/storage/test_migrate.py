"""The schema comes to a database once, and only its own kind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from unittest import mock

import psycopg2
import pytest

from tempmail.model.errors import Unavailable
from tempmail.storage import migrate as module
from tempmail.storage.connection import Connection, connect
from tempmail.storage.embedded import EmbeddedCluster
from tempmail.storage.migrate import Migration, known, migrate


@pytest.fixture
def empty(cluster: EmbeddedCluster) -> Iterator[str]:
    """A database without a schema."""
    connection = connect(cluster.dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE unmigrated TEMPLATE template0")
        try:
            yield cluster.dsn.replace("dbname=postgres", "dbname=unmigrated")
        finally:
            cursor.execute("DROP DATABASE unmigrated WITH (FORCE)")
            connection.close()


def query(connection: Connection, sql: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def test_numbers_count_from_one_without_a_gap() -> None:
    assert [one.number for one in known()] == list(range(1, len(known()) + 1))


def test_an_empty_database_gets_everything_and_then_nothing_more(empty: str) -> None:
    connection = connect(empty)
    assert migrate(connection) == [one.name for one in known()]
    assert query(connection, "SELECT name FROM plans ORDER BY max_mailboxes") == [
        ("anonymous",),
        ("free",),
        ("pro",),
    ]
    assert migrate(connection) == []
    connection.close()


def test_daemons_that_start_together_apply_each_file_once(empty: str) -> None:
    applied: list[str] = []

    def start() -> None:
        connection = connect(empty)
        applied.extend(migrate(connection))
        connection.close()

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert applied == [one.name for one in known()]


def test_a_database_of_a_newer_version_is_left_alone(dsn: str) -> None:
    connection = connect(dsn)
    connection.autocommit = True
    query(connection, "INSERT INTO schema_migrations VALUES (9999, '9999_later.sql', 'x')")
    with pytest.raises(Unavailable, match=r"newer version \(it has 9999_later.sql\)"):
        migrate(connection)
    connection.close()


def test_a_file_that_changed_after_it_was_applied_is_refused(dsn: str) -> None:
    connection = connect(dsn)
    connection.autocommit = True
    query(connection, "UPDATE schema_migrations SET checksum = 'other' WHERE number = 1")
    with pytest.raises(Unavailable, match=r"0001_foundation.sql differs"):
        migrate(connection)
    connection.close()


def test_a_file_that_fails_leaves_nothing_of_itself_and_says_why(dsn: str) -> None:
    broken = Migration(len(known()) + 1, "9999_broken.sql", "CREATE TABLE half (); SELECT 1/0")
    connection = connect(dsn)
    with (
        mock.patch.object(module, "known", return_value=[*known(), broken]),
        pytest.raises(Unavailable, match="division by zero"),
    ):
        migrate(connection)
    connection.close()
    connection = connect(dsn)
    connection.autocommit = True
    assert query(connection, "SELECT to_regclass('half'), count(*) FROM schema_migrations") == [
        (None, len(known()))
    ]
    assert migrate(connection) == [], "no lock was left behind"
    connection.close()


def test_another_encoding_than_utf8_is_refused(cluster: EmbeddedCluster) -> None:
    admin = connect(cluster.dsn)
    admin.autocommit = True
    query(admin, "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    try:
        connection = connect(cluster.dsn.replace("dbname=postgres", "dbname=latin"))
        with pytest.raises(Unavailable, match="encoding is not UTF8"):
            migrate(connection)
        connection.close()
    finally:
        query(admin, "DROP DATABASE latin WITH (FORCE)")
        admin.close()


def test_an_old_server_is_refused() -> None:
    old = mock.Mock(spec=psycopg2.extensions.connection, server_version=130012)
    with pytest.raises(Unavailable, match="PostgreSQL 14 or later"):
        migrate(old)


def test_a_bucket_ends_after_everything_in_it(dsn: str) -> None:
    connection = connect(dsn)
    assert query(
        connection,
        "SELECT bool_and(bucket_of(at + ttl, at) > at + ttl"
        "   AND bucket_of(at + ttl, at) <= at + ttl + CASE WHEN ttl <= interval '7 days'"
        "       THEN interval '1 hour' ELSE interval '24 hours' END)"
        " FROM generate_series(timestamptz '2030-03-30 22:00Z', '2030-04-01 02:00Z', '7 min') at,"
        "  unnest('{0,59 min 59.999999 s,1 h,167 h,7 d,7 d 0.000001 s,30 d}'::interval[]) ttl",
    ) == [(True,)]
    connection.close()


def test_a_bucket_is_the_same_in_every_time_zone(dsn: str) -> None:
    connection = connect(dsn, timezone="Europe/Berlin")
    (row,) = query(
        connection,
        "SELECT bucket_of('2030-03-30 12:00Z', '2030-01-01 00:00Z') = '2030-03-31 00:00Z'",
    )
    assert row == (True,)
    connection.close()


def test_ensuring_a_partition_twice_makes_it_once(dsn: str) -> None:
    connection = connect(dsn)
    connection.autocommit = True
    ensure = "SELECT ensure_partition('2199-01-01 05:00Z')"
    assert query(connection, ensure) == [(True,)]
    assert query(connection, ensure) == [(False,)]
    assert query(connection, "SELECT to_regclass('messages_2199010105') IS NOT NULL") == [(True,)]
    connection.close()
