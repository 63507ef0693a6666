"""From a signed call to a row in a real database."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.internet.task import Clock

from tempmail.core.budget import ByteBudget
from tempmail.model.authentication import Authentication
from tempmail.model.errors import InvalidInput, Unavailable
from tempmail.model.message import Envelope, Placement
from tempmail.ses.certificates import Certificates
from tempmail.ses.confirming import Confirmations
from tempmail.ses.errors import Forged
from tempmail.ses.inbound import Desk, Inbound, Outcome
from tempmail.ses.objects import TooLarge
from tempmail.ses.receipts import Stored
from tempmail.ses.topics import topic
from tests.ses.amazon import ARN, MAIL, NOW, TOKEN, Signer, notification, received, wish
from tests.storage.case import DOMAINS, StorageCase, make_mailbox

SIGNER = Signer("sns.amazonaws.com")
MOST = 64 * 1024
PEER = "198.51.100.1"
S3 = {"type": "S3", "bucketName": "mails", "objectKey": "in/abc"}


class Server:
    """SNS: has the certificate, and confirms."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def get(self, url: str, most: int) -> tuple[int, bytes]:
        self.asked.append(url)
        return 200, SIGNER.pem


class Door:
    """The one door, without bus and log."""

    def __init__(self, ingest: Any) -> None:
        self._ingest = ingest
        self.seen: list[Envelope] = []
        self.held: list[int] = []
        self.turned: list[tuple[Envelope, str, bool]] = []
        self.budget: ByteBudget
        self.trouble: Exception | None = None

    async def _deliver(self, envelope: Envelope) -> list[Placement]:
        self.seen.append(envelope)
        self.held.append(self.budget.held)
        if self.trouble is not None:
            raise self.trouble
        placements: list[Placement] = await self._ingest.store(envelope)
        return placements

    def deliver(self, envelope: Envelope) -> Deferred[list[Placement]]:
        return Deferred.fromCoroutine(self._deliver(envelope))

    def turned_away(self, envelope: Envelope, reason: str, *, refused: bool) -> None:
        self.turned.append((envelope, reason, refused))


class Objects:
    """S3, in memory."""

    def __init__(self, budget: ByteBudget) -> None:
        self.content = MAIL.encode()
        self.asked: list[tuple[str, Stored, int]] = []
        self._budget = budget

    async def fetch(self, region: str, where: Stored, most: int) -> bytes:
        self.asked.append((region, where, most))
        if len(self.content) > most:
            raise TooLarge(len(self.content))
        assert self._budget.take(len(self.content))
        return await succeed(self.content)


