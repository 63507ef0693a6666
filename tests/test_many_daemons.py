"""Three real daemons on one database behind each other's backs, with Redis, without, and with one
that comes and goes: mail comes in by one, somebody waits at another, watches at the third."""

from __future__ import annotations

import json
import smtplib
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.daemon import PATIENCE, Daemon, daemon
from tests.redis_server import RedisServer, redis_server
from tests.test_blocks import greeting, misbehave, within

SOON = 1.5  # seconds, less than a round through the database takes
ROUND = 10.0  # seconds in which a round has come about, on a machine under load too


@contextmanager
def three(folder: Path, dsn: str, *options: str) -> Iterator[Sequence[Daemon]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(daemon(folder / name, "--database", dsn, *options))
            for name in ("one", "two", "three")
        ]


@contextmanager
def watching(
    running: Daemon, address: str, token: str, after: int | None = None
) -> Iterator[ClientConnection]:
    rest = "" if after is None else f"&after={after}"
    url = f"ws://127.0.0.1:{running.http}/ws/inbox/{quote(address)}?token={token}{rest}"
    with connect(url, open_timeout=PATIENCE, proxy=None) as socket:
        yield socket


def frames(socket: ClientConnection, count: int, seconds: float = ROUND) -> list[dict[str, Any]]:
    """The next frames but for pings."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        frame = json.loads(socket.recv(timeout=seconds))
        if frame["event"] != "ping":
            found.append(frame)
    return found


class Wait:
    """A long poll that runs beside the test."""

    def __init__(self, running: Daemon, address: str, token: str, query: str) -> None:
        self.answer: tuple[int, Any] | None = None
        path = f"/api/v1/mailboxes/{address}/messages/wait?timeout=30&{query}"

        def ask() -> None:
            self.answer = running.request("GET", path, token)

        self._thread = threading.Thread(target=ask, daemon=True)
        self._thread.start()

    def ended(self) -> tuple[int, Any]:
        self._thread.join(PATIENCE)
        assert self.answer is not None
        return self.answer


def bus_of(running: Daemon) -> tuple[str, str]:
    status, health = running.request("GET", "/health")
    assert status == 200
    return health["status"], health["bus"]


def all_well(daemons: Sequence[Daemon]) -> bool:
    return all(bus_of(each) == ("ok", "ok") for each in daemons)


def mail_on_one_reaches_a_wait_on_another_and_a_websocket_on_the_third(
    daemons: Sequence[Daemon], seconds: float
) -> None:
    one, two, three = daemons
    address, token = two.create()
    with watching(three, address, token) as socket:
        wait = Wait(two, address, token, "subject=wanted")
        one.send(address, mail=b"Subject: other\r\n\r\n")
        one.send(address, mail=b"Subject: wanted\r\n\r\n")
        told = frames(socket, 2, seconds)
        assert [frame["seq"] for frame in told] == [1, 2]
        status, message = wait.ended()
        assert (status, message["subject"]) == (200, "wanted")
        assert message["id"] == told[1]["message_id"]

        path = f"/api/v1/mailboxes/{address}/messages"
        assert one.request("DELETE", f"{path}/{message['id']}", token)[0] == 204
        [deleted] = frames(socket, 1, seconds)
        assert deleted == {"event": "deleted", "message_id": message["id"]}
        assert two.request("DELETE", path, token)[0] == 204
        [emptied] = frames(socket, 1, seconds)
        assert emptied == {"event": "deleted", "message_id": None}
        assert one.request("DELETE", f"/api/v1/mailboxes/{address}", token)[0] == 204
        assert frames(socket, 1, seconds) == [{"event": "expired"}]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with redis_server(folder) as server:
        yield server


def test_with_redis_what_happens_on_one_is_heard_on_all_at_once(
    tmp_path: Path, dsn: str, redis: RedisServer
) -> None:
    with three(tmp_path, dsn, "--redis", redis.url) as daemons:
        assert within(ROUND, lambda: all_well(daemons))
        mail_on_one_reaches_a_wait_on_another_and_a_websocket_on_the_third(daemons, SOON)
        assert len(redis.connections()) == 2 * len(daemons)


def test_without_redis_it_is_found_in_the_database(tmp_path: Path, dsn: str) -> None:
    with three(tmp_path, dsn) as daemons:
        assert [bus_of(each) for each in daemons] == [("ok", "polling")] * 3
        assert any("no --redis" in line for line in daemons[0].output)
        mail_on_one_reaches_a_wait_on_another_and_a_websocket_on_the_third(daemons, ROUND)


def test_nothing_is_missed_or_doubled_while_redis_goes_and_comes(
    tmp_path: Path, dsn: str, redis: RedisServer
) -> None:
    with three(tmp_path, dsn, "--redis", redis.url) as daemons, ExitStack() as stack:
        assert within(ROUND, lambda: all_well(daemons))
        address, token = daemons[0].create()
        sockets = [stack.enter_context(watching(each, address, token)) for each in daemons]
        changes = {5: redis.kill, 15: redis.start, 25: redis.freeze, 35: redis.thaw}
        total = 45
        for number in range(total):
            changes.get(number, lambda: None)()
            daemons[number % 3].send(address)
            time.sleep(0.2)  # so that each state lasts for two seconds
        for socket in sockets:
            told = frames(socket, total)
            assert [frame["seq"] for frame in told] == list(range(1, total + 1))
        assert within(ROUND, lambda: all_well(daemons))
        mail_on_one_reaches_a_wait_on_another_and_a_websocket_on_the_third(daemons, SOON)
        for each in daemons:
            assert sum("Redis is away" in line for line in each.output) <= 2, "once an outage"


def test_with_redis_away_the_others_events_still_come_and_health_says_degraded(
    tmp_path: Path, dsn: str, redis: RedisServer
) -> None:
    with three(tmp_path, dsn, "--redis", redis.url) as daemons:
        assert within(ROUND, lambda: all_well(daemons))
        redis.kill()
        away = ("degraded", "unavailable")
        assert within(ROUND, lambda: all(bus_of(each) == away for each in daemons))
        mail_on_one_reaches_a_wait_on_another_and_a_websocket_on_the_third(daemons, ROUND)


def test_a_daemon_without_redis_is_heard_by_those_that_have_it(
    tmp_path: Path, dsn: str, redis: RedisServer
) -> None:
    with (
        daemon(tmp_path / "without", "--database", dsn) as without,
        daemon(tmp_path / "with", "--database", dsn, "--redis", redis.url) as having,
    ):
        assert within(ROUND, lambda: all_well([having]))
        address, token = having.create()
        with watching(having, address, token) as here, watching(without, address, token) as there:
            without.send(address)
            having.send(address)
            for socket in (here, there):
                assert [frame["seq"] for frame in frames(socket, 2)] == [1, 2]


def test_a_daemon_that_is_killed_takes_no_event_with_it(
    tmp_path: Path, dsn: str, redis: RedisServer
) -> None:
    options = ("--database", dsn, "--redis", redis.url)
    with daemon(tmp_path / "one", *options) as one, daemon(tmp_path / "two", *options) as two:
        assert within(ROUND, lambda: all_well([one, two]))
        address, token = two.create()
        with watching(two, address, token) as socket:
            redis.freeze()  # what the one publishes is on its way
            one.send(address)
            one.kill()
            redis.thaw()
            assert [frame["seq"] for frame in frames(socket, 1, 2 * ROUND)] == [1]


def test_a_client_that_one_blocks_is_blocked_by_all_at_once(
    tmp_path: Path, dsn: str, redis: RedisServer
) -> None:
    limit = ("--rate-limits", "on", "--smtp-strikes", "1")
    with three(tmp_path, dsn, "--redis", redis.url, *limit) as daemons:
        assert within(ROUND, lambda: all_well(daemons))
        misbehave(daemons[0])
        misbehave(daemons[0])
        assert within(SOON, lambda: all(greeting(each)[0] == 421 for each in daemons))


def test_what_a_client_may_send_it_may_send_to_all_daemons_together(
    tmp_path: Path, dsn: str, redis: RedisServer
) -> None:
    ten_at_once = ("--smtp-messages-per-minute", "1", "--smtp-burst-seconds", "600")
    limit = ("--rate-limits", "on", *ten_at_once)
    with three(tmp_path, dsn, "--redis", redis.url, *limit) as daemons:
        assert within(ROUND, lambda: all_well(daemons))
        address, _ = daemons[0].create()
        for _ in range(9):
            daemons[0].send(address)
        for each in daemons[1:]:
            each.send(address)  # by which it learns of the others
            time.sleep(0.3)
            with pytest.raises(smtplib.SMTPResponseException) as refused:
                each.send(address)
            assert refused.value.smtp_code == 450
