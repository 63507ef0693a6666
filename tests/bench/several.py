"""Daemons that share a database, and a Redis where they are to."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.cluster import Postgres
from tests.bench.contenders import DAEMON, MAILBOXES, Contender, make_mailboxes
from tests.bench.processes import free_port, greets, running, wait_until
from tests.redis_server import RedisServer

_RESET = (
    "TRUNCATE messages; UPDATE mailboxes SET message_count = 0, last_seq = 0;"
    "VACUUM ANALYZE mailboxes; CHECKPOINT"
)


@contextmanager
def redis(folder: Path) -> Iterator[RedisServer]:
    """Run a Redis on a port of its own."""
    folder.mkdir()
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def daemons(
    folder: Path,
    server: Postgres,
    name: str,
    count: int,
    redis_server: RedisServer | None,
    mailboxes: int = MAILBOXES,
    options: str = "",
) -> Iterator[list[Contender]]:
    """Run ``count`` daemons on a new database ``name``, with its mailboxes made."""
    server.create(name)
    with ExitStack() as stack:
        found: list[Contender] = []
        for number in range(count):
            port, http = free_port(), free_port()
            home, log = folder / f"{name}{number}", folder / f"{name}{number}.log"
            command = DAEMON.format(
                twistd=Path(sys.executable).with_name("twistd"),
                database=server.url(name),
                folder=home,
                smtp=port,
                http=http,
            )
            if redis_server is not None:
                command += f" --redis {redis_server.url}"
            process = stack.enter_context(running(f"{command} {options}".split(), log))
            wait_until(lambda port=port: greets(port), process, log)  # type: ignore[misc]
            pids = {"daemon": process.pid}
            if redis_server is not None and redis_server.process is not None:
                pids["redis"] = redis_server.process.pid
                wait_until(lambda http=http: bus(http) == "ok", process, log)  # type: ignore[misc]
            connection = server.connect(name)
            found.append(Contender(name, port, pids, connection, _RESET, http))
        make_mailboxes(found[0].connection, mailboxes)
        yield found


def bus(http: int) -> str:
    """Return what the daemon at that port says of its bus."""
    with urllib.request.urlopen(f"http://127.0.0.1:{http}/health", timeout=10) as response:
        return str(json.load(response)["bus"])
