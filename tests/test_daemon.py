"""The daemon end to end: as an operator starts it, with clients that are not ours."""

from __future__ import annotations

import itertools
import json
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tempmail.storage.embedded import EmbeddedCluster
from tests.daemon import PATIENCE, Daemon, command, daemon, environment, launch, refused

ENDED = -signal.SIGTERM  # twistd ends in order, then by the signal that it was sent
CODE = b"From: Shop <shop@sender.test>\r\nSubject: Your code\r\n\r\nIt is 815-4711.\r\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for the tests that need not end it."""
    with daemon(tmp_path_factory.mktemp("daemon"), "--metrics", "tcp:0:interface=127.0.0.1") as it:
        yield it


def test_a_mail_is_received_pushed_listed_read_and_deleted(running: Daemon) -> None:
    address, token = running.create()
    url = f"ws://127.0.0.1:{running.http}/ws/inbox/{address}?token={token}"
    with connect(url) as socket_:
        running.send(address, mail=CODE)
        frame = json.loads(socket_.recv(PATIENCE))
    assert (frame["event"], frame["seq"]) == ("new_message", 1)

    messages = f"/api/v1/mailboxes/{address}/messages"
    status, listed = running.request("GET", messages, token)
    (summary,) = listed["messages"]
    assert (status, summary["id"]) == (200, frame["message_id"])
    assert (summary["subject"], summary["preview"]) == ("Your code", "It is 815-4711.")

    status, message = running.request("GET", f"{messages}/latest", token)
    assert (status, message["from_address"], message["from_name"]) == (
        200,
        "shop@sender.test",
        "Shop",
    )
    assert message["body_text"].strip() == "It is 815-4711."
    assert running.request("GET", f"{messages}/{summary['id']}/raw", token) == (200, CODE)

    assert running.request("DELETE", f"{messages}/{summary['id']}", token)[0] == 204
    assert running.request("GET", f"{messages}/latest", token)[0] == 404
    assert running.request("DELETE", f"/api/v1/mailboxes/{address}", token)[0] == 204
    assert running.request("GET", messages, token)[0] == 404


def test_a_websocket_that_comes_late_resumes_where_it_left(running: Daemon) -> None:
    address, token = running.create()
    for _ in range(3):
        running.send(address)
    with connect(
        f"ws://127.0.0.1:{running.http}/ws/inbox/{address}?token={token}&after=1"
    ) as socket_:
        assert [json.loads(socket_.recv(PATIENCE))["seq"] for _ in range(2)] == [2, 3]
        running.send(address)
        assert json.loads(socket_.recv(PATIENCE))["seq"] == 4


def test_a_wait_is_answered_with_the_mail_that_matches(running: Daemon) -> None:
    address, token = running.create()
    wait = f"/api/v1/mailboxes/{address}/messages/wait"
    mail = b"From: shop@sender.test\r\nSubject: Log in\r\n\r\nYour code is 815471.\r\n"
    with ThreadPoolExecutor() as threads:
        wanted = "from=SHOP&body=/code is [0-9]{6}/&has=code".replace(" ", "%20")
        waiting = threads.submit(running.request, "GET", f"{wait}?{wanted}", token)
        running.send(address)
        running.send(address, mail=mail)
        status, message = waiting.result(PATIENCE)
    assert (status, message["seq"], message["subject"]) == (200, 2, "Log in")
    assert message["codes"][0]["value"] == "815471"
    assert running.request("GET", f"{wait}?after=2&timeout=1", token)[0] == 204


