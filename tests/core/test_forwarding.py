"""A recipient header counts for the inboxes and the clients that the operator names."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, succeed

from tempmail.core.forwarding import (
    ForwardedCheck,
    ForwardedDelivery,
    TrustedHeader,
    check_trusted,
    trusted_header,
)
from tempmail.core.metrics import Metrics
from tempmail.core.recipients import AcceptAll, Standing
from tempmail.model.address import Domains
from tempmail.model.errors import InvalidInput
from tempmail.model.message import Envelope, Placement, Verdict

DOMAINS = Domains(["example.test"])
TRUSTED = trusted_header("Inbox@example.test?peers=192.0.2.0/24,2001:db8::/32")


class Door:
    """Takes every mail.

    :ivar seen: the envelopes.
    """

    def __init__(self) -> None:
        self.seen: list[Envelope] = []

    def deliver(self, envelope: Envelope) -> Deferred[list[Placement]]:
        self.seen.append(envelope)
        return succeed([Placement(Verdict.STORED) for _ in envelope.recipients])

    def turned_away(self, envelope: Envelope, reason: str, *, refused: bool) -> None:
        self.seen.append(envelope)


class Case:
    def __init__(self, trusted: TrustedHeader = TRUSTED) -> None:
        self.door, self.metrics = Door(), Metrics()
        self.forwarded = ForwardedDelivery(self.door, [trusted], DOMAINS, self.metrics)

    def send(
        self,
        *to: str,
        peer: str = "192.0.2.7",
        header: bytes = b"X-Original-To: box+tag@example.test",
    ) -> list[str]:
        """Whom a mail is delivered to."""
        found = [DOMAINS.recipient(one) for one in to]
        raw = header + b"\r\nSubject: x\r\n\r\n"
        recipients = tuple(one for one in found if one is not None)
        self.forwarded.deliver(Envelope("", recipients, "", peer, None, (raw,), len(raw)))
        return [recipient.given for recipient in self.door.seen[-1].recipients]

    def counted(self, outcome: str) -> float:
        return float(self.metrics.forwarded.labels(outcome)._value.get())


def test_mail_to_the_inbox_goes_to_whom_the_header_names() -> None:
    case = Case()
    assert case.send("inbox@example.test") == ["box+tag@example.test"]
    assert case.send("INBOX+x@example.test", peer="2001:db8::1") == ["box+tag@example.test"]
    assert case.send("inbox@example.test", peer="::ffff:192.0.2.1") == ["box+tag@example.test"]
    assert case.counted("named") == 3


@pytest.mark.parametrize("peer", ["192.0.3.1", "2001:db9::1", "", "/run/socket"])
def test_from_anybody_else_it_stays_with_the_inbox(peer: str) -> None:
    case = Case()
    assert case.send("inbox@example.test", peer=peer) == ["inbox@example.test"]
    assert case.counted("untrusted_peer") == 1


def test_mail_to_others_is_not_looked_into() -> None:
    case = Case()
    assert case.send("other@example.test") == ["other@example.test"]
    assert case.send("other@example.test", "inbox@example.test") == [
        "other@example.test",
        "box+tag@example.test",
    ]
    assert case.counted("named") == 1


@pytest.mark.parametrize(
    "header",
    [b"X-Other: box@example.test", b"Delivered-To: inbox@example.test", b"Delivered-To: a@b.test"],
)
def test_where_no_trusted_header_names_another_it_stays(header: bytes) -> None:
    case = Case()
    assert case.send("inbox@example.test", header=header) == ["inbox@example.test"]
    assert case.counted("not_named") == 1


def test_nobody_gets_it_twice() -> None:
    case = Case()
    assert case.send("inbox@example.test", "box+tag@example.test") == ["box+tag@example.test"]


def test_the_operator_s_header_alone_counts() -> None:
    case = Case(trusted_header("inbox@example.test?peers=0.0.0.0/0&headers=X-Rcpt"))
    assert case.send("inbox@example.test") == ["inbox@example.test"]
    assert case.send("inbox@example.test", header=b"x-rcpt: <box@example.test>") == [
        "box@example.test"
    ]


def test_at_rcpt_the_inbox_is_open_whoever_else_is_unknown() -> None:
    class Nobody(AcceptAll):
        tells = True

        def check(self, address: str) -> Standing:
            return Standing.UNKNOWN

    check = ForwardedCheck(Nobody(), Case().forwarded.inboxes)
    assert check.tells
    assert check.check("inbox@example.test") is Standing.OPEN
    assert check.check("other@example.test") is Standing.UNKNOWN


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("inbox?peers=192.0.2.1", "is no address"),
        ("inbox@example.test", "needs peers="),
        ("inbox@example.test?peers=192.0.2.1/24", "has host bits set"),
        ("inbox@example.test?peers=mx.test", "does not appear to be"),
        ("inbox@example.test?from=192.0.2.1", "unknown: from"),
        ("inbox@example.test?peers=192.0.2.1&headers=to,", "is no header's name"),
    ],
)
def test_a_mistake_is_named(text: str, why: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        trusted_header(text)
    assert why in refusal.value.detail


def test_an_inbox_is_ours_and_there_once() -> None:
    with pytest.raises(InvalidInput, match="under none"):
        check_trusted([trusted_header("a@other.test?peers=192.0.2.1")], DOMAINS)
    with pytest.raises(InvalidInput, match="twice"):
        check_trusted([TRUSTED, TRUSTED], DOMAINS)
