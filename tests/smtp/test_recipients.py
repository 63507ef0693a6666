"""Recipients that are looked up at RCPT, and mail that its owner hears of all the same."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.recipients import RejectUnknown, Standing
from tempmail.model.errors import Unavailable
from tempmail.model.message import Placement, Verdict
from tests.smtp.edge import Edge, codes

HELLO = b"EHLO client.test\r\nMAIL FROM:<>\r\n"
BOX, OTHER = b"RCPT TO:<box@example.com>\r\n", b"RCPT TO:<other@example.com>\r\n"


class LookUp:
    """Answers when it is told to."""

    tells = True

    def __init__(self) -> None:
        self.asked: list[tuple[str, Deferred[Standing]]] = []

    def check(self, address: str) -> Deferred[Standing]:
        answer: Deferred[Standing] = Deferred()
        self.asked.append((address, answer))
        return answer


class LookedUp(SynchronousTestCase):
    def setUp(self) -> None:
        self.edge = Edge()
        self.lookup = self.edge.factory.recipients = LookUp()
        self.session = self.edge.connect()
        self.session.send(HELLO)

    def answer(self, standing: Standing | Exception) -> list[str]:
        _, waiting = self.lookup.asked[-1]
        if isinstance(standing, Exception):
            waiting.errback(standing)
        else:
            waiting.callback(standing)
        return codes(self.session.said())

    def test_each_standing_has_its_reply(self) -> None:
        replies = []
        for standing in (Standing.OPEN, Standing.FULL, Standing.UNKNOWN, Unavailable("away")):
            assert self.session.send(BOX) == b""
            replies += self.answer(standing)
        assert replies == ["250 2.1.5", "452 4.2.2", "550 5.1.1", "451 4.3.0"]

    def test_a_command_behind_a_look_up_waits_for_its_answer(self) -> None:
        body = b"Subject: x\r\n\r\nhi\r\n.\r\n"
        assert self.session.send(BOX + OTHER + b"DATA\r\n" + body) == b""
        assert self.answer(Standing.OPEN) == ["250 2.1.5"]
        assert [address for address, _ in self.lookup.asked] == [
            "box@example.com",
            "other@example.com",
        ]
        assert self.answer(Standing.UNKNOWN) == ["550 5.1.1", "354", "250 2.0.0"]
        (envelope,) = self.edge.door.envelopes
        assert [one.address for one in envelope.recipients] == ["box@example.com"]

    def test_an_answer_that_comes_after_the_client_has_left_changes_nothing(self) -> None:
        self.session.send(BOX)
        self.session.leave()
        assert self.answer(Standing.OPEN) == []

    def test_a_foreign_domain_is_not_looked_up(self) -> None:
        assert codes(self.session.send(b"RCPT TO:<a@elsewhere.test>\r\n")) == ["550 5.7.1"]
        assert not self.lookup.asked


class TurnedAway(SynchronousTestCase):
    def setUp(self) -> None:
        self.edge = Edge(max_message_bytes=1000)
        self.session = self.edge.connect()
        self.session.send(HELLO + BOX + b"DATA\r\n")

    def test_a_mail_that_is_too_large_is_told_to_the_owner(self) -> None:
        self.session.send(b"x" * 2000 + b"\r\n.\r\n")
        ((envelope, reason, refused),) = self.edge.door.turned
        assert [one.address for one in envelope.recipients] == ["box@example.com"]
        assert reason.startswith("552 5.3.4")
        assert refused

    def test_a_mail_whose_sender_left_is_told_to_the_owner(self) -> None:
        self.edge.clock.advance(2)
        self.session.send(b"Subject: half\r\n")
        self.session.leave()
        ((envelope, reason, refused),) = self.edge.door.turned
        assert (envelope.received_ms, reason) == (2000, "the connection was lost before its end")
        assert not refused

    def test_a_mail_that_was_kept_is_not(self) -> None:
        self.session.send(b"Subject: whole\r\n.\r\n")
        self.session.leave()
        assert not self.edge.door.turned
        assert len(self.edge.door.envelopes) == 1

    def test_under_reject_a_full_mailbox_is_told_at_the_end_of_its_mail_too(self) -> None:
        self.edge.factory.recipients = RejectUnknown(NoStore(), self.edge.clock)
        for verdicts, reply in (
            ([Verdict.FULL], "452 4.2.2"),
            ([Verdict.UNKNOWN], "550 5.1.1"),
            ([Verdict.FULL, Verdict.STORED], "250 2.0.0"),
        ):
            session = self.edge.connect()
            self.edge.door.placements = [Placement(verdict) for verdict in verdicts]
            heard = session.send(HELLO + b"RCPT TO:<postmaster>\r\nDATA\r\nSubject: x\r\n.\r\n")
            assert codes(heard)[-1] == reply


class NoStore:
    """Nobody is there but the postmaster."""

    async def standing(self, address: str) -> str:
        return "unknown"

    async def ensure_public(
        self, addresses: Sequence[str], *, create: bool
    ) -> tuple[Sequence[str], int]:
        return (), 0


class UnknownOnes(SynchronousTestCase):
    def test_many_unknown_ones_beside_a_known_one_do_not_end_the_session(self) -> None:
        edge = Edge()
        lookup = edge.factory.recipients = LookUp()
        session = edge.connect()
        session.send(HELLO + BOX)
        lookup.asked.pop()[1].callback(Standing.OPEN)
        for _ in range(20):
            session.send(OTHER)
            lookup.asked.pop()[1].callback(Standing.UNKNOWN)
        assert codes(session.said())[-1] == "550 5.1.1"
        assert not session.closed
