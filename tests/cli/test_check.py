"""``tempmail check``: what is configured, where that was said, and what is wrong with it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tempmail.smtp.tls import self_signed
from tests.daemon import PATIENCE, environment


class Checked:
    """What a check says, as JSON."""

    def __init__(self, *words: str, **variables: str) -> None:
        # Nothing of the machine's own: neither its resolvers nor its ports.
        anywhere = "tcp:0:interface=127.0.0.1"
        own = ["check", "--json", "--dns=off", f"--smtp={anywhere}", f"--http={anywhere}"]
        ended = subprocess.run(
            [sys.executable, "-m", "tempmail.cli.main", *own, *words],
            env=environment(**variables),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.status, self.talk = ended.returncode, ended.stderr
        document: Any = json.loads(ended.stdout or "{}")
        self.options = {
            one["option"]: (one["value"], one["source"]) for one in document.get("options", [])
        }
        self.checks = {one["what"]: one for one in document.get("checks", [])}


def test_each_value_is_shown_with_where_it_was_said(
    tmp_path: Path,
) -> None:
    config = tmp_path / "tempmail.toml"
    config.write_text('tombstone-days = 3\nsmtp-errors = 4\nrate-limits = "off"\n')
    variables = {"TEMPMAIL_SMTP_ERRORS": "5", "TEMPMAIL_RATE_LIMITS": "off"}
    words = ("--config", str(config), "--data-dir", str(tmp_path / "new"), "--rate-limits", "on")
    checked = Checked(*words, **variables)
    assert checked.status == 0
    assert checked.options["tombstone-days"] == ("3", f"tombstone-days in {config}")
    assert checked.options["smtp-errors"] == ("5", "TEMPMAIL_SMTP_ERRORS")
    assert checked.options["rate-limits"] == ("on", "--rate-limits")
    assert checked.options["bare-newline"] == ("keep", "default")
    assert not (tmp_path / "new").exists()


def test_no_password_is_shown(dsn: str) -> None:
    checked = Checked("--database", f"{dsn} password=hidden")
    assert checked.options["database"] == ("(set)", "--database")
    assert checked.checks["database"]["ok"] is True
    assert "hidden" not in str(checked.checks) + checked.talk


def test_a_wrong_configuration_ends_with_78_and_one_line() -> None:
    checked = Checked("--environment", "prod")
    assert checked.status == 78
    assert checked.talk == ("tempmail: --environment prod needs a --domain to receive mail for\n")


def test_what_does_not_answer_is_wrong() -> None:
    checked = Checked(
        "--database=postgresql://nobody@127.0.0.1:1/none?connect_timeout=2",
        "--redis=redis://127.0.0.1:1",
    )
    assert checked.status == 1
    assert [checked.checks[what]["ok"] for what in ("database", "redis")] == [False, False]


def test_a_port_that_is_taken_is_told_of() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
        checked = Checked("--metrics", endpoint)
    found = checked.checks[f"--metrics {endpoint}"]
    assert found["ok"] is None
    assert "cannot be opened" in found["detail"]


def test_a_certificate_is_looked_at(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path, "mx.example.org")
    words = (f"--tls-cert={certificate}", f"--tls-key={key}")
    right = Checked(*words, "--hostname=mx.example.org")
    assert right.checks[f"certificate {certificate}"]["ok"] is True
    other = Checked(*words, "--hostname=mail.example.org")
    assert other.checks[f"certificate {certificate}"]["ok"] is False
    key.write_text("no key")
    broken = Checked(*words)
    assert "cannot be used" in broken.checks[f"certificate {certificate}"]["detail"]
