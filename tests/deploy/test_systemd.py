"""What systemd asks of the daemon: notifications, the watchdog, ports that it opened, its unit."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import tomllib
import urllib.request
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from tempmail.options import OPTIONS
from tempmail.smtp.tls import self_signed
from tempmail.systemd import ServiceManager
from tests.daemon import CHECKOUT, PATIENCE, TWISTD, environment

UNITS = CHECKOUT / "deploy" / "systemd"


class NotifyTests(TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = f"{folder.name}/notify"
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.setblocking(False)
        self.manager.bind(self.path)
        self.clock = Clock()
        self.well = True

    def service(self, **environ: str) -> ServiceManager:
        return ServiceManager(
            {"NOTIFY_SOCKET": self.path, **environ}, lambda: self.well, self.clock
        )

    def told(self) -> list[str]:
        """What has come since the last look."""
        said = []
        while True:
            try:
                said.append(self.manager.recv(4096).decode())
            except BlockingIOError:
                return said

    def test_being_ready_and_stopping_are_told(self) -> None:
        service = self.service()
        service.ready("Mail for mail.example")
        self.assertEqual(self.told(), ["READY=1\nSTATUS=Mail for mail.example"])
        service.stopping()
        (said,) = self.told()
        self.assertTrue(said.startswith("STOPPING=1\n"))

    def test_the_watchdog_is_answered_three_times_in_its_time(self) -> None:
        service = self.service(WATCHDOG_USEC="30000000")
        service.ready("")
        self.told()
        for _ in range(3):
            self.clock.advance(9.9)
            self.assertEqual(self.told(), [])
            self.clock.advance(0.1)
            self.assertEqual(self.told(), ["WATCHDOG=1"])
        service.gone()
        self.clock.advance(60)
        self.assertEqual(self.told(), [])

    def test_a_daemon_that_only_a_restart_helps_leaves_the_watchdog_unanswered(self) -> None:
        service = self.service(WATCHDOG_USEC="3000000")
        service.ready("")
        self.told()
        self.well = False
        self.clock.pump([1] * 5)
        self.assertEqual(self.told(), [])
        self.well = True
        self.clock.advance(1)
        self.assertEqual(self.told(), ["WATCHDOG=1"])

    def test_an_abstract_address_is_one_too(self) -> None:
        name = f"tempmail-test-{os.getpid()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as abstract:
            abstract.bind("\0" + name)
            self.service(NOTIFY_SOCKET="@" + name).ready("")
            abstract.settimeout(PATIENCE)
            self.assertTrue(abstract.recv(4096).startswith(b"READY=1"))

    def test_a_manager_that_is_not_there_or_does_not_read_holds_nothing_up(self) -> None:
        self.service(NOTIFY_SOCKET="/nonexistent").ready("")
        service = self.service(WATCHDOG_USEC="3000")
        service.ready("")
        for _ in range(1000):  # more than its socket holds
            self.clock.advance(0.001)
        self.assertLess(len(self.told()), 1000)

    def test_without_a_manager_nobody_is_told_and_nothing_is_timed(self) -> None:
        for environ in ({}, {"WATCHDOG_USEC": "1000"}, {"NOTIFY_SOCKET": "relative"}):
            service = ServiceManager(environ, lambda: True, self.clock)
            service.ready("")
            service.stopping()
            service.gone()
        self.assertEqual(self.clock.getDelayedCalls(), [])


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def test_the_daemon_serves_on_ports_that_systemd_opened_and_tells_it(tmp_path: Path) -> None:
    activate = shutil.which("systemd-socket-activate")
    assert activate is not None, "apt-get install systemd"
    certificate, key = self_signed(tmp_path, "localhost")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(PATIENCE)
    smtp, http, https = free_ports(3)
    variables = environment(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="3000000")
    process = subprocess.Popen(
        [
            activate,
            *(f"--listen=127.0.0.1:{port}" for port in (smtp, http, https)),
            *(f"--setenv={name}={value}" for name, value in variables.items()),
            "--fdname=smtp:http:https",
            *(str(TWISTD), "-n", "--pidfile=", "--logger=tempmail.log.json_observer", "tempmail"),
            *("--data-dir", str(tmp_path / "data"), "--smtp", "systemd:domain=INET:name=smtp"),
            *("--http", "systemd:domain=INET:name=http"),
            *("--http", f"secured:{certificate}:{key}:systemd:domain=INET:name=https"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        for _ in range(3):
            assert process.stderr.readline().startswith("Listening on 127.0.0.1:")
        # This first connection starts the daemon, which takes it when it is ready.
        with smtplib.SMTP("127.0.0.1", smtp, timeout=PATIENCE) as client:
            code, greeting = client.ehlo()
            assert (code, b"STARTTLS" in greeting) == (250, True)
        for url in (f"http://127.0.0.1:{http}", f"https://127.0.0.1:{https}"):
            trusting = ssl._create_unverified_context()
            with urllib.request.urlopen(
                f"{url}/health", timeout=PATIENCE, context=trusting if "https" in url else None
            ) as response:
                assert json.load(response)["status"] == "ok"
        assert manager.recv(4096) == b"READY=1\nSTATUS=Mail for tempmail.localhost"
        assert manager.recv(4096) == b"WATCHDOG=1"
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=PATIENCE)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        manager.close()
    events = [json.loads(line) for line in output.splitlines()]  # no line but JSON
    (ready,) = [one for one in events if one["message"].startswith("ready: ")]
    assert ready["smtp"] == f"127.0.0.1:{smtp}"


def test_the_unit_exposes_little() -> None:
    checked = subprocess.run(
        [
            *("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager"),
            str(UNITS / "tempmail.service"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout[-300:] + checked.stderr


def test_the_example_of_a_configuration_is_understood_and_names_the_units_sockets() -> None:
    text = (UNITS / "tempmail.toml").read_text("utf-8")
    known = {option.name for option in OPTIONS}
    assert set(tomllib.loads(text)) <= known
    names = {
        found[1]
        for unit in UNITS.glob("*.socket")
        if (
            found := re.search(r"^FileDescriptorName=(\w+)$", unit.read_text("utf-8"), re.MULTILINE)
        )
    }
    assert set(re.findall(r"systemd:domain=INET6:name=(\w+)", text)) == names