class InboundTest(StorageCase):
    def setUp(self) -> None:
        super().setUp()
        make_mailbox(self.connection, "box")
        make_mailbox(self.connection, "two")
        self.clock, self.server = Clock(), Server()
        self.clock.advance(NOW.timestamp())
        self.budget = ByteBudget(1024 * 1024, self.metrics.bytes_in_flight)
        self.door, self.objects = Door(self.make_ingest()), Objects(self.budget)
        self.door.budget = self.budget
        self.inbound = self.make_inbound(Certificates(self.server, self.metrics, self.clock))

    def make_inbound(self, certificates: Certificates | None) -> Inbound:
        return Inbound(
            Desk(
                {ARN: topic(ARN)},
                certificates,
                Confirmations(self.server, self.clock),
                self.objects,  # type: ignore[arg-type]  # a double
                self.door,
                DOMAINS,
                self.budget,
                MOST,
                self.metrics,
                self.clock,
            )
        )

    def take(self, fields: Any, version: str = "2", **changed: Any) -> Deferred[Outcome]:
        """Post ``fields``, signed and then ``changed``."""
        body = json.dumps({**SIGNER.signed(fields, version), **changed}).encode()
        return Deferred.fromCoroutine(self.inbound.take(body, PEER))

    def counted(self, outcome: str) -> int:
        return int(self.metrics.sns_calls.labels(outcome)._value.get())

    def stored(self) -> list[Any]:
        return self.query("SELECT subject, rcpt_to FROM messages ORDER BY mailbox_id, seq")

    async def test_a_mail_is_stored_byte_for_byte_with_its_envelope(self) -> None:
        for version in "12":
            fields = notification(received("box@example.test"))
            assert await self.take(fields, version) == Outcome.STORED
        rows = self.query("SELECT raw, mail_from, rcpt_to, helo, peer_ip, tls FROM messages")
        trace = ("ann@sender.test", "box@example.test", "mail.sender.test", "192.0.2.7", None)
        assert [(bytes(raw), *rest) for raw, *rest in rows] == [(MAIL.encode(), *trace)] * 2
        assert (self.budget.held, self.door.held) == (0, [len(MAIL)] * 2)
        assert self.counted("stored") == 2

    async def test_the_verdicts_of_ses_are_kept_beside_it(self) -> None:
        await self.take(notification(received("box@example.test", spam="FAIL")))
        [(found,)] = self.query("SELECT authentication FROM messages")
        assert found["spam"] == {"result": "fail", "reason": "Amazon SES says that it fails"}
        assert found["spf"]["result"] == "pass"
        assert "Amazon SES" in found["dkim"]["reason"]
        assert found["arc"] is None

    async def test_every_recipient_of_ours_gets_it_once(self) -> None:
        to = ("box@example.test", "BOX@example.test", "two@Example.TEST", "x@other.test", "no at")
        assert await self.take(notification(received(*to))) == Outcome.STORED
        assert self.stored() == [("Hello", "box@example.test"), ("Hello", "two@Example.TEST")]
        assert self.metrics.sns_recipients_not_ours._value.get() == 2

    async def test_one_that_comes_again_is_known(self) -> None:
        fields = notification(received("box@example.test"))
        assert await self.take(fields) == Outcome.STORED
        assert await self.take(fields) == Outcome.DUPLICATE
        self.clock.advance(3 * 24 * 3600)
        assert await self.take(fields) == Outcome.DUPLICATE
        assert len(self.stored()) == 1

    async def test_many_copies_at_once_are_one(self) -> None:
        fields = notification(received("box@example.test"))
        outcomes = await gatherResults([self.take(fields) for _ in range(50)])
        assert sorted(outcomes) == [Outcome.DUPLICATE] * 49 + [Outcome.STORED]
        assert len(self.stored()) == 1

    async def test_it_is_known_even_where_nobody_got_it(self) -> None:
        fields = notification(received("nobody@example.test"))
        assert await self.take(fields) == Outcome.NO_MAILBOX
        make_mailbox(self.connection, "nobody")
        assert await self.take(fields) == Outcome.DUPLICATE
        [(days,)] = self.query(
            "SELECT round(extract(epoch FROM forget_at - clock_timestamp()) / 86400)"
            " FROM deliveries_once WHERE source = 'sns'"
        )
        assert days == 4

    async def test_a_mail_in_s3_is_fetched_from_the_topics_region(self) -> None:
        message = received("box@example.test", content=None, action=S3)
        assert await self.take(notification(message)) == Outcome.STORED
        assert self.objects.asked == [("eu-west-1", Stored("mails", "in/abc"), MOST)]
        assert self.stored() == [("Hello", "box@example.test")]
        assert (self.budget.held, self.door.held) == (0, [len(MAIL)])

    async def test_mail_that_is_too_large_is_dropped_and_its_owner_told(self) -> None:
        self.objects.content = b"x" * (MOST + 1)
        in_s3 = received("box@example.test", content=None, action=S3)
        inline = received("box@example.test", content="a: b\r\n\r\n" + "x" * MOST)
        for message in (in_s3, inline):
            assert await self.take(notification(message)) == Outcome.OVERSIZED
        for envelope, reason, refused in self.door.turned:
            assert (envelope.size > MOST, reason, refused) == (
                True,
                "it is larger than we take",
                True,
            )
        assert (len(self.door.turned), self.budget.held, self.stored()) == (2, 0, [])

    async def test_mail_with_a_virus_is_dropped_and_never_fetched(self) -> None:
        message = received("box@example.test", content=None, action=S3, virus="FAIL")
        assert await self.take(notification(message)) == Outcome.INFECTED
        [(envelope, reason, refused)] = self.door.turned
        assert (envelope.recipients[0].address, refused) == ("box@example.test", True)
        assert "virus" in reason
        assert (self.objects.asked, self.stored(), self.counted("infected")) == ([], [], 1)

    async def test_mail_for_others_alone_is_dropped(self) -> None:
        outcome = await self.take(notification(received("x@other.test")))
        assert (outcome, self.door.seen) == (Outcome.NOT_OURS, [])

    async def test_other_words_on_the_topic_are_dropped(self) -> None:
        assert await self.take(notification("Successfully validated")) == Outcome.NOT_MAIL

    async def test_without_room_it_is_to_come_again(self) -> None:
        self.budget.take(self.budget.limit)
        with pytest.raises(Unavailable):
            await self.take(notification(received("box@example.test")))
        assert (self.budget.held, self.counted("unavailable")) == (self.budget.limit, 1)

    async def test_where_storage_fails_it_is_to_come_again_and_then_is_stored(self) -> None:
        fields = notification(received("box@example.test"))
        self.door.trouble = Unavailable("away")
        with pytest.raises(Unavailable):
            await self.take(fields)
        assert self.budget.held == 0
        self.door.trouble = None
        assert await self.take(fields) == Outcome.STORED

    async def test_a_wish_to_subscribe_is_confirmed_by_our_own_call(self) -> None:
        assert await self.take(wish()) == Outcome.CONFIRMED
        [_, call] = self.server.asked
        assert call.startswith("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&")
        assert f"Token={TOKEN}" in call

    async def test_the_end_of_a_subscription_is_noted(self) -> None:
        assert await self.take(wish("UnsubscribeConfirmation")) == Outcome.UNSUBSCRIBED
        assert len(self.server.asked) == 1, "nothing but the certificate"

    async def test_what_was_changed_is_not_believed(self) -> None:
        mail = received("two@example.test")
        for changed in (
            {"Message": json.dumps(mail)},
            {"MessageId": "d39649d4-bf5b-5b80-af75-07acb3dd9b4a"},
            {"Subject": "another"},
            {"Timestamp": "2026-06-15T12:00:01.000Z"},
            {"SignatureVersion": "1"},
            {"Signature": ""},
            {"SigningCertURL": "https://evil.test/SimpleNotificationService-00.pem"},
        ):
            with pytest.raises(Forged):
                await self.take(notification(received("box@example.test")), **changed)
        with pytest.raises(Forged):
            await self.take(wish(), Token="abc")
        with pytest.raises(Forged):
            await self.take(wish(), Type="UnsubscribeConfirmation")
        assert (self.door.seen, self.counted("forged")) == ([], 9)
        assert len(self.server.asked) == 1

    async def test_another_topic_is_refused_before_anything_is_fetched(self) -> None:
        for arn in (
            ARN.replace("123456789012", "210987654321"),
            ARN.replace("eu-west-1", "us-east-1"),
            ARN + "2",
            ARN.upper(),
            ARN + " ",
            "",
        ):
            with pytest.raises(Forged) as caught:
                await self.take(notification(received("box@example.test"), TopicArn=arn))
            assert caught.value.code == "unknown_topic"
        assert (self.server.asked, self.counted("unknown_topic")) == ([], 6)

    async def test_three_days_back_and_a_quarter_of_an_hour_ahead_are_taken(self) -> None:
        mail = received("box@example.test")
        edge, minute = timedelta(seconds=0.1), timedelta(minutes=15)
        for when in (NOW - timedelta(days=3), NOW + minute):
            assert await self.take(notification(mail, when)) == Outcome.STORED
        for when in (NOW - timedelta(days=3) - edge, NOW + minute + edge):
            with pytest.raises(Forged) as caught:
                await self.take(notification(mail, when))
            assert caught.value.code == "stale"

    async def test_what_makes_no_sense_is_refused(self) -> None:
        for body in (b"", b"{}", b"[" * 1_000_000):
            with pytest.raises(InvalidInput):
                await self.inbound.take(body, PEER)
        with pytest.raises(InvalidInput):
            await self.take(notification(received()))
        assert self.counted("invalid") == 4

    async def test_without_checks_a_signature_is_not_looked_at_but_the_topic_is(self) -> None:
        self.inbound = self.make_inbound(None)
        fields = notification(received("box@example.test"))
        assert await self.take(fields, SigningCertURL="x", Signature="") == Outcome.STORED
        with pytest.raises(Forged):
            await self.take(notification("hi", TopicArn=ARN + "2"))
        with pytest.raises(Forged):
            await self.take(notification("hi", NOW - timedelta(days=4)))
        assert self.server.asked == []

    async def test_what_ses_said_is_read_back(self) -> None:
        await self.take(notification(received("box@example.test")))
        [envelope] = self.door.seen
        assert isinstance(envelope.authentication, Authentication)
        [(virus,)] = self.query("SELECT authentication->'virus'->>'result' FROM messages")
        assert virus == "pass"
