"""The schema as numbered files, each applied once and never changed afterwards."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import psycopg2
from attrs import frozen

from tempmail.model.errors import Unavailable
from tempmail.storage.connection import Connection, one_line

_OLDEST = 140000  # as libpq writes version 14.0
_LOCK = 7_310_466_133_051_204_173  # any number that nobody else locks

_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""


@frozen
class Migration:
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def known() -> list[Migration]:
    """The migrations of this version, in order."""
    found = [
        Migration(int(file.name[:4]), file.name, file.read_text("utf-8"))
        for file in files("tempmail.storage").joinpath("schema").iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.number)


def migrate(connection: Connection) -> list[str]:
    """Bring the schema up to this version; daemons that start together take turns.

    :returns: the names of the migrations that were applied.
    :raises Unavailable: the server is too old, the database was made by a newer version or by
        files that differ, or the schema cannot be set up.
    """
    try:
        return _migrate(connection)
    except psycopg2.Error as error:
        raise Unavailable(f"the schema cannot be set up: {one_line(error)}") from error


def _migrate(connection: Connection) -> list[str]:
    if connection.server_version < _OLDEST:
        raise Unavailable(f"PostgreSQL {_OLDEST // 10000} or later is needed")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_encoding")
        if cursor.fetchone() != ("UTF8",):
            raise Unavailable("the database's encoding is not UTF8: make it with ENCODING 'UTF8'")
        # A waiting daemon is no stuck statement.
        cursor.execute("SET statement_timeout = 0; SET lock_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        cursor.execute(_LEDGER)
        cursor.execute("SELECT number, name, checksum FROM schema_migrations ORDER BY number")
        applied = {number: (name, checksum) for number, name, checksum in cursor.fetchall()}
        migrations = known()
        newest = migrations[-1].number
        for number, (name, _) in applied.items():
            if number > newest:
                raise Unavailable(
                    f"the database was made by a newer version (it has {name}); upgrade tempmail"
                )
        done = []
        for migration in migrations:
            if migration.number in applied:
                if applied[migration.number][1] != migration.checksum:
                    raise Unavailable(
                        f"the database's {migration.name} differs from this version's; "
                        "it was made by another build"
                    )
                continue
            cursor.execute("BEGIN")
            cursor.execute(migration.sql)
            cursor.execute(
                "INSERT INTO schema_migrations (number, name, checksum) VALUES (%s, %s, %s)",
                (migration.number, migration.name, migration.checksum),
            )
            cursor.execute("COMMIT")
            done.append(migration.name)
        cursor.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
    return done
