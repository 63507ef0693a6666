"""Mail of Amazon SES, posted to real daemons."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from tempmail.storage.connection import connect
from tests.daemon import PATIENCE, Daemon, daemon, refused
from tests.ses.amazon import ARN, MAIL, Signer, notification, received
from tests.ses.s3 import fake_s3
from tests.test_blocks import within

PATH = "/api/v1/ses/inbound"
TOPIC = ("--sns-topic", ARN)
INSECURE = (*TOPIC, "--sns-insecure", "on")
SIGNER = Signer("sns.amazonaws.com")


def call(message: Any) -> bytes:
    """What SNS posts now."""
    return json.dumps(SIGNER.signed(notification(message, datetime.now(UTC)))).encode()


def post(running: Daemon, body: bytes) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{running.http}{PATH}",
        body,
        {"Content-Type": "text/plain; charset=UTF-8", "X-Amz-Sns-Topic-Arn": ARN},
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_fifty_copies_at_once_at_two_daemons_are_one_mail(tmp_path: Path, dsn: str) -> None:
    options = ("--database", dsn, *INSECURE)
    with daemon(tmp_path / "one", *options) as one, daemon(tmp_path / "two", *options) as two:
        address, token = one.create()
        body = call(received(address))
        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(lambda number: post((one, two)[number % 2], body), range(50)))
        outcomes = [said.get("outcome", status) for status, said in answers]
        assert outcomes.count("stored") == 1
        assert set(outcomes) <= {"stored", "duplicate", 503}
        assert [post(each, body) for each in (one, two)] == [(200, {"outcome": "duplicate"})] * 2
        status, listed = two.request("GET", f"/api/v1/mailboxes/{address}/messages", token)
        assert (status, len(listed["messages"])) == (200, 1)


def test_its_reader_sees_whom_it_was_from_and_what_ses_said(tmp_path: Path) -> None:
    with daemon(tmp_path, *INSECURE, "--dns", "off") as it:
        address, token = it.create()
        assert post(it, call(received(address, spam="FAIL"))) == (200, {"outcome": "stored"})
        path = f"/api/v1/mailboxes/{address}/messages/latest"
        status, message = it.request("GET", path, token)
        assert status == 200
        assert message["subject"] == "Hello"
        assert message["envelope"] == {
            "mail_from": "ann@sender.test",
            "rcpt_to": address,
            "helo": "mail.sender.test",
            "peer_ip": "192.0.2.7",
            "tls": None,
        }
        found = message["authentication"]
        assert (found["spf"]["result"], found["dmarc"]["result"]) == ("pass", "none")
        assert found["spam"] == {"result": "fail", "reason": "Amazon SES says that it fails"}
        assert it.request("GET", path.replace("latest", message["id"]) + "/raw", token)[1] == (
            MAIL.encode()
        )

        assert post(it, call(received(address, virus="FAIL"))) == (200, {"outcome": "infected"})

        def told() -> bool:
            _, log = it.request("GET", f"/api/v1/mailboxes/{address}/deliveries", token)
            return any("virus" in json.dumps(entry) for entry in log["deliveries"])

        assert within(PATIENCE, told)


def test_a_mail_in_s3_is_fetched(tmp_path: Path) -> None:
    action = {"type": "S3", "topicArn": ARN, "bucketName": "mails", "objectKey": "inbound/abc"}
    with fake_s3() as s3, daemon(tmp_path, *INSECURE, **s3.environment) as it:
        address, token = it.create()
        body = call(received(address, content=None, action=action))
        assert post(it, body)[0] == 503, "it is not there yet"
        mail = b"Subject: large\r\n\r\n" + b"x" * 3_000_000
        s3.objects["/mails/inbound/abc"] = mail
        assert post(it, body) == (200, {"outcome": "stored"})
        path = f"/api/v1/mailboxes/{address}/messages/latest/raw"
        assert it.request("GET", path, token) == (200, mail)


@contextmanager
def database_away(cluster_dsn: str, dsn: str) -> Iterator[None]:
    name = dsn.split("dbname=")[1].split()[0].strip("'")

    def run(sql: str) -> None:
        connection = connect(cluster_dsn)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
        connection.close()

    run(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
    run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    try:
        yield
    finally:
        run(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")


def test_while_the_database_is_away_it_is_to_come_again(
    tmp_path: Path, dsn: str, cluster: Any
) -> None:
    with daemon(tmp_path, "--database", dsn, *INSECURE) as it:
        address, token = it.create()
        body = call(received(address))
        with database_away(cluster.dsn, dsn):
            status, problem = post(it, body)
            assert (status, problem["code"]) == (503, "unavailable")
        assert post(it, body) == (200, {"outcome": "stored"})
        _, listed = it.request("GET", f"/api/v1/mailboxes/{address}/messages", token)
        assert len(listed["messages"]) == 1


def test_without_a_signature_of_amazons_it_is_refused(tmp_path: Path) -> None:
    with daemon(tmp_path, *TOPIC) as it:
        address, _ = it.create()
        fields = notification(received(address), datetime.now(UTC))
        for elsewhere in ("https://evil.test/", "http://sns.eu-west-1.amazonaws.com/"):
            url = f"{elsewhere}SimpleNotificationService-{'0a' * 16}.pem"
            body = json.dumps(SIGNER.signed({**fields, "SigningCertURL": url})).encode()
            status, problem = post(it, body)
            assert (status, problem["code"]) == (403, "forged")
        other = call(received(address)).replace(b"123456789012", b"210987654321")
        assert post(it, other)[1]["code"] == "unknown_topic"
        assert post(it, b"{")[0] == 400


def test_the_api_is_described_with_it(tmp_path: Path) -> None:
    with daemon(tmp_path, *TOPIC) as it:
        status, document = it.request("GET", "/openapi.json")
        assert status == 200
        validate(document)
        assert document["paths"][PATH]["post"]["operationId"] == "take_sns_call"


def test_without_a_topic_there_is_no_such_route(tmp_path: Path) -> None:
    with daemon(tmp_path) as it:
        status, problem = post(it, call("hi"))
        assert (status, problem["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--sns-topic", "mail"), "is no topic"),
        (("--sns-topic", ARN.replace("aws", "aws-cn", 1)), "is no region of aws-cn"),
        (
            ("--environment", "prod", "--domain", "example.test", *INSECURE),
            "--sns-insecure is not for --environment prod",
        ),
    ],
)
def test_a_wrong_value_ends_in_one_line(tmp_path: Path, options: Any, why: str) -> None:
    status, said = refused(tmp_path, *options)
    assert status == 2
    assert why in said
    assert len(said.splitlines()) == 1
