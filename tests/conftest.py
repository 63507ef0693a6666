"""One PostgreSQL for the whole session, a fresh copy of the schema for each test that asks."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest

from tempmail.storage.connection import connect
from tempmail.storage.embedded import EmbeddedCluster
from tempmail.storage.migrate import migrate
from tempmail.storage.sweeping import prepare_partition

_numbers = itertools.count()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--exhaustive", action="store_true", help="what takes minutes, for the night")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failed one: what it needs is to be installed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("tests were skipped, which CI does not allow", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCluster]:
    """A running server whose database ``template_tempmail`` has the schema."""
    cluster = EmbeddedCluster(tmp_path_factory.mktemp("postgresql"))
    cluster.start()
    try:
        _execute(cluster.dsn, "CREATE DATABASE template_tempmail")
        connection = connect(_dsn(cluster, "template_tempmail"))
        migrate(connection)
        with connection.cursor() as cursor:
            for hours_ahead in range(3):
                prepare_partition(cursor, hours_ahead)
        connection.close()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def dsn(cluster: EmbeddedCluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of the test's own; a TestCase finds its address in ``self.dsn``."""
    name = f"test_{next(_numbers)}"
    _execute(cluster.dsn, f"CREATE DATABASE {name} TEMPLATE template_tempmail")
    dsn = _dsn(cluster, name)
    if request.instance is not None:
        request.instance.dsn = dsn
    yield dsn
    _execute(cluster.dsn, f"DROP DATABASE {name} WITH (FORCE)")


def _dsn(cluster: EmbeddedCluster, name: str) -> str:
    return cluster.dsn.replace("dbname=postgres", f"dbname={name}")


def _execute(dsn: str, sql: str) -> None:
    connection = connect(dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql)
    connection.close()
