"""What is read and then waited for: gone where it went meanwhile, at no further trip where not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from attrs import evolve
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.bus.local import LocalBus
from tempmail.core.ahead import ParsingAhead
from tempmail.core.attachments import Attachments
from tempmail.core.authenticity import Authenticity
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Messages, Page
from tempmail.core.reading import Reading
from tempmail.core.turns import Asker
from tempmail.core.views import Views
from tempmail.mail.extracted import Extracted
from tempmail.model.address import Domains
from tempmail.model.authentication import Authentication
from tempmail.model.errors import NotFound, Unavailable
from tempmail.model.event import Event
from tempmail.model.mailbox import Owner
from tempmail.model.message import Message, Received, Summary
from tests.core.doubles import MAILBOX_ID, OWNER, VIEW, Shelf, SubjectParser, message

BOX = "box@mail.test"
FILE = Extracted("a.pdf", "application/pdf", None, b"%PDF")


class OwnShelf(Shelf):
    """With what an owner asks for; counts the looks at what is still there."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    async def get(
        self, address: str, owner: Owner, which: UUID | None, *, mark: bool = True
    ) -> Message:
        return message(self.views.get(1))

    async def raw(self, address: str, owner: Owner, which: UUID | None) -> Received:
        return Received(UUID(int=1), 1, MAILBOX_ID, self.raw_of[1])

    async def newest(self, address: str, owner: Owner, **_: Any) -> Page:
        if not self.living:
            raise NotFound("ended")
        found = [message(self.views.get(seq), seq).summary for seq in sorted(self.raw_of)]
        return Page(found, None, MAILBOX_ID)

    async def unparsed(
        self, address: str, owner: Owner, *, version: int, limit: int
    ) -> Sequence[Summary]:
        return [one.summary for seq in self.raw_of if (one := message(None, seq))]

    async def arrivals(self, mailbox_id: int, after: int, limit: int) -> Sequence[Event]:
        self.looks += 1
        return await super().arrivals(mailbox_id, after, limit)


ASKER = "192.0.2.1"


class Origins:
    """Says where messages come from when ``hold`` fires."""

    def __init__(self) -> None:
        self.hold: Deferred[None] = succeed(None)

    async def of(self, asked: Message) -> Authentication | None:
        await self.hold
        return None

    def begin(self, asked: Message, raw: bytes) -> None:
        pass


class Extractor:
    def __init__(self) -> None:
        self.answer: Deferred[Extracted] = Deferred()

    def extract(self, asker: Asker, raw: bytes, index: int) -> Deferred[Extracted]:
        return self.answer


class ReadingTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.shelf = OwnShelf()
        self.parser = SubjectParser()
        self.origins = Origins()
        self.extractor = Extractor()
        messages, bus, clock = cast(Messages, self.shelf), LocalBus(Metrics()), Clock()
        views = Views(messages, self.parser)
        ahead = ParsingAhead(views, bus, Metrics(), clock)
        origins = cast(Authenticity, self.origins)
        self.reading = Reading(Domains(["mail.test"]), messages, views, ahead, bus, origins)
        self.shelf.put(1)
        self.shelf.views[1] = VIEW

    def search(self, asker: Asker) -> Deferred[Page]:
        searching = self.reading.newest(
            BOX, OWNER, limit=5, before=None, unread=False, asker=asker, words="code"
        )
        return Deferred.fromCoroutine(searching)

    def test_searches_that_wait_for_costly_mails_keep_nobody_else_waiting(self) -> None:
        self.shelf.views.clear()
        held: Deferred[None] = Deferred()
        self.parser.hold = held
        costly = [self.search("192.0.2.66") for _ in range(6)]
        self.failureResultOf(self.search("192.0.2.66"), Unavailable)
        self.shelf.views[1], self.parser.hold = VIEW, None
        del self.shelf.raw_of[1]
        self.shelf.put(2)
        self.shelf.views[2] = VIEW
        self.successResultOf(self.search(ASKER))
        held.callback(None)
        for one in costly:
            self.successResultOf(one)

    def get(self) -> Deferred[Message]:
        return Deferred.fromCoroutine(self.reading.get(BOX, OWNER, None, ASKER))

    def end(self) -> None:
        self.shelf.living = False

    def remove(self) -> None:
        del self.shelf.raw_of[1]
        self.shelf.put(2)  # and another one has come

    def test_what_is_there_at_once_costs_no_second_look(self) -> None:
        self.successResultOf(self.get())
        self.assertEqual(self.shelf.looks, 0)

    def test_what_goes_while_its_origin_is_found_out_is_gone(self) -> None:
        for going in ("remove", "end"):
            self.setUp()
            self.origins.hold = Deferred()
            reading = self.get()
            getattr(self, going)()
            self.origins.hold.callback(None)
            self.failureResultOf(reading, NotFound)

    def test_what_goes_while_it_is_parsed_is_gone(self) -> None:
        for going in ("remove", "end"):
            self.setUp()
            self.shelf.views.clear()
            self.parser.hold = Deferred()
            reading = self.get()
            getattr(self, going)()
            self.parser.hold.callback(None)
            self.failureResultOf(reading, NotFound)

    def test_what_stays_is_answered_after_one_look(self) -> None:
        self.origins.hold = Deferred()
        reading = self.get()
        self.shelf.put(2)
        self.origins.hold.callback(None)
        self.assertEqual(self.successResultOf(reading).summary.seq, 1)
        self.assertEqual(self.shelf.looks, 1)

    def test_an_attachment_goes_with_its_message(self) -> None:
        for going in ("remove", "end", ""):
            self.setUp()
            attachments = Attachments(self.reading, self.extractor)
            taking = Deferred.fromCoroutine(attachments.get(BOX, OWNER, None, 0, ASKER))
            if going:
                getattr(self, going)()
            self.extractor.answer.callback(FILE)
            if going:
                self.failureResultOf(taking, NotFound)
            else:
                self.assertEqual(self.successResultOf(taking), FILE)

    def listed(self) -> Deferred[Page]:
        listing = self.reading.newest(BOX, OWNER, limit=9, before=None, unread=False, asker=ASKER)
        return Deferred.fromCoroutine(listing)

    def test_a_list_shows_what_is_there_once_its_previews_are(self) -> None:
        self.shelf.views.clear()
        self.parser.hold = Deferred()
        listing = self.listed()
        self.remove()
        self.parser.hold.callback(None)
        found = self.successResultOf(listing).messages
        self.assertEqual([(one.seq, one.preview) for one in found], [(2, None)])

    def test_nor_is_there_one_of_a_mailbox_that_ended_meanwhile(self) -> None:
        self.shelf.views.clear()
        self.parser.hold = Deferred()
        listing = self.listed()
        self.end()
        self.parser.hold.callback(None)
        self.failureResultOf(listing, NotFound)

    def test_previews_that_were_made_are_in_it(self) -> None:
        self.shelf.views[1] = evolve(VIEW, parser_version=2)
        self.shelf.put(2)
        self.parser.hold = Deferred()
        listing = self.listed()
        self.parser.hold.callback(None)
        found = self.successResultOf(listing).messages
        self.assertEqual([one.parser_version for one in found], [2, 2])
