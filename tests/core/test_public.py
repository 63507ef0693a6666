"""What everybody reads: gone with its time, even while it is being made readable."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.limits import TokenBuckets
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Messages, Page, PublicStore
from tempmail.core.public import CLAIMS, PublicInboxes
from tempmail.core.views import Views
from tempmail.model.address import Domains
from tempmail.model.errors import NotFound
from tempmail.model.mailbox import Owner
from tests.core.doubles import MAILBOX_ID, Shelf, SubjectParser, message


class PublicShelf(Shelf):
    async def newest(self, address: str, owner: Owner, **_: Any) -> Page:
        found = [message(None, seq).summary for seq in sorted(self.raw_of, reverse=True)]
        return Page(found, None, MAILBOX_ID)


class Store:
    async def prolong(self, address: str) -> None:
        pass


class PublicTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.shelf, self.parser = PublicShelf(), SubjectParser()
        messages = cast(Messages, self.shelf)
        self.inboxes = PublicInboxes(
            cast(PublicStore, Store()),
            messages,
            Views(messages, self.parser),
            Domains(["mail.test"]),
            TokenBuckets(CLAIMS),
            Metrics(),
            Clock(),
        )
        self.parser.hold = Deferred()
        self.shelf.put(1)
        self.shelf.put(2)
        self.reading = Deferred.fromCoroutine(self.inboxes.read("box@mail.test", "192.0.2.1"))

    def test_what_expires_while_it_is_parsed_is_not_shown(self) -> None:
        del self.shelf.raw_of[1]
        assert self.parser.hold is not None
        self.parser.hold.callback(None)
        self.assertEqual([one.summary.seq for one in self.successResultOf(self.reading)], [2])

    def test_nor_is_anything_of_a_mailbox_that_ended(self) -> None:
        self.shelf.living = False
        assert self.parser.hold is not None
        self.parser.hold.callback(None)
        self.failureResultOf(self.reading, NotFound)
