"""What becomes of recipients whom nobody made a mailbox for."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.metrics import Metrics
from tempmail.core.recipients import (
    CREATIONS,
    KNOWN_SECONDS,
    AcceptAll,
    CatchAll,
    RejectUnknown,
    Standing,
)
from tempmail.model.address import Recipient
from tempmail.model.errors import Unavailable
from tempmail.model.message import Envelope, Placement, Verdict


class Store:
    """Addresses by name; notes what it was asked."""

    def __init__(self, **standings: str) -> None:
        self.standings = standings
        self.asked: list[str] = []
        self.away = False

    async def standing(self, address: str) -> str:
        self.asked.append(address)
        if self.away:
            raise Unavailable("away")
        return self.standings.get(address, "unknown")

    async def ensure_public(
        self, addresses: Sequence[str], *, create: bool
    ) -> tuple[Sequence[str], int]:
        self.asked += addresses
        if self.away:
            raise Unavailable("away")
        new = [address for address in addresses if create and address not in self.standings]
        self.standings.update(dict.fromkeys(new, "open"))
        return [address for address in addresses if address in self.standings], len(new)


class Kept:
    """An ingest that keeps whatever comes."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    def store(self, envelope: Envelope) -> Deferred[list[Placement]]:
        self.envelopes.append(envelope)
        return succeed([Placement(Verdict.STORED)] * len(envelope.recipients))


def envelope(*addresses: str, peer_ip: str = "192.0.2.1") -> Envelope:
    recipients = tuple(Recipient(address, "", address) for address in addresses)
    return Envelope("", recipients, "client.test", peer_ip, None, (b"",), 0)


class RejectTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.store = Store(open="open", full="full")
        self.check = RejectUnknown(self.store, self.clock)

    def standing(self, address: str) -> Standing:
        answer = self.check.check(address)
        return self.successResultOf(answer) if isinstance(answer, Deferred) else answer

    def test_each_address_stands_as_storage_says(self) -> None:
        found = [self.standing(name) for name in ("open", "full", "nobody")]
        assert found == [Standing.OPEN, Standing.FULL, Standing.UNKNOWN]

    def test_an_open_one_is_remembered_for_a_moment(self) -> None:
        self.standing("open")
        assert self.check.check("open") is Standing.OPEN
        assert self.store.asked == ["open"]
        self.clock.advance(KNOWN_SECONDS)
        self.store.standings.clear()
        assert self.standing("open") is Standing.UNKNOWN

    def test_one_that_another_daemon_deleted_is_forgotten_at_once(self) -> None:
        self.standing("open")
        self.store.standings.clear()
        for address in ("open", "nobody"):
            self.check.forget(address)
        assert self.standing("open") is Standing.UNKNOWN

    def test_a_miss_is_asked_for_each_time(self) -> None:
        assert self.standing("late") is Standing.UNKNOWN
        self.store.standings["late"] = "open"
        assert self.standing("late") is Standing.OPEN

    def test_storage_s_trouble_is_the_caller_s_to_answer(self) -> None:
        self.store.away = True
        answer = self.check.check("open")
        assert isinstance(answer, Deferred)
        self.failureResultOf(answer, Unavailable)

    def test_to_accept_all_asks_nobody(self) -> None:
        assert AcceptAll().check("anybody") is Standing.OPEN


class CatchAllTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.store = Store(old="open")
        self.kept = Kept()
        self.metrics = Metrics()
        self.catch_all = CatchAll(self.kept, self.store, self.metrics, self.clock)

    def test_unknown_recipients_have_a_mailbox_before_the_mail_is_stored(self) -> None:
        self.successResultOf(self.catch_all.store(envelope("old", "new")))
        assert self.store.standings == {"old": "open", "new": "open"}
        assert len(self.kept.envelopes) == 1

    def test_known_ones_are_not_asked_for_again_for_a_moment(self) -> None:
        for _ in range(3):
            self.successResultOf(self.catch_all.store(envelope("new")))
        assert self.store.asked == ["new"]

    def test_nothing_is_stored_where_no_mailbox_could_be_made(self) -> None:
        self.store.away = True
        self.failureResultOf(self.catch_all.store(envelope("new")), Unavailable)
        assert not self.kept.envelopes

    def test_a_network_makes_only_so_many_and_others_are_not_held_up(self) -> None:
        most = int(CREATIONS.burst)
        for number in range(most + 5):
            self.successResultOf(self.catch_all.store(envelope(f"box{number}")))
        assert len(self.store.standings) == 1 + most
        assert len(self.kept.envelopes) == most + 5
        self.successResultOf(self.catch_all.store(envelope("else", peer_ip="198.51.100.1")))
        assert "else" in self.store.standings
        denied = {"limit": "public_mailboxes"}
        assert self.metrics.registry.get_sample_value("tempmail_limit_denials_total", denied) == 5
