"""A private PostgreSQL cluster and a private Redis, on Unix sockets in one temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from tests.bench.processes import StartError, running, wait_until

_BINARIES = Path("/usr/lib/postgresql")


class Postgres:
    """A running cluster.

    :ivar pid: of the postmaster, the parent of every other process of the server.
    """

    def __init__(self, folder: Path, pid: int) -> None:
        self._folder = folder
        self.pid = pid

    def url(self, database: str, scheme: str = "postgresql") -> str:
        """Return the address of ``database`` as libpq and SQLAlchemy write it."""
        return f"{scheme}://postgres@/{database}?host={self._folder}"

    def connect(self, database: str = "postgres") -> Any:
        """Return a psycopg2 connection that commits each statement."""
        connection = psycopg2.connect(self.url(database))
        connection.autocommit = True
        return connection

    def create(self, database: str) -> None:
        """Create an empty database."""
        connection = self.connect()
        connection.cursor().execute(f'CREATE DATABASE "{database}"')
        connection.close()


def newest_binaries() -> Path:
    """Return the bin folder of the machine's newest PostgreSQL."""
    found = [path for path in _BINARIES.glob("*/bin") if (path / "initdb").exists()]
    if not found:
        raise StartError(f"no PostgreSQL under {_BINARIES}: apt install postgresql")
    return max(found, key=lambda path: float(path.parent.name))


def _server_user() -> str | None:
    """Return who the servers run as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a folder for the servers' files, removed afterwards; short, for the sockets' names."""
    folder = Path(tempfile.mkdtemp(prefix="tm-bench-"))
    user = _server_user()
    if user is not None:
        shutil.chown(folder, user)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """Run a new cluster with fsync on and otherwise the settings of initdb."""
    binaries, data, log = newest_binaries(), folder / "data", folder / "postgres.log"
    user = _server_user()
    initdb = f"{binaries}/initdb -D {data} -U postgres -A trust -E UTF8 --locale=C"
    with running(initdb.split(), log, user=user) as process:
        if process.wait(60) != 0:
            raise StartError(log.read_text())
    command = f"{binaries}/postgres -D {data} -k {folder} -c listen_addresses="
    with running(command.split(), log, stop=signal.SIGINT, user=user) as process:
        server = Postgres(folder, process.pid)

        def ready() -> bool:
            try:
                server.connect().close()
            except psycopg2.OperationalError:
                return False
            return True

        wait_until(ready, process, log)
        yield server


@contextmanager
def redis(folder: Path) -> Iterator[tuple[str, int]]:
    """Run a Redis that keeps nothing on disk; yield its URL and its process id."""
    path, log = folder / "redis.sock", folder / "redis.log"
    command = f"redis-server --port 0 --unixsocket {path} --appendonly no --save"
    with running([*command.split(), ""], log) as process:
        wait_until(path.exists, process, log)
        yield f"unix://{path}", process.pid
