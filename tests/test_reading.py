"""Reading through the whole daemon: codes, links, attachments, the delivery log."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from tests.daemon import PATIENCE, Daemon, daemon


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon(tmp_path_factory.mktemp("reading")) as it:
        yield it


def a_mail() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Shop <shop@sender.test>"
    mail["Subject"] = "Confirm your address"
    mail.set_content("Your verification code is 815471.\n")
    mail.add_alternative(
        "<p>Your verification code is <b>815471</b>.</p>"
        '<p><a href="https://shop.test/confirm?token=a1b2c3d4e5f6">Confirm your address</a></p>',
        subtype="html",
    )
    mail.add_attachment(b"%PDF-1.4 ...", maintype="application", subtype="pdf",
                        filename="Rechnung für ../Ann\u202efdp.pdf")  # fmt: skip
    mail.add_attachment(b"MZ\x90\0...", maintype="application", subtype="pdf",
                        filename="holiday.pdf.exe")  # fmt: skip
    return mail


def fetch(it: Daemon, path: str, token: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", it.http, timeout=PATIENCE)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    return response, response.read()


def test_a_list_shows_the_code_without_a_second_request(running: Daemon) -> None:
    address, token = running.create()
    running.send(address, mail=bytes(a_mail()))
    _, listed = running.request("GET", f"/api/v1/mailboxes/{address}/messages", token)
    (summary,) = listed["messages"]
    assert [code["value"] for code in summary["codes"]] == ["815471"]
    assert summary["attachment_count"] == 2
    _, message = running.request("GET", f"/api/v1/mailboxes/{address}/messages/latest", token)
    (link,) = message["links"]
    assert (link["kind"], link["href"]) == (
        "confirm",
        "https://shop.test/confirm?token=a1b2c3d4e5f6",
    )


def test_an_attachment_is_kept_as_a_file_with_a_safe_name(running: Daemon) -> None:
    address, token = running.create()
    running.send(address, mail=bytes(a_mail()))
    attachments = f"/api/v1/mailboxes/{address}/messages/latest/attachments"
    response, content = fetch(running, f"{attachments}/0", token)
    assert (response.status, content) == (200, b"%PDF-1.4 ...")
    disposition = response.headers["Content-Disposition"]
    assert disposition.startswith("attachment; ")
    assert "/" not in disposition
    assert "\u202e" not in disposition
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert running.request("GET", f"{attachments}/2", token)[0] == 404


def test_a_program_is_shown_but_not_handed_out(running: Daemon) -> None:
    address, token = running.create()
    running.send(address, mail=bytes(a_mail()))
    messages = f"/api/v1/mailboxes/{address}/messages"
    _, message = running.request("GET", f"{messages}/latest", token)
    assert [one["blocked"] for one in message["attachments"]] == [False, True]
    status, problem = running.request("GET", f"{messages}/latest/attachments/1", token)
    assert (status, problem["code"]) == (403, "attachment_blocked")
    assert b"holiday.pdf.exe" in fetch(running, f"{messages}/latest/raw", token)[1]


def test_the_log_says_what_came_and_what_became_of_it(running: Daemon) -> None:
    address, token = running.create()
    running.send(address)
    _, log = running.request("GET", f"/api/v1/mailboxes/{address}/deliveries", token)
    (entry,) = log["deliveries"]
    assert (entry["verdict"], entry["mail_from"], entry["peer_ip"]) == (
        "stored",
        "ann@sender.test",
        "127.0.0.1",
    )


def test_an_address_opens_its_mailbox_however_it_is_written(running: Daemon) -> None:
    address, token = running.create(username="any.way")
    running.send("Any.Way+shop@TEMPMAIL.localhost")
    for written in (address, address.upper(), "any.way+else@tempmail.localhost"):
        path = f"/api/v1/mailboxes/{written}/messages"
        assert [one["tag"] for one in running.request("GET", path, token)[1]["messages"]] == [
            "shop"
        ]
        assert running.request("GET", f"{path}/latest/raw", token)[0] == 200
