"""Users' commands against a real daemon."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon import PATIENCE, Daemon, daemon, environment

MAIL = b"From: Shop <shop@shop.test>\r\nSubject: Your code\r\n\r\nYour code is 482913.\r\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def served(data: Path) -> Iterator[Daemon]:
    with daemon(data, "--rate-limits", "off") as it:
        yield it


def run(served: Daemon, *words: str, token: str = "") -> subprocess.CompletedProcess[str]:
    """One command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tempmail.cli.main", *words],
        env=environment(
            TEMPMAIL_URL=f"http://127.0.0.1:{served.http}", TEMPMAIL_TOKEN=token, UCT_API_KEY=""
        ),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def made(served: Daemon) -> tuple[str, str]:
    """A new mailbox by the command: address and token, a line each."""
    address, token = run(served, "mailbox", "new").stdout.split()
    return address, token


def test_a_mailbox_is_made_shown_extended_and_ended(served: Daemon) -> None:
    address, token = made(served)
    shown = json.loads(run(served, "mailbox", "show", address, "--json", token=token).stdout)
    assert (shown["address"], shown["messages"]) == (address, 0)
    longer = run(served, "mailbox", "extend", address, "600", "--json", token=token)
    assert json.loads(longer.stdout)["expires_at"] > shown["expires_at"]
    assert run(served, "mailbox", "rm", address, token=token).returncode == 0
    gone = run(served, "mailbox", "show", address, token=token)
    assert (gone.returncode, gone.stdout) == (3, "")


def test_a_code_is_waited_for_and_printed_alone(served: Daemon) -> None:
    address, token = made(served)
    served.send(address, mail=MAIL)
    found = run(served, "mail", "code", address, "--wait", "20", "--from", "shop", token=token)
    assert (found.returncode, found.stdout) == (0, "482913\n")
    none = run(served, "mail", "code", address, "--subject", "no such", token=token)
    assert (none.returncode, none.stdout) == (5, "")


def test_messages_are_listed_shown_and_saved(served: Daemon, tmp_path: Path) -> None:
    address, token = made(served)
    served.send(address, mail=MAIL)
    listed = json.loads(run(served, "mail", "ls", address, "--json", token=token).stdout)
    assert [one["subject"] for one in listed] == ["Your code"]
    shown = run(served, "mail", "show", address, token=token).stdout
    assert "From: Shop <shop@shop.test>\n" in shown
    assert shown.endswith("Your code is 482913.\n\n")
    file = tmp_path / "mail.eml"
    saved = run(served, "mail", "save", address, "-o", str(file), token=token)
    assert saved.returncode == 0, saved.stderr
    assert file.read_bytes().endswith(MAIL)


def test_a_wait_shows_what_came(served: Daemon) -> None:
    address, token = made(served)
    served.send(address, mail=MAIL)
    words = ("mailbox", "wait", address, "--has", "code", "--timeout", "20", "--json")
    found = json.loads(run(served, *words, token=token).stdout)
    assert (found["subject"], found["codes"]) == ("Your code", ["482913"])


def test_who_may_not_and_who_is_not_there_end_differently(served: Daemon) -> None:
    address, _ = made(served)
    assert run(served, "mailbox", "show", address).returncode == 4
    assert run(served, "mailbox", "list").returncode == 4
    away = run(served, "mailbox", "new", "--url", "http://127.0.0.1:9")
    assert (away.returncode, away.stderr.count("\n")) == (69, 1)


def test_an_accounts_key_lists_its_mailboxes(served: Daemon, data: Path, tmp_path: Path) -> None:
    assert run(served, "user", "add", "ann", "--data-dir", str(data)).returncode == 0
    key = tmp_path / "key"
    key.write_text(run(served, "key", "add", "ann", "--data-dir", str(data)).stdout)
    with_key = ("--api-key-file", str(key))
    address = run(served, "mailbox", "new", *with_key).stdout.strip()
    listed = json.loads(run(served, "mailbox", "list", "--json", *with_key).stdout)
    assert [one["address"] for one in listed] == [address]


def test_views_of_an_older_parser_are_made_again(served: Daemon, data: Path) -> None:
    address, _ = made(served)
    for _ in range(3):
        served.send(address, mail=MAIL)
    words = ("reparse", "--unread", "--json", "--data-dir", str(data))
    first = run(served, *words)
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["reparsed"] >= 3
    assert json.loads(run(served, *words).stdout) == {"reparsed": 0}