def test_events_are_streamed_from_where_the_client_left(running: Daemon) -> None:
    address, token = running.create()
    running.send(address)
    url = f"http://127.0.0.1:{running.http}/api/v1/mailboxes/{address}/events?token={token}"
    request = urllib.request.Request(url, headers={"Last-Event-ID": "0"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as stream:
        running.send(address)
        told = [json.loads(line[6:]) for line in itertools.islice(stream, 11) if b"data" in line]
        assert [(one["event"], one["seq"]) for one in told] == [
            ("new_message", 1),
            ("new_message", 2),
        ]
        running.request("DELETE", f"/api/v1/mailboxes/{address}", token)
        assert stream.read() == b'event: expired\ndata: {"event":"expired"}\n\n'


def test_words_of_mails_that_nobody_has_read_are_found(running: Daemon) -> None:
    address, token = running.create()
    for mail in (CODE, b"Subject: Other\r\n\r\nNothing\r\n"):
        running.send(address, mail=mail)
    _, found = running.request("GET", f"/api/v1/mailboxes/{address}/messages?q=shop+4711", token)
    assert [one["seq"] for one in found["messages"]] == [1]


def test_a_deleted_mailbox_says_expired_to_its_websockets_and_closes_them(running: Daemon) -> None:
    address, token = running.create()
    with connect(f"ws://127.0.0.1:{running.http}/ws/inbox/{address}?token={token}") as socket_:
        assert running.request("DELETE", f"/api/v1/mailboxes/{address}", token)[0] == 204
        assert [json.loads(frame) for frame in socket_] == [{"event": "expired"}]


def test_a_token_opens_no_other_mailbox(running: Daemon) -> None:
    address, _ = running.create()
    _, stranger = running.create()
    missing = running.request("GET", "/api/v1/mailboxes/nobody@tempmail.localhost", stranger)
    assert running.request("GET", f"/api/v1/mailboxes/{address}", stranger) == missing
    assert missing[0] == 404


def test_starttls_works_from_the_first_start_on(running: Daemon) -> None:
    address, token = running.create()
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with smtplib.SMTP("127.0.0.1", running.smtp, timeout=PATIENCE) as client:
        client.starttls(context=context)
        client.sendmail("ann@sender.test", [address], CODE)
    _, message = running.request("GET", f"/api/v1/mailboxes/{address}/messages/latest", token)
    assert message["envelope"]["tls"].startswith("TLSv1.3 ")


def test_openssl_s_client_speaks_starttls_with_it(running: Daemon) -> None:
    spoken = subprocess.run(
        ["openssl", "s_client", "-starttls", "smtp", "-connect", f"127.0.0.1:{running.smtp}",
         "-quiet"],
        input=b"EHLO client.test\r\nQUIT\r\n",
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )  # fmt: skip
    assert b"250-PIPELINING" in spoken.stdout
    assert b"STARTTLS" not in spoken.stdout.partition(b"250-PIPELINING")[2]
    assert b"221 2.0.0" in spoken.stdout


def test_metrics_are_served_on_their_own_port_alone(running: Daemon) -> None:
    place = next(line.split()[1] for line in running.output if line.startswith("  metrics"))
    fetched = subprocess.run(["curl", "-s", place], capture_output=True, text=True, check=True)
    assert 'tempmail_recipients_total{verdict="stored"}' in fetched.stdout
    assert running.request("GET", "/metrics")[0] == 404


def test_no_secret_and_no_traceback_is_logged(running: Daemon) -> None:
    address, token = running.create()
    with connect(f"ws://127.0.0.1:{running.http}/ws/inbox/{address}?token={token}"):
        running.send(address, mail=CODE)
    running.request("GET", f"/api/v1/mailboxes/{address}?token={token}", token)
    running.request("GET", "/health")
    log = "".join(running.output)
    assert "/api/v1/mailboxes" in log
    assert token not in log
    assert "815-4711" not in log
    assert "Traceback" not in log


def test_a_second_start_keeps_what_was_there(tmp_path: Path) -> None:
    with daemon(tmp_path) as first:
        address, token = first.create()
        first.send(address, mail=CODE)
        assert first.terminate() == ENDED
    with daemon(tmp_path) as second:
        raw = second.request("GET", f"/api/v1/mailboxes/{address}/messages/latest/raw", token)
        assert raw == (200, CODE)


def test_after_sigkill_no_server_is_left_and_the_next_start_works(tmp_path: Path) -> None:
    with daemon(tmp_path) as first:
        address, token = first.create()
        first.send(address, mail=CODE)
        first.kill()
    with daemon(tmp_path) as second:
        raw = second.request("GET", f"/api/v1/mailboxes/{address}/messages/latest/raw", token)
        assert raw == (200, CODE)
        assert second.terminate() == ENDED
    assert not _processes_in(tmp_path)


def test_sigterm_answers_all_who_wait(tmp_path: Path) -> None:
    with (
        daemon(tmp_path, "--metrics", "tcp:0:interface=127.0.0.1") as it,
        ThreadPoolExecutor() as threads,
    ):
        address, token = it.create()
        mailbox = f"/api/v1/mailboxes/{address}"
        events = f"http://127.0.0.1:{it.http}{mailbox}/events?token={token}"
        with urllib.request.urlopen(events, timeout=PATIENCE) as stream:
            waiting = threads.submit(
                it.request, "GET", f"{mailbox}/messages/wait?timeout=120", token
            )
            place = next(line.split()[1] for line in it.output if line.startswith("  metrics"))
            while b"tempmail_long_polls 1.0" not in urllib.request.urlopen(place).read():
                assert not waiting.done()
            assert it.terminate() == ENDED
            assert waiting.result(PATIENCE)[0] == 204
            assert stream.read() == b"id: 0\nretry: 2000\n\n"


def test_sigterm_under_load_answers_what_was_complete_and_doubles_nothing(tmp_path: Path) -> None:
    with daemon(tmp_path) as running:
        boxes = [running.create() for _ in range(8)]
        answered: list[list[bytes]] = [[] for _ in boxes]
        unanswered: list[list[bytes]] = [[] for _ in boxes]
        flowing = threading.Barrier(len(boxes) + 1)

        def send(index: int) -> None:
            with socket.create_connection(("127.0.0.1", running.smtp), PATIENCE) as connection:
                replies = connection.makefile("rb")
                replies.readline()
                connection.sendall(b"HELO client.test\r\n")
                replies.readline()
                for number in itertools.count():
                    if number == 5:
                        flowing.wait(PATIENCE)
                    body = b"Subject: %d-%d\r\n\r\n" % (index, number)
                    try:
                        for part in (
                            b"MAIL FROM:<>\r\n",
                            b"RCPT TO:<%s>\r\n" % boxes[index][0].encode(),
                            b"DATA\r\n",
                        ):
                            connection.sendall(part)
                            if not replies.readline().startswith((b"250", b"354")):
                                return
                        unanswered[index].append(body)
                        connection.sendall(body + b".\r\n")
                        reply = replies.readline()
                    except OSError:
                        return
                    if not reply.startswith(b"250"):
                        return
                    answered[index].append(unanswered[index].pop())

        threads = [threading.Thread(target=send, args=(index,)) for index in range(len(boxes))]
        for thread in threads:
            thread.start()
        flowing.wait(PATIENCE)
        assert running.terminate() == ENDED
        for thread in threads:
            thread.join(PATIENCE)
        assert not any(unanswered), "a complete mail was not answered"
        assert all(len(mails) >= 5 for mails in answered)
    with daemon(tmp_path) as again:
        for (address, token), mails in zip(boxes, answered, strict=True):
            _, mailbox = again.request("GET", f"/api/v1/mailboxes/{address}", token)
            assert mailbox["message_count"] == min(len(mails), 100)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--nonsense"], "--nonsense"),
        (["surplus"], "Wrong number of arguments"),
        (["--domain", "no domain"], "--domain: 'no domain' is not a domain name"),
        (["--max-message-bytes", "many"], "--max-message-bytes"),
        (["--tls-cert", "/nowhere.pem"], "--tls-cert and --tls-key go together"),
        (["--smtp", "nothing:like:it"], "is no endpoint"),
        (["--config", "/nowhere.toml"], "/nowhere.toml"),
        (["--environment", "prod"], "--environment prod needs a --domain"),
        (["--database", "postgresql://127.0.0.1:1/none"], "the database cannot be reached"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_mistake_ends_in_one_line_and_a_status(
    tmp_path: Path, options: list[str], complaint: str
) -> None:
    status, said = refused(tmp_path, *options)
    assert status in (1, 2)
    assert complaint in said
    assert said.count("\n") == 1
    assert said.startswith("tempmail: ")


def test_a_taken_port_is_named_and_leaves_no_server_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = refused(tmp_path, "--http", f"tcp:{port}:interface=127.0.0.1")
    assert status == 1
    assert said == f"tempmail: --http cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert not _processes_in(tmp_path)


def test_a_second_daemon_on_the_same_data_says_so(tmp_path: Path) -> None:
    with daemon(tmp_path):
        status, said = refused(tmp_path)
    assert status == 1
    assert str(tmp_path) in said
    assert said.count("\n") == 1


def test_options_come_from_the_command_line_then_variables_then_the_file(tmp_path: Path) -> None:
    config = tmp_path / "tempmail.toml"
    config.write_text('domain = ["file.test", "other.test"]\nhostname = "mx.file.test"\n')
    with daemon(tmp_path, "--config", str(config)) as it:
        assert it.create()[0].endswith("@file.test")
        assert it.create(domain="other.test")[0].endswith("@other.test")
    with (
        daemon(tmp_path, "--config", str(config), TEMPMAIL_DOMAIN="one.test two.test") as it,
        smtplib.SMTP("127.0.0.1", it.smtp, timeout=PATIENCE) as client,
    ):
        assert client.ehlo()[1].startswith(b"mx.file.test")
        assert it.create()[0].endswith("@one.test")
    with daemon(tmp_path, "--domain", "line.test", TEMPMAIL_DOMAIN="variable.test") as it:
        assert it.create()[0].endswith("@line.test")


def test_it_runs_on_a_database_of_the_operator_s(tmp_path: Path, cluster: EmbeddedCluster) -> None:
    with daemon(tmp_path, "--database", cluster.dsn) as it:
        address, token = it.create()
        it.send(address, mail=CODE)
        assert it.request("GET", f"/api/v1/mailboxes/{address}/messages/latest", token)[0] == 200
        assert not (tmp_path / "postgresql").exists()


@pytest.fixture
def their_own() -> Iterator[Path]:
    """A folder beside pytest's, which each run of pytest closes to everybody else anew."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_can_run_it(their_own: Path) -> None:
    home = their_own
    os.chown(home, 65534, 65534)
    process = launch(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command(home)],
        environment(HOME=str(home), PYTHONDONTWRITEBYTECODE="1"),
    )
    try:
        it = Daemon(process)
        address, _ = it.create()
        it.send(address)
        assert it.terminate() == ENDED
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_in_the_background_a_failed_start_is_told_in_the_foreground(tmp_path: Path) -> None:
    arguments = command(tmp_path, "--database", "postgresql://127.0.0.1:1/none")
    arguments[1:3] = [f"--pidfile={tmp_path}/pid", f"--logfile={tmp_path}/log"]
    ended = subprocess.run(
        arguments, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ended.returncode == 1
    assert "the database cannot be reached" in ended.stderr + ended.stdout
    end = time.monotonic() + PATIENCE
    while (tmp_path / "pid").exists():  # it goes when the daemon does, after it has said why
        assert time.monotonic() < end
        time.sleep(0.02)


def test_in_the_background_it_serves_until_sigterm(tmp_path: Path) -> None:
    arguments = command(tmp_path)
    arguments[1:3] = [f"--pidfile={tmp_path}/pid", f"--logfile={tmp_path}/log"]
    subprocess.run(arguments, env=environment(), timeout=PATIENCE, check=True)
    pid = int((tmp_path / "pid").read_text())
    os.kill(pid, signal.SIGTERM)
    with Path(f"/proc/{pid}/stat").open() as stat:  # held open: the number cannot be another's
        while (tmp_path / "pid").exists():
            stat.seek(0)
    assert "Main loop terminated" in (tmp_path / "log").read_text()


def _processes_in(folder: Path) -> list[str]:
    """Command lines of processes that name ``folder``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def test_an_embedded_postgresql_that_somebody_ended_is_started_again(tmp_path: Path) -> None:
    with daemon(tmp_path) as it:
        address, token = it.create()
        it.send(address)
        lock_file = tmp_path / "postgresql" / "postmaster.pid"
        os.kill(int(lock_file.read_text().split()[0]), signal.SIGKILL)
        sent = False
        while not sent:  # the bound is the test run's own
            try:
                it.send(address)
                sent = True
            except (smtplib.SMTPResponseException, smtplib.SMTPServerDisconnected):
                assert it.process.poll() is None, "the daemon ended"
        path = f"/api/v1/mailboxes/{address}/messages"
        while (answer := it.request("GET", path, token))[0] == 503:
            pass  # likewise: what is left of the ended server may have taken the mail
        status, listed = answer
        assert (status, [one["seq"] for one in listed["messages"]]) == (200, [2, 1])
