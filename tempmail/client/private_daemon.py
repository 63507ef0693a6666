"""A server of a test run's own: ``twistd -n tempmail`` of the same Python, on free ports."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

READY_SECONDS = 120.0
"""A machine that runs as many of these as it has cores is slow."""

_STOP_SECONDS = 20.0
_LOOK_SECONDS = 0.05
_SHOWN_LINES = 20
_ANYWHERE = "tcp:0:interface=127.0.0.1"
_READY = "Try it in another terminal"  # the page that the daemon prints is complete up to here
_SMTP = re.compile(r"smtp://(127\.0\.0\.1):([0-9]+)")
_HTTP = re.compile(r"(http://127\.0\.0\.1:[0-9]+)/api")

# The daemon ends with the process that started it, even where that is killed (prctl(2),
# PR_SET_PDEATHSIG); it is Linux's, as the daemon is.
_LAUNCH = """\
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv.pop(1)):
    raise SystemExit
from twisted.scripts.twistd import run
run()
"""


class NotStarted(Exception):
    """The daemon did not come up; the text ends with its own words."""


class PrivateDaemon:
    """A daemon that is ready; its data goes when it is stopped.

    :param options: further ones of ``twistd tempmail``.
    :param ready_seconds: how long it may take to start.
    :ivar url: of its API.
    :ivar smtp: host and port where it takes mail.
    :raises NotStarted: it could not start.
    """

    def __init__(
        self, options: Sequence[str] = (), *, ready_seconds: float = READY_SECONDS
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tempmail-"))
        self._output = self._folder / "output"
        try:
            self._process = self._launched(options)
            try:
                said = self._ready(ready_seconds)
                self.smtp = (said[1][1], int(said[1][2]))
                self.url = said[0][1]
            except BaseException:  # an impatient Ctrl-C as well
                self._end()
                raise
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """End it in order, and remove its data."""
        try:
            self._end()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _launched(self, options: Sequence[str]) -> subprocess.Popen[bytes]:
        command = [
            *(sys.executable, "-P", "-c", _LAUNCH, str(os.getpid())),
            *("-n", "--pidfile=", "tempmail", "--data-dir", str(self._folder / "data")),
            *("--smtp", _ANYWHERE, "--http", _ANYWHERE, "--rate-limits", "off", *options),
        ]
        with self._output.open("wb") as output:
            return subprocess.Popen(  # noqa: S603  # a program of our own choice, no shell
                command,
                cwd=self._folder,
                env=_environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C in the terminal is for the tests alone
            )

    def _ready(self, seconds: float) -> tuple[re.Match[str], re.Match[str]]:
        end = time.monotonic() + seconds
        while True:
            ended = self._process.poll() is not None
            said = self._output.read_text("utf-8", "replace")
            http, smtp = _HTTP.search(said), _SMTP.search(said)
            if _READY in said and http and smtp:
                return http, smtp
            if ended or time.monotonic() > end:
                last = "\n".join(said.splitlines()[-_SHOWN_LINES:])
                why = "ended" if ended else f"was not ready within {seconds:g} s"
                raise NotStarted(f"twistd tempmail {why}:\n{last}")
            time.sleep(_LOOK_SECONDS)

    def _end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    """Without the settings of another daemon, such as its database."""
    return {name: value for name, value in own.items() if not name.startswith("TEMPMAIL_")}
