"""Operators' commands, each as one types it, on a real database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tempmail.cli.main import main
from tempmail.storage.connection import connect


class Terminal:
    """Types commands and reads what they say."""

    def __init__(self, dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._dsn = dsn
        self._capsys = capsys

    def run(self, *words: str) -> tuple[int, str, str]:
        """Status, standard output and standard error."""
        status = main([*words, "--database", self._dsn])
        said = self._capsys.readouterr()
        return status, said.out, said.err

    def data(self, *words: str) -> Any:
        """What a command that succeeds says as JSON."""
        status, out, err = self.run(*words, "--json")
        assert status == 0, err
        return json.loads(out)


@pytest.fixture
def terminal(dsn: str, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(dsn, capsys)


def test_an_account_is_made_renamed_and_ended(terminal: Terminal) -> None:
    assert terminal.data("user", "add", "Ann")["plan"] == "free"
    assert terminal.data("user", "add", "Bob", "--plan", "pro")["plan"] == "pro"
    assert terminal.run("user", "add", "ann")[0] == 1
    assert terminal.data("user", "change", "bob", "--name", "Bobby")["name"] == "Bobby"
    assert [one["name"] for one in terminal.data("user", "list")] == ["Ann", "Bobby"]
    status, out, err = terminal.run("user", "revoke", "Ann", "--yes")
    assert (status, out, err) == (0, "", "Ann is gone, and so are 0 mailboxes\n")
    assert terminal.run("user", "revoke", "Ann", "--yes")[0] == 3
    assert terminal.run("user", "revoke", "Bobby")[0] == 1  # nobody said yes
    assert [one["name"] for one in terminal.data("user", "list")] == ["Bobby"]


def test_a_key_is_printed_alone_listed_without_its_secret_and_revoked(terminal: Terminal) -> None:
    terminal.run("user", "add", "Ann")
    status, key, talk = terminal.run("key", "add", "Ann", "--scope", "codes", "--name", "ci")
    assert (status, len(key), key[:4]) == (0, 48, "uct_")
    assert key.strip() not in talk
    [listed] = terminal.data("key", "list", "Ann")
    assert (listed["name"], listed["scopes"], listed["prefix"]) == ("ci", ["codes"], key[:12])
    assert key.strip() not in str(listed)
    assert terminal.run("key", "revoke", "Ann", "999")[0] == 3
    assert terminal.run("key", "revoke", "Ann", key.strip())[0] == 0
    assert terminal.data("key", "list", "Ann") == []
    assert terminal.run("key", "add", "Nobody")[0] == 3
    assert terminal.run("key", "add", "Ann", "--scope", "all")[0] == 2


def test_an_account_has_one_plan_and_a_history(terminal: Terminal) -> None:
    terminal.run("user", "add", "Ann")
    assert terminal.data("subscription", "list", "Ann") == []
    assert terminal.data("subscription", "add", "Ann", "pro")["plan"] == "pro"
    assert terminal.data("subscription", "change", "Ann", "free")["plan"] == "free"
    assert terminal.run("subscription", "change", "Ann", "none")[0] == 3
    terminal.run("subscription", "add", "Ann", "pro")
    assert terminal.data("subscription", "revoke", "Ann")["plan"] == "free"
    plans = [
        (one["plan"], one["ended_at"] is None)
        for one in terminal.data("subscription", "list", "Ann")
    ]
    assert plans == [("pro", False), ("free", False), ("pro", False)]


def test_a_plan_is_made_changed_and_removed_unless_somebody_has_it(terminal: Terminal) -> None:
    limits = {
        "max-mailboxes": 5,
        "max-messages-per-mailbox": -1,
        "default-ttl-minutes": 10,
        "max-ttl-minutes": 20,
        "max-message-bytes": 1000,
        "requests-per-minute": -1,
    }
    words = [word for name, value in limits.items() for word in (f"--{name}={value}",)]
    assert terminal.data("plan", "add", "team", *words)["max_mailboxes"] == 5
    assert terminal.data("plan", "change", "team", "--max-mailboxes", "6")["max_mailboxes"] == 6
    assert terminal.run("plan", "change", "team", "--max-ttl-minutes", "1")[0] == 2
    assert terminal.run("plan", "change", "team")[0] == 2
    assert terminal.run("plan", "change", "nothing", "--max-mailboxes", "6")[0] == 3
    terminal.run("user", "add", "Ann", "--plan", "team")
    assert terminal.run("plan", "revoke", "team")[0] == 1
    terminal.data("plan", "add", "other", *words)
    assert terminal.run("plan", "revoke", "other")[0] == 0
    assert terminal.run("plan", "revoke", "free")[0] == 1
    assert [one["name"] for one in terminal.data("plan", "list")] == [
        *("anonymous", "free", "pro", "team")
    ]


def test_an_invitation_is_printed_alone(terminal: Terminal) -> None:
    status, code, _ = terminal.run("user", "invite", "--days", "2")
    assert status == 0
    assert len(code.split()) == 1


def test_stats_count_what_there_is(terminal: Terminal) -> None:
    terminal.run("user", "add", "Ann")
    terminal.run("key", "add", "Ann")
    counted = terminal.data("stats")
    assert (counted["accounts"], counted["api_keys"], counted["mailboxes"]) == (1, 1, 0)
    assert counted["database_bytes"] > 0


def test_a_table_is_for_people_and_keeps_the_terminal_safe(terminal: Terminal, dsn: str) -> None:
    with connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO users (name) VALUES (%s)", ("ann\x1b[31m\u202e",))
    status, out, _ = terminal.run("user", "list")
    assert status == 0
    assert out.splitlines()[0].split() == ["NAME", "PLAN", "MAILBOXES", "MESSAGES", "SINCE"]
    assert "ann\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}" in out


def test_a_wrong_file_is_a_mistake_of_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "tempmail.toml"
    config.write_text("databse = 'x'\n")
    assert main(["plan", "list", "--config", str(config)]) == 78
    assert "unknown keys: databse" in capsys.readouterr().err
