"""The real daemon on a database of its own, and Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tempmail.storage.connection import connect
from tempmail.storage.embedded import EmbeddedCluster
from tests.browser.watch import CHROMIUM, chromium
from tests.daemon import Daemon, daemon
from tests.web.visitor import Visitor

# One network has many inboxes here, and one inbox many messages.
_ROOM = (
    "UPDATE plans SET max_mailboxes = 100000, max_messages_per_mailbox = 2000"
    " WHERE name = 'anonymous'"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
    for item in items:
        if Path(item.path).parent == Path(__file__).parent and "test_tools" not in item.nodeid:
            item.add_marker(missing)


def run_sql(dsn: str, sql: str, *values: Any) -> None:
    connection = connect(dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
    connection.close()


@pytest.fixture(scope="session")
def web_dsn(cluster: EmbeddedCluster) -> str:
    run_sql(cluster.dsn, "CREATE DATABASE web TEMPLATE template_tempmail")
    dsn = cluster.dsn.replace("dbname=postgres", "dbname=web")
    run_sql(dsn, _ROOM)
    return dsn


@pytest.fixture(scope="session")
def served(web_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    options = ("--database", web_dsn, "--dns", "off", "--domain", "tempmail.localhost")
    more = ("--domain", "second.localhost")
    with daemon(tmp_path_factory.mktemp("web"), *options, *more) as running:
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium") / "net.json") as running:
        yield running


@pytest.fixture
def visitors(browser: Browser, served: Daemon) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors, who leave when the test has ended."""
    made: list[Visitor] = []

    def make(origin: str = "", **options: Any) -> Visitor:
        visitor = Visitor(browser, served, origin, **options)
        visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
        made.append(visitor)
        return visitor

    yield make
    for one in made:
        one.close()


@pytest.fixture
def visitor(visitors: Callable[..., Visitor]) -> Iterator[Visitor]:
    """One at a desk, of whose browser nothing is to be heard in the end."""
    one = visitors()
    yield one
    assert one.complaints() == []
    assert one.elsewhere() == []
