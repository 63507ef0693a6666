"""Accounts on real daemons that share a database: keys, tickets, sign-in, and their ends."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect as open_websocket

from tempmail.model.account import Scope, User
from tempmail.storage import invitations, keys, users
from tempmail.storage.connection import connect
from tests.authenticator import Authenticator
from tests.daemon import PATIENCE, Daemon, daemon

KEYS, MAILBOXES, TICKETS = "/api/v1/keys", "/api/v1/mailboxes", "/api/v1/tickets"


class Storage:
    """The database beside the daemons, as an operator's command reaches it."""

    def __init__(self, dsn: str) -> None:
        self._connection = connect(dsn)

    def run(self, work: Callable[..., Any], *args: Any) -> Any:
        with self._connection, self._connection.cursor() as cursor:
            return work(cursor, *args)

    def user(self, name: str) -> tuple[User, str]:
        """A new user and the secret of their key."""
        user = self.run(users.create_user, name)
        _, secret = self.run(keys.make_key, user.id, "test")
        return user, secret

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def storage(dsn: str) -> Iterator[Storage]:
    it = Storage(dsn)
    yield it
    it.close()


@pytest.fixture
def two(tmp_path: Path, dsn: str) -> Iterator[tuple[Daemon, Daemon]]:
    """Two daemons on one database."""
    options = ("--database", dsn, "--rate-limits", "off")
    with ExitStack() as stack:
        with ThreadPoolExecutor() as threads:
            one, other = threads.map(
                lambda name: stack.enter_context(daemon(tmp_path / name, *options)), ("a", "b")
            )
        yield one, other


class Knocking:
    """Uses a key without a pause, and remembers when it was good for the last time."""

    def __init__(self, running: Daemon, key: str) -> None:
        self._running, self._key = running, key
        self.times = 0
        self.last_good = 0.0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            asked = time.monotonic()
            status, _ = self._running.request("GET", MAILBOXES, self._key)
            if status != 200:
                self.status = status
                return
            self.times += 1
            self.last_good = asked

    def ended(self) -> float:
        """When the last good request was sent, once one was refused."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        return self.last_good

    def busy(self) -> None:
        """Returns when it is well under way."""
        while self.times < 20:
            time.sleep(0.005)


@pytest.mark.alone
def test_a_key_revoked_on_one_daemon_is_refused_on_both_within_a_second(
    two: tuple[Daemon, Daemon], storage: Storage
) -> None:
    one, other = two
    user, revoking = storage.user("ann")
    key, secret = storage.run(keys.make_key, user.id, "used")
    knocking = [Knocking(running, secret) for running in two]
    for each in knocking:
        each.busy()
    assert one.request("DELETE", f"{KEYS}/{key.id}", revoking)[0] == 204
    revoked = time.monotonic()
    late = [each.ended() - revoked for each in knocking]
    assert [each.status for each in knocking] == [401, 401]
    assert late[0] < 0.1, "the daemon that was asked knows at once"
    assert late[1] < 1
    listed = other.request("GET", KEYS, revoking)[1]["keys"]
    assert secret[:12] not in [one["prefix"] for one in listed]


@pytest.mark.alone
def test_so_is_one_that_the_operator_revoked_beside_the_daemons(
    two: tuple[Daemon, Daemon], storage: Storage
) -> None:
    user, secret = storage.user("ann")
    [key] = storage.run(keys.list_keys, user.id)
    knocking = [Knocking(running, secret) for running in two]
    for each in knocking:
        each.busy()
    storage.run(keys.revoke_key, user.id, key.id)
    revoked = time.monotonic()
    assert all(each.ended() - revoked < 1 for each in knocking)


@pytest.mark.alone
def test_a_websocket_and_a_wait_that_a_key_has_begun_end_with_it(
    two: tuple[Daemon, Daemon], storage: Storage
) -> None:
    one, other = two
    user, revoking = storage.user("ann")
    key, secret = storage.run(keys.make_key, user.id, "used")
    address = one.request("POST", MAILBOXES, secret, {})[1]["address"]
    wait = f"{MAILBOXES}/{address}/messages/wait?timeout=60"
    url = f"ws://127.0.0.1:{other.http}/ws/inbox/{address}?api_key={secret}"
    with ThreadPoolExecutor() as threads, open_websocket(url) as socket:
        waiting = threads.submit(other.request, "GET", wait, secret)
        assert one.request("DELETE", f"{KEYS}/{key.id}", revoking)[0] == 204
        revoked = time.monotonic()
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(PATIENCE)
        assert time.monotonic() - revoked < 1.5  # told by the look after
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
        other.send(address)
        assert waiting.result(PATIENCE)[0] == 401


def test_a_use_is_noted_soon(two: tuple[Daemon, Daemon], storage: Storage) -> None:
    _, secret = storage.user("ann")
    deadline = time.monotonic() + PATIENCE
    used = None
    while used is None and time.monotonic() < deadline:
        status, listed = two[0].request("GET", KEYS, secret)
        assert status == 200
        used = listed["keys"][0]["last_used_at"]
    assert used is not None


def test_a_ticket_from_one_daemon_opens_a_websocket_on_the_other_once(
    two: tuple[Daemon, Daemon], storage: Storage
) -> None:
    one, other = two
    _, secret = storage.user("ann")
    address = one.request("POST", MAILBOXES, secret, {})[1]["address"]
    status, given = one.request("POST", TICKETS, secret)
    assert status == 201
    url = f"ws://127.0.0.1:{other.http}/ws/inbox/{address}?ticket={given['ticket']}"
    with open_websocket(url) as socket:
        other.send(address)
        assert json.loads(socket.recv(PATIENCE))["event"] == "new_message"
    with pytest.raises(InvalidStatus) as refusal:
        open_websocket(url)
    assert refusal.value.response.status_code == 401
    assert given["ticket"] not in "".join([*one.output, *other.output])
    assert secret not in "".join([*one.output, *other.output])


class Browser:
    """Asks as a page of the daemon's, with its cookie."""

    def __init__(self, running: Daemon) -> None:
        self.origin = f"http://localhost:{running.http}"
        self.cookie = ""

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.origin.rpartition(':')[2]}{path}",
            method=method,
            headers={
                "Host": self.origin.removeprefix("http://"),
                "Origin": self.origin,
                "Content-Type": "application/json",
                **({"Cookie": self.cookie} if self.cookie else {}),
            },
            data=None if body is None else json.dumps(body).encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                set_cookie = response.headers["Set-Cookie"]
                if set_cookie:
                    self.cookie = set_cookie.partition(";")[0]
                return response.status, json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def sign_up(self, device: Authenticator, name: str, **begin: str) -> tuple[int, Any]:
        status, begun = self.ask("POST", "/api/v1/users/options", {"name": name, **begin})
        if status != 200:
            return status, begun
        credential = device.create(begun["publicKey"])
        return self.ask("POST", "/api/v1/users", {"credential": credential})

    def sign_in(self, device: Authenticator) -> tuple[int, Any]:
        options = self.ask("POST", "/api/v1/sessions/options", {})[1]["publicKey"]
        return self.ask("POST", "/api/v1/sessions", {"credential": device.get(options)})


