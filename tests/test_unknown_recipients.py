"""--unknown-recipients against the whole daemon."""

from __future__ import annotations

import smtplib
from pathlib import Path

from tests.daemon import PATIENCE, Daemon, daemon


def replies(it: Daemon, *addresses: str) -> list[int]:
    """The code of each RCPT."""
    with smtplib.SMTP("127.0.0.1", it.smtp, timeout=PATIENCE) as client:
        client.ehlo()
        client.mail("ann@sender.test")
        return [client.rcpt(address)[0] for address in addresses]


def test_rejected_ones_hear_of_it_at_once_and_new_ones_are_found_at_once(tmp_path: Path) -> None:
    with daemon(tmp_path, "--unknown-recipients", "reject") as it:
        assert replies(it, "late@tempmail.localhost", "nobody@tempmail.localhost") == [550, 550]
        address, token = it.create(username="late")
        assert replies(it, address, "nobody@tempmail.localhost") == [250, 550]
        it.send(address)
        _, mailbox = it.request("GET", f"/api/v1/mailboxes/{address}", token)
        assert mailbox["message_count"] == 1


def test_under_create_the_first_mail_makes_a_mailbox_that_nobody_can_claim(tmp_path: Path) -> None:
    with daemon(tmp_path, "--unknown-recipients", "create") as it:
        it.send("anything@tempmail.localhost")
        status, problem = it.request("POST", "/api/v1/mailboxes", body={"username": "anything"})
        assert (status, problem["code"]) == (409, "address_unavailable")


def test_a_full_mailbox_is_told_of_what_it_missed(tmp_path: Path) -> None:
    with daemon(tmp_path, "--max-message-bytes", "20971520") as it:
        address, token = it.create()
        it.send(
            address, mail=b"Subject: large\r\n\r\n" + b"x" * 900 + (b"\r\n" + b"x" * 900) * 12_000
        )
        log = f"/api/v1/mailboxes/{address}/deliveries"
        deliveries: list[dict[str, str]] = []
        while not deliveries:  # it is written within a second; the bound is the test run's own
            deliveries = it.request("GET", log, token)[1]["deliveries"]
        assert deliveries[0]["verdict"] == "too_large"
