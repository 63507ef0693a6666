"""The status page: Chromium against the real daemon, whose parts are taken away."""

from __future__ import annotations

import ctypes
import os
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tempmail.storage.connection import connect
from tempmail.storage.embedded import EmbeddedCluster
from tests.daemon import PATIENCE, Daemon, daemon
from tests.web.documents import CHROMIUM, Reader, axe, browsing, context, wrong_looks

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

__all__ = ["axe"]  # a fixture

_PIDFD_OPEN, _PIDFD_GETFD = 434, 438
_SOON = PATIENCE * 1000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture
def running(tmp_path: Path, dsn: str) -> Iterator[Daemon]:
    domains = ("--domain", "mail.test", "--domain", "other.test")
    with daemon(tmp_path, "--database", dsn, *domains) as running:
        yield running


@pytest.fixture
def reader(running: Daemon, browser: Browser) -> Iterator[Reader]:
    visiting = context(browser)
    yield Reader(visiting.new_page(), f"http://localhost:{running.http}")
    visiting.close()


def stop_listening(running: Daemon) -> None:
    """Take the daemon's SMTP port away, as if the system had: its socket is reached from here."""
    libc = ctypes.CDLL(None, use_errno=True)
    child = libc.syscall(_PIDFD_OPEN, running.process.pid, 0)
    assert child >= 0, os.strerror(ctypes.get_errno())
    for one in Path(f"/proc/{running.process.pid}/fd").iterdir():
        copy = libc.syscall(_PIDFD_GETFD, child, int(one.name), 0)
        assert copy >= 0, os.strerror(ctypes.get_errno())
        with suppress(OSError), socket.socket(fileno=copy) as port:
            listens = port.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if listens and port.getsockname()[1] == running.smtp:
                port.shutdown(socket.SHUT_RDWR)
    os.close(child)


def allow_connections(cluster: EmbeddedCluster, dsn: str, word: str) -> None:
    """Let the daemon into its database, or out of it."""
    name = dsn.partition("dbname=")[2].partition(" ")[0]
    connection = connect(cluster.dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {word}")
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
    connection.close()


def report(running: Daemon) -> Any:
    status, found = running.request("GET", "/status.json")
    assert status == 200
    return found


def test_the_page_says_how_the_service_is_and_counts_mail(reader: Reader, running: Daemon) -> None:
    reader.open("/status")
    main = reader.page.locator("main")
    expect(main).to_contain_text("Everything works.")
    expect(main).to_contain_text("no mail yet")
    for domain in ("mail.test", "other.test"):
        expect(main).to_contain_text(domain)
    address, _ = running.create()
    for _ in range(3):
        running.send(address)
    running.send("nobody@mail.test")
    # The page asks by itself.
    expect(main.locator("[data-f=mails]")).to_have_text("3", timeout=_SOON)
    median = main.locator("[data-f=median]").inner_text()
    assert re.fullmatch(r"[\d.]+ (ms|s)", median)
    assert reader.complaints() == []


def test_it_is_accessible_and_fits_in_every_look(reader: Reader, axe: str) -> None:
    reader.open("/status")
    assert wrong_looks(reader, axe) == {}
    assert reader.complaints() == []


def test_a_listener_that_stopped_is_an_outage_of_mail(reader: Reader, running: Daemon) -> None:
    reader.open("/status")
    stop_listening(running)
    mail = reader.page.locator("[data-part=mail]")
    expect(mail).to_have_attribute("data-s", "outage", timeout=_SOON)
    expect(mail).to_contain_text("0 of 1 ports are open.")
    expect(reader.page.locator("[data-f=summary]")).to_have_text("Something is broken.")
    assert reader.page.locator("[data-part=storage]").get_attribute("data-s") == "ok"
    assert reader.complaints() == []


def test_storage_that_is_away_is_said_and_that_it_is_back(
    reader: Reader, running: Daemon, cluster: EmbeddedCluster, dsn: str
) -> None:
    reader.open("/status")
    main, storage = (reader.page.locator(one) for one in ("main", "[data-part=storage]"))
    allow_connections(cluster, dsn, "false")
    expect(main).to_have_attribute("data-s", "outage", timeout=_SOON)
    expect(storage).to_contain_text("The database does not answer")
    states = {one["name"]: one["status"] for one in report(running)["components"]}
    assert states == {"mail": "degraded", "web": "outage", "live": "ok", "storage": "outage"}
    allow_connections(cluster, dsn, "true")
    expect(main).to_have_attribute("data-s", "ok", timeout=_SOON)
    expect(storage).to_contain_text("works")


def test_a_page_that_reaches_nobody_says_that_it_may_be_old(
    reader: Reader, running: Daemon
) -> None:
    reader.open("/status")
    running.kill()
    summary = reader.page.locator("[data-f=summary]")
    expect(summary).to_contain_text("cannot reach the service", timeout=_SOON)


def test_without_scripts_it_is_read_as_well(running: Daemon, browser: Browser) -> None:
    visiting = context(browser, java_script_enabled=False)
    page = visiting.new_page()
    page.goto(f"http://localhost:{running.http}/status")
    expect(page.locator("main")).to_contain_text("1 of 1 ports is open.")
    visiting.close()
