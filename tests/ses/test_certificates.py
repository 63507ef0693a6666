"""Whose certificates are believed, and how often they are asked for."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.metrics import Metrics
from tempmail.model.errors import Unavailable
from tempmail.ses.certificates import FETCHES, MOST_BYTES, Certificates, check_url, signing_key
from tempmail.ses.errors import Forged
from tempmail.ses.notices import read
from tempmail.ses.signatures import check
from tempmail.ses.topics import topic
from tests.ses.amazon import ARN, CERTIFICATE_URL, HOST, NOW, Authority, Signer, notification

TOPIC = topic(ARN)
SIGNER = Signer("sns.amazonaws.com")
PATH = CERTIFICATE_URL.removeprefix(f"https://{HOST}")
NAME = PATH.removeprefix("/")


@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}{PATH}",
        f"HTTPS://{HOST}{PATH}",
        f"https://{HOST.upper()}{PATH}",
        f"https://{HOST}:443{PATH}",
        f"https://{HOST}:8443{PATH}",
        f"https://{HOST}.{PATH}",
        f"https://{HOST}@evil.test{PATH}",
        f"https://user@{HOST}{PATH}",
        f"https://user:password@{HOST}{PATH}",
        f"https://evil.test/{HOST}{PATH}",
        f"https://evil.test#{HOST}{PATH}",
        f"https://evil.test?{HOST}{PATH}",
        f"https://evil.test\\@{HOST}{PATH}",
        f"https://{HOST}\\@evil.test{PATH}",
        f"https://{HOST}\\.evil.test{PATH}",
        f"https://{HOST}.evil.test{PATH}",
        f"https://{HOST}evil.test{PATH}",
        f"https://evil{HOST}{PATH}",
        f"https://evil.{HOST}{PATH}",
        f"https://sns.evil.com{PATH}",
        f"https://sns.eu-west-1.amazonaws.com.evil.com{PATH}",
        f"https://sns.us-east-1.amazonaws.com{PATH}",
        f"https://sns.eu-west-1.amazonaws.com.cn{PATH}",
        f"https://sns.amazonaws.com{PATH}",
        f"https://eu-west-1.amazonaws.com{PATH}",
        f"https://sns.eu-west-1.s3.amazonaws.com{PATH}",
        f"https://sns.s3.eu-west-1.amazonaws.com{PATH}",
        f"https://s3.amazonaws.com/{HOST}{PATH}",
        f"https://sns-eu-west-1.s3.amazonaws.com{PATH}",
        f"https://sns.eu-west-1.amazonaws.com.s3.amazonaws.com{PATH}",
        f"https://sns.eu-west-1.execute-api.amazonaws.com{PATH}",
        f"https://sns.eu-west-1。amazonaws.com{PATH}",
        f"https://sns.eu-west-1.amazonaws.com\u2024{PATH}",
        f"https://\u0455ns.eu-west-1.amazonaws.com{PATH}",
        f"https://sns.eu-west-1.amazonaws.com%2eevil.test{PATH}",
        f"https://sns.eu-west-1.amazonaws.com%00.evil.test{PATH}",
        f"https://[::1]{PATH}",
        f"https://127.0.0.1{PATH}",
        f"https:/{HOST}{PATH}",
        f"https:{HOST}{PATH}",
        f"//{HOST}{PATH}",
        f"file:///{HOST}{PATH}",
        f" https://{HOST}{PATH}",
        f"https://{HOST}{PATH} ",
        f"https://{HOST}{PATH}\n",
        f"https://{HOST}\n{PATH}",
        f"https://{HOST}\t{PATH}",
        f"https://{HOST}{PATH}?a=b",
        f"https://{HOST}{PATH}?",
        f"https://{HOST}{PATH}#a",
        f"https://{HOST}{PATH};a",
        f"https://{HOST}{PATH}/",
        f"https://{HOST}{PATH}%00",
        f"https://{HOST}{PATH}.exe",
        f"https://{HOST}{PATH[:-4]}.PEM",
        f"https://{HOST}{PATH[:-4]}%2epem",
        f"https://{HOST}{PATH[:-4]}.pem.pem",
        f"https://{HOST}{PATH.upper()}",
        f"https://{HOST}/{PATH}",
        f"https://{HOST}/a/..{PATH}",
        f"https://{HOST}/./{NAME}",
        f"https://{HOST}/%2e%2e/{NAME}",
        f"https://{HOST}\\{NAME}",
        f"https://{HOST}/SimpleNotificationService-../../{'0a' * 16}.pem",
        f"https://{HOST}/SimpleNotificationService-.pem",
        f"https://{HOST}/SimpleNotificationService-{'0a' * 16}x.pem",
        f"https://{HOST}/SimpleNotificationService-{chr(0x660) * 32}.pem",
        f"https://{HOST}/SimpleNotificationService.pem",
        f"https://{HOST}/evil.pem",
        f"https://{HOST}/?Action=GetTopicAttributes{PATH}",
        f"https://{HOST}",
        "",
    ],
)
def test_only_the_exact_address_in_the_topics_region_is_asked(url: str) -> None:
    with pytest.raises(Forged):
        check_url(url, TOPIC)


def test_the_address_that_amazon_writes_is_asked() -> None:
    check_url(CERTIFICATE_URL, TOPIC)
    china = topic("arn:aws-cn:sns:cn-north-1:123456789012:mail")
    check_url(f"https://sns.cn-north-1.amazonaws.com.cn{PATH}", china)


def key_of(pem: bytes, days: float = 0) -> object:
    return signing_key(pem, TOPIC, (NOW + timedelta(days=days)).timestamp())[0]


def test_a_certificate_of_sns_gives_its_key() -> None:
    assert key_of(SIGNER.pem) == SIGNER.key.public_key()
    assert key_of(Signer("sns-signing.eu-west-1.amazonaws.com", "sns.eu-west-1.amazonaws.com").pem)
    assert key_of(Signer().pem), "its common name counts where there is no other"


@pytest.mark.parametrize(
    "signer",
    [
        Signer("evil.amazonaws.com"),
        Signer("s3.amazonaws.com", "evil.test"),
        Signer("*.amazonaws.com"),
        Signer("sns.us-east-1.amazonaws.com"),
        Signer("sns.amazonaws.com.evil.test"),
        Signer(common_name="evil.test"),
        Signer("evil.test", common_name="sns.amazonaws.com"),
        Signer("sns.amazonaws.com", key=rsa.generate_private_key(65537, 1024)),
        Signer("sns.amazonaws.com", key=ec.generate_private_key(ec.SECP256R1())),
    ],
    ids=range(9),
)
def test_a_certificate_of_somebody_else_or_with_a_weak_key_is_refused(signer: Signer) -> None:
    with pytest.raises(Forged):
        key_of(signer.pem)


def test_a_certificate_counts_from_its_first_to_its_last_day() -> None:
    signer = Signer("sns.amazonaws.com", begins=NOW, ends=NOW + timedelta(days=2))
    assert key_of(signer.pem, 0)
    assert key_of(signer.pem, 2)
    for days in (-0.01, 2.01):
        with pytest.raises(Forged, match="of today"):
            key_of(signer.pem, days)


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"<html>",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"\x30\x82",
    ],
)
def test_what_is_no_certificate_is_refused(pem: bytes) -> None:
    with pytest.raises(Forged):
        key_of(pem)


def test_a_chain_in_the_file_must_lead_to_whom_the_machine_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trust(authority: Authority) -> None:
        file = tmp_path / "trusted.pem"
        file.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
        monkeypatch.setenv("SSL_CERT_FILE", str(file))

    root, other = Authority("root"), Authority("root")
    between = Authority("between", root)
    signer = Signer("sns.amazonaws.com", authority=between)
    chain = signer.pem + between.certificate.public_bytes(Encoding.PEM)
    trust(root)
    assert key_of(chain) == signer.key.public_key()
    stranger = Authority("between", other).certificate.public_bytes(Encoding.PEM)
    with pytest.raises(Forged, match="chain"):
        key_of(signer.pem + stranger)
    trust(other)
    with pytest.raises(Forged, match="chain"):
        key_of(chain)


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_signature_counts_for_the_very_text_and_version(version: str) -> None:
    signed = SIGNER.signed(notification("a text", Subject="S"), version)
    key = SIGNER.key.public_key()
    check(read(json.dumps(signed).encode()), key)
    for name, value in {
        "Message": "another text",
        "MessageId": "d39649d4-bf5b-5b80-af75-07acb3dd9b4a",
        "Subject": "T",
        "Timestamp": "2026-06-15T12:00:01.000Z",
        "TopicArn": ARN + "x",
        "SignatureVersion": "21"[int(version) - 1],
        "Signature": "AAAA",
    }.items():
        changed = read(json.dumps({**signed, name: value}).encode())
        with pytest.raises(Forged):
            check(changed, key)
    without = {name: value for name, value in signed.items() if name != "Subject"}
    with pytest.raises(Forged):
        check(read(json.dumps(without).encode()), key)
    with pytest.raises(Forged):
        check(read(json.dumps(signed).encode()), Signer().key.public_key())


class Server:
    """Answers with what it is told to; when ``hold`` fires, where that is set."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.answer: tuple[int, bytes] | Exception = (200, SIGNER.pem)
        self.hold: Deferred[None] | None = None

    async def get(self, url: str, most: int) -> tuple[int, bytes]:
        self.asked.append((url, most))
        await (self.hold or succeed(None))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class FetchingTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.server = Clock(), Server()
        self.clock.advance(NOW.timestamp())
        self.metrics = Metrics()
        self.certificates = Certificates(self.server, self.metrics, self.clock)

    def key(self, number: int = 0, peer_ip: str = "192.0.2.1") -> Deferred[object]:
        url = f"https://{HOST}/SimpleNotificationService-{number:032x}.pem"
        wanted = self.certificates.key(url, TOPIC, peer_ip)
        return Deferred.fromCoroutine(wanted)

    def counted(self, outcome: str) -> float:
        labels = {"outcome": outcome}
        name = "tempmail_sns_certificates_total"
        return self.metrics.registry.get_sample_value(name, labels) or 0

    def test_a_certificate_is_asked_for_once_a_day(self) -> None:
        for _ in range(3):
            self.assertEqual(self.successResultOf(self.key()), SIGNER.key.public_key())
        self.assertEqual([most for _, most in self.server.asked], [MOST_BYTES])
        self.clock.advance(24 * 3600 + 1)
        self.successResultOf(self.key())
        self.assertEqual(len(self.server.asked), 2)

    def test_one_that_ends_is_not_used_from_memory(self) -> None:
        short = Signer("sns.amazonaws.com", ends=NOW + timedelta(hours=1))
        self.server.answer = (200, short.pem)
        self.successResultOf(self.key())
        self.clock.advance(3601)
        self.failureResultOf(self.key(), Forged)

    def test_those_who_come_meanwhile_wait_for_the_same_answer(self) -> None:
        self.server.hold = Deferred()
        waiting = [self.key() for _ in range(50)]
        self.server.hold.callback(None)
        for one in waiting:
            self.assertEqual(self.successResultOf(one), SIGNER.key.public_key())
        self.assertEqual(len(self.server.asked), 1)

    def test_they_share_trouble_too(self) -> None:
        self.server.hold, self.server.answer = Deferred(), Unavailable("away")
        waiting = [self.key() for _ in range(3)]
        self.server.hold.callback(None)
        for one in waiting:
            self.failureResultOf(one, Unavailable)
        self.assertEqual(self.counted("failed"), 1)

    def test_trouble_is_remembered_for_a_moment(self) -> None:
        for answer in (Unavailable("away"), (503, b""), (429, b"")):
            self.server.answer = answer
            asked = len(self.server.asked)
            self.failureResultOf(self.key(), Unavailable)
            self.failureResultOf(self.key(), Unavailable)
            self.assertEqual(len(self.server.asked), asked + 1)
            self.clock.advance(2)
        self.server.answer = (200, SIGNER.pem)
        self.successResultOf(self.key())

    def test_what_is_not_there_is_not_asked_for_again_for_a_minute(self) -> None:
        for number, answer in enumerate([(404, b""), (301, b""), (200, b"<html>")]):
            self.server.answer = answer
            self.failureResultOf(self.key(number), Forged)
            self.clock.advance(59)
            self.failureResultOf(self.key(number), Forged)
            self.assertEqual(len(self.server.asked), number + 1)
        self.server.answer = (200, SIGNER.pem)
        self.clock.advance(1)
        self.successResultOf(self.key(2))

    def test_nobody_makes_us_ask_for_ever_new_ones(self) -> None:
        self.server.answer = (404, b"")
        for number in range(int(FETCHES.burst)):
            self.failureResultOf(self.key(number), Forged)
        self.failureResultOf(self.key(100), Unavailable)
        self.assertEqual(len(self.server.asked), FETCHES.burst)
        self.assertEqual(self.counted("denied"), 1)
        self.server.answer = (200, SIGNER.pem)
        self.successResultOf(self.key(100, "198.51.100.1"))
        self.clock.advance(1 / FETCHES.per_second)
        self.successResultOf(self.key(101))

    def test_one_that_was_good_is_renewed_whoever_floods(self) -> None:
        self.successResultOf(self.key())
        self.clock.advance(24 * 3600 + 1)
        self.server.answer = (404, b"")
        for number in range(1, int(FETCHES.burst) + 1):
            self.failureResultOf(self.key(number), Forged)
        self.server.answer = (200, SIGNER.pem)
        self.successResultOf(self.key())

    def test_few_are_asked_for_at_once(self) -> None:
        self.server.hold = Deferred()
        waiting = [self.key(number, f"192.0.2.{number}") for number in range(8)]
        self.failureResultOf(self.key(8, "198.51.100.1"), Unavailable)
        self.server.hold.callback(None)
        for one in waiting:
            self.successResultOf(one)

    def test_memory_is_bounded(self) -> None:
        for number in range(100):
            self.successResultOf(self.key(number, f"10.{number}.0.1"))
        self.server.answer = (404, b"")
        for number in range(100, 200):
            self.failureResultOf(self.key(number, f"10.{number}.0.1"), Forged)
        self.assertEqual((len(self.certificates._good), len(self.certificates._bad)), (32, 32))
