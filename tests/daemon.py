"""The real daemon as a child process, started as an operator starts it."""

from __future__ import annotations

import json
import os
import re
import signal
import smtplib
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
TWISTD = Path(sys.executable).with_name("twistd")
PATIENCE = 60.0  # seconds; a machine under load is slow, a hanging daemon is a failure


def command(data_dir: Path, *options: str) -> list[str]:
    """``twistd -n tempmail`` on free ports of the loopback interface; without limits on a single
    client and without asking the machine's own resolvers unless ``options`` say so."""
    anywhere = "tcp:0:interface=127.0.0.1"
    for name in ("--rate-limits", "--dns"):
        if name not in options:
            options = (name, "off", *options)
    return [
        *(str(TWISTD), "-n", "--pidfile=", "tempmail", "--data-dir", str(data_dir)),
        *("--smtp", anywhere, "--http", anywhere, *options),
    ]


def environment(**variables: str) -> dict[str, str]:
    """Of a child: none of the tester's own ``TEMPMAIL_*``, and the checkout can be imported."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TEMPMAIL_")}
    return {**kept, "PYTHONPATH": str(CHECKOUT), **variables}


class Daemon:
    """A daemon that said it is ready.

    :ivar output: everything that it printed, in lines.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.output: list[str] = []
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._ready.wait(PATIENCE), "not ready:\n" + "".join(self.output)
        printed = "".join(self.output)
        self.smtp = int(self._found(r"smtp://127\.0\.0\.1:(\d+)", printed))
        self.http = int(self._found(r"http://127\.0\.0\.1:(\d+)/api", printed))

    @staticmethod
    def _found(pattern: str, text: str) -> str:
        match = re.search(pattern, text)
        assert match is not None, text
        return match[1]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)
            if line.startswith("Try it"):
                self._ready.set()
        self._ready.set()

    def wait(self) -> int:
        """How it ended."""
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> int:
        self.process.kill()
        return self.wait()

    def request(
        self, method: str, path: str, token: str | None = None, body: Any = None
    ) -> tuple[int, Any]:
        """Status and JSON (or bytes) of one HTTP request."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http}{path}",
            method=method,
            headers=headers,
            data=json.dumps(body).encode() if body is not None else None,
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return response.status, _decoded(response)
        except urllib.error.HTTPError as error:
            return error.code, _decoded(error)

    def create(self, **wish: Any) -> tuple[str, str]:
        """A new mailbox: its address and its token."""
        status, mailbox = self.request("POST", "/api/v1/mailboxes", body=wish)
        assert status == 201, mailbox
        return mailbox["address"], mailbox["session_token"]

    def send(self, *recipients: str, mail: bytes = b"Subject: Hello\r\n\r\nHi\r\n") -> None:
        """One mail by the standard library's client."""
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=PATIENCE) as client:
            client.sendmail("ann@sender.test", list(recipients), mail)


def _decoded(response: Any) -> Any:
    body = response.read()
    return json.loads(body) if "json" in response.headers.get("Content-Type", "") else body


def launch(arguments: list[str], variables: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        arguments,
        cwd="/",
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def daemon(data_dir: Path, *options: str, **variables: str) -> Iterator[Daemon]:
    """Run a daemon; it is killed where the test has not ended it."""
    process = launch(command(data_dir, *options), environment(**variables))
    try:
        yield Daemon(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def refused(data_dir: Path, *options: str, **variables: str) -> tuple[int, str]:
    """Exit status and output of a daemon that cannot start."""
    ended = subprocess.run(
        command(data_dir, *options),
        cwd="/",
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return ended.returncode, ended.stderr
