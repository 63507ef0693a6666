"""The whole daemon with an IMAP account, and with a forwarder in front of its SMTP port."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tempmail.storage.connection import connect
from tempmail.storage.embedded import EmbeddedCluster
from tests.daemon import Daemon, daemon, refused
from tests.imap.dovecot import PASSWORD, Dovecot, dovecot

FORWARDED = "Delivered-To: {}\r\nSubject: {}\r\n\r\nhi\r\n"


def wait(it: Daemon, address: str, token: str, subject: str) -> None:
    """Until a mail of that subject is there."""
    path = f"/api/v1/mailboxes/{address}/messages/wait?timeout=50&subject={subject}"
    assert it.request("GET", path, token)[0] == 200


def subjects(it: Daemon, address: str, token: str) -> list[str]:
    status, page = it.request("GET", f"/api/v1/mailboxes/{address}/messages?after=0", token)
    assert status == 200, page
    return [message["subject"] for message in page["messages"]]


def end_leases(data_dir: Path) -> None:
    """As twenty seconds do, for which a daemon that is gone holds its accounts."""
    connection = connect(EmbeddedCluster(data_dir).dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute("UPDATE imap_cursors SET lease_until = '-infinity'")
    connection.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as it:
        yield it


def test_mail_of_an_account_comes_and_is_not_doubled_by_sigkill(
    server: Dovecot, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{PASSWORD}\n")
    url = f"imaps://joe@localhost:{server.tls_port}?password_file={secret}&ca_file={server.ca}"
    with daemon(tmp_path / "data", "--imap", url, "--metrics", "tcp:0:interface=127.0.0.1") as it:
        address, token = it.create()
        server.append(FORWARDED.format(address, "one").encode())
        wait(it, address, token, "one")
        it.kill()
        assert PASSWORD not in "".join(it.output)
    server.append(FORWARDED.format(address, "two").encode())
    with daemon(tmp_path / "data", "--imap", url) as it:
        end_leases(tmp_path / "data")
        wait(it, address, token, "two")
        assert subjects(it, address, token) == ["one", "two"]
        it.terminate()
    with daemon(tmp_path / "data", "--imap", url) as it:  # the lease was given back
        server.append(FORWARDED.format(address, "three").encode())
        wait(it, address, token, "three")
        assert subjects(it, address, token) == ["one", "two", "three"]


def test_a_forwarder_s_header_says_whom_mail_by_smtp_is_for(tmp_path: Path) -> None:
    inbox = "inbox@tempmail.localhost"
    trusted = f"{inbox}?peers=127.0.0.1&headers=delivered-to"
    options = ("--recipient-header", trusted, "--unknown-recipients", "reject")
    with daemon(tmp_path, *options) as it:
        address, token = it.create()
        it.send(inbox, mail=FORWARDED.format(address, "for it").encode())
        assert subjects(it, address, token) == ["for it"]
        with pytest.raises(smtplib.SMTPDataError, match=r"5\.1\.1"):
            it.send(inbox, mail=FORWARDED.format("nobody@tempmail.localhost", "x").encode())


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        ("--imap", "imaps://joe:hunter2@mail.test", "a password is never in the URL"),
        ("--imap", "imaps://joe@mail.test?password_file=/nowhere", "No such file"),
        ("--recipient-header", "inbox@tempmail.localhost", "needs peers="),
        ("--recipient-header", "inbox@other.test?peers=192.0.2.1", "under none of our domains"),
    ],
)
def test_a_wrong_value_ends_in_one_line(tmp_path: Path, option: str, value: str, why: str) -> None:
    status, said = refused(tmp_path, option, value)
    assert status == 2
    assert why in said
    assert len(said.splitlines()) == 1
    assert "hunter2" not in said
