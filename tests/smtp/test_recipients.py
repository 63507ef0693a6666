"""Recipients that are looked up at RCPT, and mail that its owner hears of all the same."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.recipients import Standing
from tempmail.model.errors import Unavailable
from tests.smtp.edge import Edge, codes

HELLO = b"EHLO client.test\r\nMAIL FROM:<>\r\n"
BOX, OTHER = b"RCPT TO:<box@example.com>\r\n", b"RCPT TO:<other@example.com>\r\n"


class LookUp:
    """Answers when it is told to."""

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
