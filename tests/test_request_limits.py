"""How the real daemon limits HTTP clients, and whom it answers."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tempmail.storage.connection import connect
from tests.daemon import PATIENCE, Daemon, daemon


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("limits")
    options = ("--rate-limits", "on", "--host", "mail.test", "--trusted-proxy", "127.0.0.0/8")
    with daemon(folder, *options, "--metrics", "tcp:0:interface=127.0.0.1") as it:
        yield it


def ask(
    it: Daemon, target: str, client: str, method: str = "GET", **headers: str
) -> tuple[int, http.client.HTTPMessage]:
    """Status and headers of a request that a proxy hands on for ``client``."""
    connection = http.client.HTTPConnection("127.0.0.1", it.http, timeout=PATIENCE)
    sent = {"X-Forwarded-For": client, **{k.replace("_", "-"): v for k, v in headers.items()}}
    try:
        connection.request(method, target, headers=sent)
        response = connection.getresponse()
        response.read()
        return response.status, response.headers
    finally:
        connection.close()


def test_a_client_may_make_as_many_requests_a_minute_as_the_plan_says(running: Daemon) -> None:
    answers = [ask(running, "/nowhere", "192.0.2.1") for _ in range(140)]
    statuses = [status for status, _ in answers]
    assert statuses[:120] == [404] * 120
    assert statuses[-1] == 429
    assert answers[0][1]["RateLimit-Limit"] == "120"
    assert answers[0][1]["RateLimit-Remaining"] == "119"
    assert answers[-1][1]["RateLimit-Remaining"] == "0"
    assert 1 <= int(answers[-1][1]["Retry-After"]) <= 30
    assert ask(running, "/nowhere", "192.0.2.2")[0] == 404
    assert ask(running, "/health", "192.0.2.1")[0] == 200


def test_a_cookie_that_is_none_opens_no_way_around_the_limits(running: Daemon) -> None:
    _, token = running.create(ttl_minutes=10)
    shown = {
        "Cookie": "__Host-session=x",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "X_Session_Token": token,
    }
    statuses = [ask(running, "/ws/inbox/no@mail.test", "192.0.2.5", **shown)[0] for _ in range(150)]
    assert set(statuses) == {404, 429}
    assert statuses.index(429) <= 130


def test_whoever_waits_as_told_is_answered(running: Daemon) -> None:
    status, headers = ask(running, "/nowhere", "192.0.2.3")
    while status != 429:
        status, headers = ask(running, "/nowhere", "192.0.2.3")
    time.sleep(int(headers["Retry-After"]))
    assert ask(running, "/nowhere", "192.0.2.3")[0] == 404


def test_a_changed_plan_counts_without_a_restart(tmp_path: Path, dsn: str) -> None:
    with daemon(tmp_path, "--database", dsn, "--rate-limits", "on") as it:
        with closing(connect(dsn)) as connection, connection.cursor() as cursor:
            cursor.execute("UPDATE plans SET requests_per_minute = 50 WHERE name = 'anonymous'")
            connection.commit()
        end = time.monotonic() + PATIENCE
        while ask(it, "/x", "-")[1]["RateLimit-Limit"] != "50":
            assert time.monotonic() < end
            time.sleep(0.5)


def test_it_answers_to_its_own_names_alone(running: Daemon) -> None:
    for host, status in [("mail.test", 404), ("localhost", 404), ("evil.example", 421)]:
        assert ask(running, "/nowhere", "192.0.2.4", Host=host)[0] == status
    assert ask(running, "/health", "192.0.2.4", Host="10.1.2.3")[0] == 200


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_curl_through_itself_as_a_proxy_is_answered(running: Daemon) -> None:
    """Which makes curl send the absolute form of the target."""
    proxy = f"http://127.0.0.1:{running.http}"
    for name, status in [("mail.test", "404"), ("evil.example", "421")]:
        shown = subprocess.run(
            [
                "curl",
                "-s",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                "-x",
                proxy,
                f"http://{name}/x",
            ],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        assert shown.stdout == status
