"""A client that misbehaves is shut out of the real daemon, listed and let in by the command."""

from __future__ import annotations

import smtplib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.daemon import PATIENCE, Daemon, daemon, environment


def misbehave(running: Daemon) -> None:
    """Use up the errors of one session."""
    client = smtplib.SMTP("127.0.0.1", running.smtp, timeout=PATIENCE)
    code = 500
    while code == 500:
        code, text = client.docmd("MOO")
    assert (code, text) == (421, b"4.7.0 Too many errors")
    client.close()


def greeting(running: Daemon) -> tuple[int, bytes]:
    client = smtplib.SMTP(timeout=PATIENCE)
    try:
        return client.connect("127.0.0.1", running.smtp)
    finally:
        client.close()


def command(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``tempmail`` as an operator runs it beside the daemon."""
    return subprocess.run(
        [sys.executable, "-m", "tempmail.cli.main", *arguments, "--data-dir", str(data_dir)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether it holds before so many seconds have passed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.1)
    return False


def test_a_block_is_made_listed_kept_over_a_restart_and_lifted(tmp_path: Path) -> None:
    with daemon(tmp_path, "--smtp-strikes", "1", "--rate-limits", "on") as running:
        assert command(tmp_path, "block", "ls").stderr == "nobody is blocked\n"
        misbehave(running)
        assert greeting(running)[0] == 220
        misbehave(running)
        code, text = greeting(running)
        assert (code, text[:6]) == (421, b"4.7.0 ")
        assert b"blocked" in text
        assert within(PATIENCE, lambda: "127.0.0.1" in command(tmp_path, "block", "ls").stdout)
        running.terminate()

    with daemon(tmp_path, "--smtp-strikes", "1", "--rate-limits", "on") as running:
        assert within(PATIENCE, lambda: greeting(running)[0] == 421)
        listed = command(tmp_path, "block", "ls")
        assert listed.stdout.splitlines()[1].split()[0] == "127.0.0.1"
        assert listed.stdout.splitlines()[1].split()[-2:] == ["1", "errors"]

        lifted = command(tmp_path, "block", "lift", "127.0.0.1")
        assert (lifted.returncode, lifted.stdout) == (0, "LIFTED   \n127.0.0.1\n")
        assert within(20, lambda: greeting(running)[0] == 220)
        again = command(tmp_path, "block", "lift", "127.0.0.1")
        assert (again.returncode, again.stderr) == (3, "tempmail: 127.0.0.1 is not blocked\n")


def test_with_rate_limits_off_nobody_is_blocked(tmp_path: Path) -> None:
    with daemon(tmp_path, "--smtp-strikes", "1", "--rate-limits", "off") as running:
        for _ in range(5):
            misbehave(running)
        assert greeting(running)[0] == 220
