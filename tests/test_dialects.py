"""Scripts written for two other services, against the whole daemon."""

from __future__ import annotations

from pathlib import Path

from tests.daemon import Daemon, daemon


def poll(it: Daemon, address: str) -> list[str]:
    """The subjects of its messages."""
    status, inbox = it.request("GET", f"/api/inbox/poll?address={address}&nothing=1")
    assert status == 200, inbox
    return [message["subject"] for message in inbox["messages"]]


def test_a_fake_email_script_claims_a_name_and_polls_it(tmp_path: Path) -> None:
    with daemon(tmp_path) as it:
        asked = {"username": "Shopper", "anything": [1]}
        for _ in range(2):  # whoever asks again gets the same
            status, claimed = it.request("POST", "/api/temporary-address", body=asked)
            assert (status, claimed) == (200, {"temp_email_addr": "shopper@tempmail.localhost"})
        address = claimed["temp_email_addr"]
        assert poll(it, address) == []
        it.send(address, mail=b"Subject: first\r\n\r\nHi\r\n")
        it.send(address, mail=b"Subject: second\r\n\r\nHello\r\n")
        assert poll(it, address) == ["second", "first"]
        newest = it.request("GET", f"/api/inbox/poll?address={address}")[1]["messages"][0]
        assert sorted(newest) == [
            *("attachments", "body_html", "body_text", "id"),
            *("received_at", "sender", "subject"),
        ]
        assert newest["body_text"].strip() == "Hello"


def test_a_name_that_nobody_wished_for_is_random(tmp_path: Path) -> None:
    with daemon(tmp_path) as it:
        some = {
            it.request("POST", "/api/temporary-address", body=body)[1]["temp_email_addr"]
            for body in (None, {}, {"username": None}, {"username": ""})
        }
        assert len(some) == 4


def test_private_mailboxes_are_neither_claimed_nor_polled(tmp_path: Path) -> None:
    with daemon(tmp_path) as it:
        address, token = it.create(username="mine")
        it.send(address)
        status, problem = it.request("POST", "/api/temporary-address", body={"username": "mine"})
        assert (status, problem["code"]) == (409, "address_unavailable")
        assert poll(it, address) == []
        assert it.request("GET", "/inbox/mine")[0] == 404
        it.request("DELETE", f"/api/v1/mailboxes/{address}", token)
        assert it.request("POST", "/api/temporary-address", body={"username": "mine"})[0] == 409


def test_names_that_no_mailbox_can_have_are_refused(tmp_path: Path) -> None:
    with daemon(tmp_path) as it:
        for name in ("a b", "a" * 65, "ann\x00", 7):
            status, problem = it.request("POST", "/api/temporary-address", body={"username": name})
            assert (status, problem["code"]) == (422, "invalid"), name
        assert it.request("POST", "/api/temporary-address", body={"username": "abuse"})[0] == 409
        assert it.request("GET", "/api/inbox/poll")[0] == 422


def test_a_temporary_email_server_script_generates_an_inbox_and_reads_it(tmp_path: Path) -> None:
    with daemon(tmp_path) as it:
        for method in ("GET", "POST"):
            status, made = it.request(method, "/generate")
            assert status == 200
            assert made["address"] == f"{made['id']}@tempmail.localhost"
            assert len(bytes.fromhex(made["id"])) == 4
        assert it.request("GET", f"/inbox/{made['id']}")[1] == {"messages": []}
        it.send(made["address"])
        status, inbox = it.request("GET", f"/inbox/{made['id']}")
        assert [message["subject"] for message in inbox["messages"]] == ["Hello"]
        for unknown in ("ffffffff", "a%20b", "%00"):
            assert it.request("GET", f"/inbox/{unknown}")[0] in (400, 404)


def test_closed_they_are_not_there_and_mail_makes_no_mailbox(tmp_path: Path) -> None:
    options = ("--public-inboxes", "off", "--unknown-recipients", "create")
    with daemon(tmp_path, *options) as it:
        for method, path in (
            ("POST", "/api/temporary-address"),
            ("GET", "/api/inbox/poll?address=a@tempmail.localhost"),
            ("GET", "/generate"),
            ("POST", "/generate"),
            ("GET", "/inbox/00000000"),
        ):
            assert it.request(method, path)[0] == 404
        it.send("anything@tempmail.localhost")
        assert it.create(username="anything")