def test_signed_up_on_one_daemon_one_is_signed_in_on_both_until_signed_out(
    two: tuple[Daemon, Daemon],
) -> None:
    here, there = (Browser(running) for running in two)
    device = Authenticator(here.origin)
    assert here.sign_up(device, "ann")[0] == 201
    there.cookie = here.cookie
    status, account = there.ask("GET", "/api/v1/account")
    assert (status, account["name"], account["plan"]) == (200, "ann", "free")
    assert account["usage"] == {"mailboxes": 0, "messages": 0}
    status, made = there.ask("POST", KEYS, {"name": "ci", "scopes": ["read"]})
    assert (status, made["scopes"]) == (201, ["read"])
    assert two[0].request("GET", MAILBOXES, made["key"]) == (200, {"mailboxes": [], "next": None})
    assert there.ask("DELETE", "/api/v1/sessions/current")[0] == 204
    assert here.ask("GET", "/api/v1/account")[0] == 401
    device.origin = there.origin
    assert there.sign_in(device)[0] == 201
    assert there.ask("GET", "/api/v1/account")[0] == 200


def test_sign_up_is_closed_in_production_and_an_invitation_is_for_one(
    tmp_path: Path, dsn: str, storage: Storage
) -> None:
    closed = ("--database", dsn, "--environment", "prod", "--domain", "mail.test")
    with daemon(tmp_path / "closed", *closed) as running:
        browser = Browser(running)
        status, problem = browser.sign_up(Authenticator(browser.origin), "ann")
        assert (status, problem["code"]) == (403, "sign_up_closed")
    _, code = storage.run(invitations.make_invitation)
    with daemon(tmp_path / "invite", "--database", dsn, "--sign-up", "invite") as running:
        answers = []
        for name in ("ann", "bob"):
            browser = Browser(running)
            device = Authenticator(browser.origin)
            answers.append(browser.sign_up(device, name, invitation=code))
        assert answers[0][0] == 201
        assert (answers[1][0], answers[1][1]["code"]) == (403, "invitation_refused")
        assert code not in "".join(running.output)


def test_a_plan_that_is_changed_counts_at_once_and_a_deleted_account_is_gone(
    two: tuple[Daemon, Daemon], storage: Storage
) -> None:
    user, secret = storage.user("ann")
    _, narrow = storage.run(keys.make_key, user.id, "narrow", [Scope.READ])
    storage.run(users.set_subscription, user.id, "pro")
    account = two[0].request("GET", "/api/v1/account", secret)[1]
    assert (account["plan"], account["limits"]["max_mailboxes"]) == ("pro", 1000)
    address = two[1].request("POST", MAILBOXES, secret, {})[1]["address"]
    two[1].send(address)
    usage = two[0].request("GET", "/api/v1/account", secret)[1]["usage"]
    assert usage == {"mailboxes": 1, "messages": 1}
    storage.run(users.delete_user, user.id)
    for running in two:
        assert running.request("GET", f"{MAILBOXES}/{address}", narrow)[0] in (401, 404)
