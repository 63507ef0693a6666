"""From a call of SNS to a mail that is kept: what is believed, dropped, asked to come again."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from attrs import evolve, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tempmail.core.budget import ByteBudget
from tempmail.core.delivery import Door
from tempmail.core.metrics import Metrics
from tempmail.model.address import Domains, Recipient
from tempmail.model.errors import TempmailError, Unavailable
from tempmail.model.message import Envelope, Once, Verdict
from tempmail.ses import notices, receipts
from tempmail.ses.certificates import Certificates, check_url
from tempmail.ses.confirming import Confirmations
from tempmail.ses.errors import Forged
from tempmail.ses.notices import Kind, Notice
from tempmail.ses.objects import S3Objects, TooLarge
from tempmail.ses.receipts import Receipt
from tempmail.ses.signatures import check
from tempmail.ses.topics import Topic

OLDEST = 3 * 24 * 3600
"""Seconds that a notification may be old: some come back from a dead-letter queue."""
AHEAD = 15 * 60
"""Seconds that Amazon's clock may be ahead of ours."""
KEEP_DAYS = 4
"""For how long a notification is known; longer than it may be old."""

_HELO = "amazonses.com"

_log = Logger()


class Outcome(enum.StrEnum):
    """What became of a call that was believed."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    NO_MAILBOX = "no_mailbox"
    NOT_OURS = "not_ours"
    INFECTED = "infected"
    OVERSIZED = "oversized"
    NOT_MAIL = "not_mail"
    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not_confirmed"
    UNSUBSCRIBED = "unsubscribed"


@frozen
class Desk:
    """What every call goes through.

    :ivar topics: those that the operator named, by their name.
    :ivar certificates: to check signatures with; None where none are checked.
    :ivar objects: mails in S3.
    :ivar door: keeps mails.
    :ivar budget: bytes that all mails under way may hold.
    :ivar max_bytes: of one mail.
    """

    topics: Mapping[str, Topic]
    certificates: Certificates | None
    confirmations: Confirmations
    objects: S3Objects
    door: Door
    domains: Domains
    budget: ByteBudget
    max_bytes: int
    metrics: Metrics
    clock: IReactorTime


class Inbound:
    """Takes what is posted to the webhook."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def take(self, body: bytes, peer_ip: str) -> Outcome:
        """Deal with one call; not to be cancelled, for a commit cannot be called back.

        :param peer_ip: who calls.
        :raises InvalidInput: it makes no sense.
        :raises Forged: it is not to be believed.
        :raises Unavailable: nothing was done; it is to come again.
        :raises Undecided: nobody knows whether its mail was stored; likewise, for a mail that
            was is known.
        """
        try:
            notice = notices.read(body)
            topic = self._desk.topics.get(notice.topic)
            if topic is None:
                raise Forged("the topic is none of --sns-topic", code="unknown_topic")
            self._check_age(notice)
            await self._check_origin(notice, topic, peer_ip)
            outcome = await self._act(notice, topic, peer_ip)
        except TempmailError as error:
            self._desk.metrics.sns_calls.labels(error.code).inc()
            _log.warn("a call of {peer_ip} was refused: {code}: {why}", peer_ip=peer_ip,
                      code=error.code, why=error.detail)  # fmt: skip
            raise
        self._desk.metrics.sns_calls.labels(outcome.value).inc()
        return outcome

    def _check_age(self, notice: Notice) -> None:
        age = self._desk.clock.seconds() - notice.sent.timestamp()
        if not -AHEAD <= age <= OLDEST:
            raise Forged("it is more than three days old, or of the future", code="stale")

    async def _check_origin(self, notice: Notice, topic: Topic, peer_ip: str) -> None:
        certificates = self._desk.certificates
        if certificates is not None:
            check_url(notice.certificate_url, topic)
            check(notice, await certificates.key(notice.certificate_url, topic, peer_ip))

    async def _act(self, notice: Notice, topic: Topic, peer_ip: str) -> Outcome:
        if notice.kind is Kind.CONFIRM:
            agreed = await self._desk.confirmations.confirm(topic, notice.token)
            return Outcome.CONFIRMED if agreed else Outcome.NOT_CONFIRMED
        if notice.kind is Kind.UNSUBSCRIBED:
            _log.warn("no mail will come of {topic}: somebody ended our subscription",
                      topic=topic.arn)  # fmt: skip
            return Outcome.UNSUBSCRIBED
        receipt = receipts.read(notice.message)
        if receipt is None:
            _log.info("{topic} announced what is no mail", topic=topic.arn)
            return Outcome.NOT_MAIL
        recipients = self._recipients(receipt)
        if not recipients:
            _log.info("mail {mail} of SES is for none of our domains", mail=receipt.identity[:100])
            return Outcome.NOT_OURS
        envelope = Envelope(
            receipt.mail_from,
            recipients,
            receipt.helo or _HELO,
            receipt.peer_ip or peer_ip,
            None,
            (),
            0,
            once=Once("sns", notice.identity, KEEP_DAYS),
            authentication=receipt.found,
        )
        if receipt.infected:
            return self._turned_away(envelope, Outcome.INFECTED, "Amazon SES found a virus in it")
        return await self._fetch_and_deliver(envelope, receipt, topic)

    def _recipients(self, receipt: Receipt) -> tuple[Recipient, ...]:
        found: dict[tuple[str, str], Recipient] = {}
        for given in receipt.recipients:
            recipient = self._desk.domains.recipient(given)
            if recipient is None:
                self._desk.metrics.sns_recipients_not_ours.inc()
            else:
                found.setdefault((recipient.address, recipient.tag), recipient)
        return tuple(found.values())

    def _turned_away(self, envelope: Envelope, outcome: Outcome, why: str) -> Outcome:
        assert envelope.once is not None
        self._desk.door.turned_away(envelope, why, refused=True)
        _log.info("mail of SES dropped: {outcome}, notification {key}", outcome=outcome.value,
                  key=envelope.once.key)  # fmt: skip
        return outcome

    async def _fetch_and_deliver(
        self, envelope: Envelope, receipt: Receipt, topic: Topic
    ) -> Outcome:
        desk, where = self._desk, receipt.content
        began = desk.clock.seconds()
        try:
            if isinstance(where, bytes):
                content = self._inline(where)
            else:
                content = await desk.objects.fetch(topic.region, where, desk.max_bytes)
        except TooLarge as error:
            larger = evolve(envelope, size=error.size)
            return self._turned_away(larger, Outcome.OVERSIZED, "it is larger than we take")
        try:
            whole = evolve(
                envelope,
                chunks=(content,),
                size=len(content),
                received_ms=max(0, round(1000 * (desk.clock.seconds() - began))),
            )
            placements = await desk.door.deliver(whole)
        finally:
            desk.budget.give(len(content))
        verdicts = {placement.verdict for placement in placements}
        if Verdict.STORED in verdicts:
            return Outcome.STORED
        return Outcome.DUPLICATE if Verdict.DUPLICATE in verdicts else Outcome.NO_MAILBOX

    def _inline(self, content: bytes) -> bytes:
        if len(content) > self._desk.max_bytes:
            raise TooLarge(len(content))
        if not self._desk.budget.take(len(content)):
            raise Unavailable("too many bytes of mail are under way")
        return content
