"""What may be asked of a new mailbox, and what is done about it."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.mailboxes import MailboxDesk, Wish, owner_of
from tempmail.core.recipients import FORGET
from tempmail.model.address import Domains
from tempmail.model.errors import (
    AddressUnavailable,
    InvalidInput,
    LimitReached,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from tempmail.model.event import Event, EventKind
from tempmail.model.mailbox import Made, Mailbox, NewMailbox, SessionOwner
from tests.http.doubles import MemoryBus, MemoryMailboxes, MemoryStorage


class DeskTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.bus, self.storage = MemoryBus(), MemoryStorage(limit=3)
        self.mailboxes = MemoryMailboxes(self.storage)
        self.desk = MailboxDesk(
            self.mailboxes, Domains(["example.test", "bücher.example"]), self.bus
        )

    def create(self, **wish: Any) -> tuple[Mailbox, str]:
        mailbox, token = self.successResultOf(self.creating(**wish))
        assert token is not None
        return mailbox, token

    def creating(
        self, client: str = "192.0.2.1", **wish: Any
    ) -> Deferred[tuple[Mailbox, str | None]]:
        return Deferred.fromCoroutine(self.desk.create(Wish(**wish), client))

    def test_its_token_opens_it_and_only_the_digest_is_kept(self) -> None:
        mailbox, token = self.create()
        assert len(token) == 43
        kept = self.storage.boxes[mailbox.address].owner
        assert kept == SessionOwner(hashlib.sha256(token.encode()).digest())
        opened = self.desk.get(mailbox.address, owner_of(token))
        assert self.successResultOf(Deferred.fromCoroutine(opened)) == mailbox

    def test_no_two_have_the_same_token(self) -> None:
        assert len({self.create(client=str(n))[1] for n in range(50)}) == 50

    def test_names_and_domains_are_taken_as_asked_in_their_canonical_form(self) -> None:
        mailbox, _ = self.create(username="My.Box", domain="BÜCHER.example.")
        assert mailbox.address == "my.box@xn--bcher-kva.example"

    def test_without_a_wish_there_are_words_under_the_first_domain(self) -> None:
        assert re.fullmatch(r"[a-z]+-[a-z]+-\d+@example\.test", self.create()[0].address)

    def test_a_style_can_be_asked_for(self) -> None:
        assert re.fullmatch(r"[0-9a-f]{8}@example\.test", self.create(style="hex")[0].address)

    def test_what_no_mailbox_can_have_is_refused(self) -> None:
        for wish in (
            {"username": ""},
            {"username": "-a"},
            {"username": "a..b"},
            {"username": "a@b"},
            {"username": "a+b"},
            {"username": "x" * 65},
            {"username": "ü"},
            {"domain": "other.test"},
            {"domain": "no domain"},
            {"domain": "ü" * 100_000},
            {"style": "poem"},
            {"ttl_minutes": 0},
            {"ttl_minutes": -1},
        ):
            self.failureResultOf(self.creating(**wish), InvalidInput)
        assert self.storage.boxes == {}

    def test_reserved_names_are_given_to_nobody(self) -> None:
        for name in ("postmaster", "ABUSE", "admin"):
            self.failureResultOf(self.creating(username=name), AddressUnavailable)

    def test_a_name_that_was_asked_for_is_tried_once(self) -> None:
        self.create(username="box")
        self.failureResultOf(self.creating(username="BOX"), AddressUnavailable)

    def test_of_our_own_names_another_is_tried_five_times(self) -> None:
        tried: list[str] = []
        create = self.mailboxes.create

        async def create_the_fifth(new: NewMailbox) -> Made:
            tried.append(new.address)
            if len(tried) == 5:
                return await create(new)
            raise AddressUnavailable("taken")

        self.mailboxes.create = create_the_fifth
        assert self.create()[0].address == tried[4]
        assert len(set(tried)) == 5
        self.failureResultOf(self.creating(), Unavailable)
        assert len(tried) == 10

    def test_a_limit_is_not_taken_for_a_collision(self) -> None:
        for _ in range(3):
            self.create()
        self.failureResultOf(self.creating(), LimitReached)
        self.create(client="192.0.2.2")

    def test_extending_needs_at_least_a_minute(self) -> None:
        mailbox, token = self.create()
        for ttl in (0, -5):
            extending = self.desk.extend(mailbox.address, owner_of(token), ttl)
            self.failureResultOf(Deferred.fromCoroutine(extending), InvalidInput)

    def test_an_address_may_be_written_in_any_case_and_with_a_tag(self) -> None:
        mailbox, token = self.create(username="box")
        opened = self.desk.get("Box+shop@EXAMPLE.test", owner_of(token))
        assert self.successResultOf(Deferred.fromCoroutine(opened)) == mailbox

    def test_those_who_watch_or_remember_a_deleted_mailbox_are_told(self) -> None:
        mailbox, token = self.create()
        forgotten: list[str] = []
        self.bus.observe(FORGET, forgotten.append)
        self.successResultOf(
            Deferred.fromCoroutine(self.desk.delete(mailbox.address, owner_of(token)))
        )
        assert self.bus.published == [Event(EventKind.EXPIRED, mailbox.id)]
        assert forgotten == [mailbox.address]

    def test_what_was_not_deleted_is_not_announced(self) -> None:
        mailbox, _ = self.create()
        _, other = self.create()
        for token, error in ((other, NotFound), ("no token \udc80", Unauthenticated)):
            deleting = self.desk.delete(mailbox.address, owner_of(token))
            self.failureResultOf(Deferred.fromCoroutine(deleting), error)
        assert self.bus.published == []
