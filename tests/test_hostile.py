"""Bad input against the whole daemon: a precise refusal each, nothing by halves, no traceback."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon import PATIENCE, Daemon, daemon

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon(tmp_path_factory.mktemp("hostile")) as it:
        yield it
        log = "".join(it.output)
        assert "Traceback" not in log
        assert "Unhandled" not in log


@pytest.fixture(scope="module")
def mailbox(running: Daemon) -> tuple[str, str]:
    return running.create(ttl_minutes=1440)


def resident(it: Daemon) -> int:
    """Bytes of memory that the daemon itself holds."""
    for line in Path(f"/proc/{it.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def open_smtp(it: Daemon) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", it.smtp), PATIENCE)
    assert connection.recv(4096).startswith(b"220 ")
    return connection


def say(connection: socket.socket, line: bytes) -> bytes:
    connection.sendall(line)
    return connection.recv(4096)


def test_a_hundred_megabytes_without_a_line_end_are_refused_once_in_little_memory(
    running: Daemon, mailbox: tuple[str, str]
) -> None:
    before = resident(running)
    with open_smtp(running) as connection:
        for _ in range(100):
            connection.sendall(b"x" * MIB)
        assert say(connection, b"\r\nNOOP\r\n").startswith(b"500 5.5.2 ")
        assert resident(running) - before < 8 * MIB
    running.send(mailbox[0])


def test_a_body_of_300_megabytes_is_refused_before_it_is_sent(running: Daemon) -> None:
    with socket.create_connection(("127.0.0.1", running.http), PATIENCE) as connection:
        head = (
            b"POST /api/v1/mailboxes HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 300000000\r\n\r\n"
        )
        assert say(connection, head).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "part",
    [b"MAIL FR", b"Subject: half a mail\r\n\r\nand no", b"Subject: whole\r\n\r\nbut the dot\r\n."],
    ids=["in a command", "in DATA", "in the last line"],
)
def test_a_client_that_leaves_in_the_middle_leaves_nothing(
    running: Daemon, mailbox: tuple[str, str], part: bytes
) -> None:
    address, token = mailbox
    _, before = running.request("GET", f"/api/v1/mailboxes/{address}", token)
    with open_smtp(running) as connection:
        say(connection, b"EHLO client.test\r\n")
        if not part.startswith(b"MAIL"):
            say(connection, b"MAIL FROM:<>\r\n")
            say(connection, b"RCPT TO:<%s>\r\n" % address.encode())
            assert say(connection, b"DATA\r\n").startswith(b"354")
        connection.sendall(part)
    with open_smtp(running) as connection:  # whoever is greeted now comes after that
        say(connection, b"QUIT\r\n")
    assert running.request("GET", f"/api/v1/mailboxes/{address}", token)[1] == before


def test_a_client_that_leaves_in_mid_request_makes_no_mailbox_by_halves(running: Daemon) -> None:
    with socket.create_connection(("127.0.0.1", running.http), PATIENCE) as connection:
        connection.sendall(
            b"POST /api/v1/mailboxes HTTP/1.1\r\nHost: localhost\r\n"
            b'Content-Length: 40\r\n\r\n{"username": "ha'
        )
    assert running.request("POST", "/api/v1/mailboxes", body={"username": "ha"})[0] == 201


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"ttl_minutes": 0}, 422),
        ({"ttl_minutes": -1}, 422),
        ({"ttl_minutes": "60"}, 422),
        ({"ttl_minutes": True}, 422),
        ({"ttl_minutes": 1.5}, 422),
        ({"colour": "red"}, 422),
        ({"username": 5}, 422),
        ({"username": "a b"}, 422),
        ({"username": "x" * 65}, 422),
        ({"username": "postmaster"}, 409),
        ({"domain": "elsewhere.test"}, 422),
        ({"style": "loud"}, 422),
        (["no object"], 422),
        (None, 201),
    ],
    ids=json.dumps,
)
def test_a_wish_that_cannot_be_granted_is_refused_precisely(
    running: Daemon, body: Any, status: int
) -> None:
    got, answer = running.request("POST", "/api/v1/mailboxes", body=body)
    assert got == status
    if status != 201:
        assert set(answer) == {"type", "title", "status", "detail", "code"}


def test_a_time_to_live_beyond_the_plan_is_clamped(running: Daemon) -> None:
    status, mailbox = running.request("POST", "/api/v1/mailboxes", body={"ttl_minutes": 10**9})
    assert status == 201
    assert (mailbox["created_at"][:8], mailbox["owner_type"]) == (
        mailbox["expires_at"][:8],
        "anonymous",
    ) or mailbox["expires_at"] > mailbox["created_at"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("PUT", "/api/v1/mailboxes", 405),
        ("GET", "/api/v1/mailboxes/%00@x", 400),
        ("GET", "/api/v1/mailboxes/a%2Fb@x", 400),
        ("GET", "/api/v1/mailboxes/%ff%fe@x", 400),
        ("GET", "/api/v1/mailboxes/a@elsewhere.test", 404),
        ("GET", "/api/v1/mailboxes/a@tempmail.localhost/messages/none", 404),
        ("GET", "/api/v1/mailboxes/a@tempmail.localhost/messages?limit=0", 422),
        ("GET", "/api/v1/mailboxes/a@tempmail.localhost/messages?cursor=%20", 422),
    ],
)
def test_a_path_that_leads_nowhere_says_why(
    running: Daemon, mailbox: tuple[str, str], method: str, path: str, status: int
) -> None:
    got, answer = running.request(method, path, mailbox[1])
    assert got == status
    assert answer["status"] == status


def test_a_percent_encoded_address_is_the_same_mailbox(
    running: Daemon, mailbox: tuple[str, str]
) -> None:
    address, token = mailbox
    plain = running.request("GET", f"/api/v1/mailboxes/{address}", token)
    encoded = "".join(f"%{octet:02x}" for octet in address.encode())
    assert running.request("GET", f"/api/v1/mailboxes/{encoded}", token) == plain
    assert plain[0] == 200


def test_a_message_larger_than_announced_is_refused_and_the_session_goes_on(
    running: Daemon, mailbox: tuple[str, str]
) -> None:
    with open_smtp(running) as connection:
        say(connection, b"EHLO client.test\r\n")
        assert say(connection, b"MAIL FROM:<> SIZE=99999999\r\n").startswith(b"552 5.3.4 ")
        say(connection, b"MAIL FROM:<>\r\n")
        say(connection, b"RCPT TO:<%s>\r\n" % mailbox[0].encode())
        say(connection, b"DATA\r\n")
        for _ in range(26):
            connection.sendall((b"x" * 1022 + b"\r\n") * 1024)
        assert say(connection, b".\r\n").startswith(b"552 5.3.4 ")
        assert say(connection, b"NOOP\r\n").startswith(b"250 ")
