"""A server of a test run's own: that it comes, and that nothing of it stays."""

from __future__ import annotations

import os
import signal
import smtplib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tempmail.client import Client, Unreachable
from tempmail.client.private_daemon import NotStarted, PrivateDaemon
from tests.daemon import PATIENCE


def ended(pid: int) -> bool:
    """Whether a process is gone, within a tester's patience."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if "State:\tZ" in Path(f"/proc/{pid}/status").read_text("ascii", "replace"):
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made, and nothing else is."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_it_takes_mail_and_leaves_nothing(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPMAIL_DATABASE", "postgresql://nowhere.test/other")
    with PrivateDaemon(["--domain", "shop.test"]) as daemon, Client(daemon.url, "") as client:
        mailbox = client.create("ann")
        with smtplib.SMTP(*daemon.smtp) as smtp:
            smtp.sendmail("me@x.test", [mailbox.address], "Subject: Hello\r\n\r\nhi\r\n")
        assert mailbox.wait(timeout=20).subject == "Hello"
        assert mailbox.address == "ann@shop.test"
        assert os.getsid(daemon.pid) == daemon.pid, "a Ctrl-C in the terminal is not for it"
    assert ended(daemon.pid)
    assert list(temporary.iterdir()) == []
    with pytest.raises(Unreachable), Client(daemon.url, "") as client:
        client.create()


def test_what_keeps_it_from_starting_is_said(temporary: Path) -> None:
    with pytest.raises(NotStarted, match="no-such-option"):
        PrivateDaemon(["--no-such-option"])
    assert list(temporary.iterdir()) == []


def test_one_that_does_not_get_ready_is_ended(temporary: Path) -> None:
    with pytest.raises(NotStarted, match="was not ready within 0 s"):
        PrivateDaemon(ready_seconds=0)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "Ctrl-C"])
def test_it_ends_with_whoever_started_it(tmp_path: Path, number: signal.Signals) -> None:
    program = """
import time
from tempmail.client.private_daemon import PrivateDaemon
with PrivateDaemon() as daemon:
    print(daemon.pid, flush=True)
    time.sleep(600)
"""
    starter = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert starter.stdout is not None
    with starter:
        pid = int(starter.stdout.readline())
        starter.send_signal(number)
        starter.wait(PATIENCE)
    try:
        assert ended(pid)
    except AssertionError:
        os.kill(pid, signal.SIGKILL)
        raise
    if number is signal.SIGINT:
        assert list(tmp_path.iterdir()) == []
