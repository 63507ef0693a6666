"""The two that are compared, behind one face: how they start, and what they have stored."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.cluster import Postgres, postgres, redis, temporary_folder
from tests.bench.processes import CHECKOUT, free_port, greets, running, wait_until

MAILBOXES = 1000
DAEMON = (
    "{twistd} -n --pidfile= tempmail --database {database} --data-dir {folder}"
    " --smtp tcp:{smtp}:interface=127.0.0.1 --http tcp:{http}:interface=127.0.0.1"
    " --domain bench.test"
)
REFERENCE = "{python} {checkout}/tests/bench/reference.py {database} {redis} {smtp}"


class Contender:
    """A running daemon with a database of its own.

    :ivar port: where it receives mail.
    :ivar http: where tempmail answers HTTP; 0 for the reference.
    :ivar pids: its parts by name; ``daemon`` is always there.
    :ivar connection: to its database, for counting.
    """

    def __init__(
        self,
        name: str,
        port: int,
        pids: Mapping[str, int],
        connection: Any,
        reset: str,
        http: int = 0,
    ) -> None:
        self.name = name
        self.port = port
        self.http = http
        self.pids = pids
        self.connection = connection
        self._reset = reset

    def stored(self) -> int:
        """Return how many messages its database holds."""
        cursor = self.connection.cursor()
        cursor.execute("SELECT count(*) FROM messages")
        (count,) = cursor.fetchone()
        return int(count)

    def reset(self) -> None:
        """Empty the mailboxes, and leave the server nothing to catch up on."""
        cursor = self.connection.cursor()
        for statement in self._reset.split(";"):
            cursor.execute(statement)


def make_mailboxes(connection: Any, count: int) -> None:
    """Make box0@bench.test and those after it in our tables, for a day.

    The session token of each is its address.
    """
    cursor = connection.cursor()
    cursor.execute(
        """
        WITH life AS (SELECT clock_timestamp() AS at, clock_timestamp() + interval '1 day' AS till)
        INSERT INTO mailboxes (address, owner_type, session_token_hash, expires_at, bucket)
        SELECT address, 'anonymous', sha256(address::bytea), till, bucket_of(till, at)
        FROM life, generate_series(0, %s - 1) AS n, concat('box', n, '@bench.test') AS address
        """,
        (count,),
    )
    cursor.execute("SELECT ensure_partition(bucket) FROM (SELECT DISTINCT bucket FROM mailboxes) b")
    cursor.execute("VACUUM ANALYZE mailboxes")


@contextmanager
def ours(
    folder: Path, server: Postgres, mailboxes: int = MAILBOXES, options: str = ""
) -> Iterator[Contender]:
    """Run tempmail with its mailboxes made, and with these options beside the usual."""
    server.create("ours")
    port, http, log = free_port(), free_port(), folder / "ours.log"
    command = DAEMON.format(
        twistd=Path(sys.executable).with_name("twistd"),
        database=server.url("ours"),
        folder=folder / "ours",
        smtp=port,
        http=http,
    )
    with running([*command.split(), *options.split()], log) as process:
        wait_until(lambda: greets(port), process, log)
        connection = server.connect("ours")
        make_mailboxes(connection, mailboxes)
        reset = (
            "TRUNCATE messages; UPDATE mailboxes SET message_count = 0, last_seq = 0;"
            "VACUUM ANALYZE mailboxes; CHECKPOINT"
        )
        yield Contender("ours", port, {"daemon": process.pid}, connection, reset, http)


@contextmanager
def alone(mailboxes: int = MAILBOXES, options: str = "") -> Iterator[Contender]:
    """Run tempmail on a cluster of its own, with these options beside the usual."""
    with (
        temporary_folder() as folder,
        postgres(folder) as server,
        ours(folder, server, mailboxes, options) as daemon,
    ):
        yield daemon


@contextmanager
def reference(folder: Path, server: Postgres, mailboxes: int = MAILBOXES) -> Iterator[Contender]:
    """Run the usual design (reference.py) with its mailboxes made, and its Redis."""
    server.create("reference")
    port, log = free_port(), folder / "reference.log"
    with redis(folder) as (redis_url, redis_pid):
        command = REFERENCE.format(
            python=sys.executable,
            checkout=CHECKOUT,
            database=server.url("reference", "postgresql+asyncpg"),
            redis=redis_url,
            smtp=port,
        )
        with running([*command.split(), "--mailboxes", str(mailboxes)], log) as process:
            wait_until(lambda: greets(port), process, log)
            connection = server.connect("reference")
            connection.cursor().execute("VACUUM ANALYZE")
            pids = {"daemon": process.pid, "redis": redis_pid}
            reset = "TRUNCATE messages; VACUUM ANALYZE messages; CHECKPOINT"
            yield Contender("reference", port, pids, connection, reset)
