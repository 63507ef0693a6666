"""A backup that was never restored is none: the runbook's commands, on a daemon that works."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tempmail.storage.binaries import installed
from tempmail.storage.connection import connect
from tempmail.storage.embedded import EmbeddedCluster
from tests.daemon import Daemon, daemon

MAIL = b"Subject: %d\r\n\r\nMail number %d\r\n"


def run(program: str, *arguments: str) -> None:
    """One of PostgreSQL's programs, of the version that the tests' server has."""
    subprocess.run([str(installed()[0] / program), *arguments], check=True, timeout=120)


@pytest.fixture
def elsewhere(cluster: EmbeddedCluster) -> Iterator[str]:
    """An empty database to restore into."""
    connection = connect(cluster.dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE restored")
        yield cluster.dsn.replace("dbname=postgres", "dbname=restored")
        cursor.execute("DROP DATABASE restored WITH (FORCE)")
    connection.close()


def subjects(service: Daemon, address: str, token: str) -> list[tuple[int, str]]:
    status, listed = service.request("GET", f"/api/v1/mailboxes/{address}/messages?after=0", token)
    assert status == 200, listed
    return [(one["seq"], one["subject"]) for one in listed["messages"]]


def test_a_dump_of_a_daemon_at_work_is_restored_elsewhere_and_goes_on(
    dsn: str, elsewhere: str, tmp_path: Path
) -> None:
    dump = str(tmp_path / "tempmail.dump")
    with daemon(tmp_path / "one", "--database", dsn) as service:
        kept, token = service.create()
        ended, ended_token = service.create()
        for number in (1, 2, 3):
            service.send(kept, mail=MAIL % (number, number))
        service.request("DELETE", f"/api/v1/mailboxes/{ended}", ended_token)
        run("pg_dump", "--format=custom", f"--file={dump}", f"--dbname={dsn}")
        service.send(kept, mail=MAIL % (4, 4))  # after the dump: it is not in it
        service.terminate()

    run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={elsewhere}", dump)
    with daemon(tmp_path / "two", "--database", elsewhere) as service:
        assert subjects(service, kept, token) == [(1, "1"), (2, "2"), (3, "3")]
        status, raw = service.request("GET", f"/api/v1/mailboxes/{kept}/messages/latest/raw", token)
        assert (status, raw) == (200, MAIL % (3, 3))
        assert service.request("GET", f"/api/v1/mailboxes/{ended}", ended_token)[0] == 404
        service.send(kept, mail=MAIL % (5, 5))
        assert subjects(service, kept, token)[-1] == (4, "5")
        assert service.create()[0] not in (kept, ended)
        service.terminate()
