from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core import rendering as module
from tempmail.core.documents import Documents, Image
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Messages
from tempmail.core.rendering import AGAIN, GivenUp, Made, Rendering
from tempmail.core.signing import Signing
from tempmail.core.turns import Asker
from tempmail.core.views import Views
from tempmail.mail.extracted import Extracted
from tempmail.model.errors import NotFound, Unavailable
from tempmail.model.message import Attachment, Message
from tests.core.doubles import MAILBOX_ID, VIEW, Shelf, SubjectParser, message
from tests.http.doubles import MemoryKeys

ASKER = "192.0.2.1"
PNG = b"\x89PNG\r\n\x1a\n"
LOGO = Attachment(3, "logo.png", "image/png", 10, "logo@shop.test", inline=True)


class Renderer:
    """Shows a mail's images, or what it is told to.

    :ivar made: for whom HTML was rendered.
    :ivar hold: where set, no document and no image comes before it fires.
    """

    def __init__(self) -> None:
        self.made: list[Asker] = []
        self.hold: Deferred[None] | None = None
        self.trouble: Exception | None = None

    def document(
        self, asker: Asker, html: str, text: str, images: Mapping[str, str]
    ) -> Deferred[str]:
        self.made.append(asker)
        return Deferred.fromCoroutine(self._document(html, images))

    async def _document(self, html: str, images: Mapping[str, str]) -> str:
        if self.hold is not None:
            await self.hold
        if self.trouble is not None:
            raise self.trouble
        return f"<p>{html}" + "".join(f"<img src={one}>" for one in images.values())

    def text_instead(self, asker: Asker, text: str) -> Deferred[str]:
        made: Deferred[str] = Deferred()
        made.callback(f"instead: {text}")
        return made

    def extract(self, asker: Asker, raw: bytes, index: int) -> Deferred[Extracted]:
        return Deferred.fromCoroutine(self._extract())

    async def _extract(self) -> Extracted:
        if self.hold is not None:
            await self.hold
        return Extracted("logo.png", "image/png", "logo@shop.test", PNG)


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.renderer = Renderer()
        self.metrics = Metrics()
        self.clock = Clock()

    def counted(self, outcome: str) -> float:
        name = "tempmail_documents_total"
        return self.metrics.registry.get_sample_value(name, {"outcome": outcome}) or 0


class RenderingTests(Case):
    def setUp(self) -> None:
        super().setUp()
        self.rendering = Rendering(self.renderer, self.metrics, self.clock)

    def mail(self, seq: int = 1, html: str = "hi") -> Message:
        return message(evolve(VIEW, body_html=html, attachments=(LOGO,)), seq)

    def made(self, message: Message) -> Made:
        return self.successResultOf(self.rendering.document(message, ASKER))

    def test_a_document_is_made_once_and_names_images_by_each_readers_address(self) -> None:
        for url in ("/m/ONE", "/m/TWO"):
            made = self.made(self.mail()).at(url)
            self.assertEqual(made, f"<p>hi<img src={url}/images/3>")
        self.assertEqual(self.renderer.made, [ASKER])
        self.assertEqual((self.counted("made"), self.counted("remembered")), (1, 1))

    def test_no_mail_can_know_what_stands_for_the_address(self) -> None:
        marks = {self.made(self.mail(seq)).mark for seq in (1, 2)}
        self.assertEqual((len(marks), {len(mark) for mark in marks}), (2, {86}))

    def test_who_opens_it_meanwhile_shares_the_making(self) -> None:
        self.renderer.hold = Deferred()
        leaving, staying, third = (self.rendering.document(self.mail(), ASKER) for _ in range(3))
        leaving.cancel()
        self.failureResultOf(leaving, CancelledError)
        self.renderer.hold.callback(None)
        self.assertIs(self.successResultOf(staying), self.successResultOf(third))
        self.assertEqual((len(self.renderer.made), self.counted("shared")), (1, 2))

    def test_all_are_told_what_went_wrong_and_it_is_tried_again(self) -> None:
        self.renderer.hold = Deferred()
        asked = [self.rendering.document(self.mail(), ASKER) for _ in range(2)]
        self.renderer.trouble = Unavailable("no worker")
        self.renderer.hold.callback(None)
        for one in asked:
            self.failureResultOf(one, Unavailable)
        self.renderer.trouble = None
        self.made(self.mail())

    def test_another_parsers_view_has_a_document_of_its_own(self) -> None:
        self.made(self.mail())
        newer = evolve(VIEW, body_html="new", parser_version=3)
        self.assertEqual(self.made(message(newer)).text, "<p>new")

    def test_html_that_costs_its_worker_costs_it_once(self) -> None:
        self.renderer.trouble = GivenUp("too long", lasting=True)
        for _ in range(3):
            self.assertEqual(self.made(self.mail()).text, "instead: It is 4711.")
        self.assertEqual((len(self.renderer.made), self.counted("given_up")), (1, 1))

    def test_that_is_known_when_its_document_is_forgotten(self) -> None:
        self.patch(module, "MOST", 1)
        self.renderer.trouble = GivenUp("too long", lasting=True)
        for seq in (1, 2, 1, 2):
            self.assertEqual(self.made(self.mail(seq)).text, "instead: It is 4711.")
        self.assertEqual(len(self.renderer.made), 2)

    def test_what_may_have_been_a_busy_machine_is_tried_again_later(self) -> None:
        self.renderer.trouble = GivenUp("too long", lasting=False)
        for _ in range(2):
            self.assertEqual(self.made(self.mail()).text, "instead: It is 4711.")
        self.assertEqual(len(self.renderer.made), 1)
        self.renderer.trouble = None
        self.clock.advance(AGAIN)
        for _ in range(2):
            self.assertIn("<p>hi", self.made(self.mail()).text)
        self.assertEqual(len(self.renderer.made), 2)

    def test_few_mails_are_known_as_costly(self) -> None:
        self.patch(module, "MOST_GIVEN_UP", 2)
        self.renderer.trouble = GivenUp("too long", lasting=False)
        for seq in range(5):
            self.made(self.mail(seq))
        self.assertEqual(len(self.rendering._given_up), 2)

    def test_the_last_ones_are_remembered_and_so_many_bytes(self) -> None:
        self.patch(module, "MOST", 3)
        self.patch(module, "MOST_BYTES", 20_000)
        for seq in (1, 2, 3, 1, 4, 1, 2):
            self.made(self.mail(seq))
        self.assertEqual(self.renderer.made, [ASKER] * 5)
        self.made(self.mail(5, "x" * 19_700))
        self.assertEqual(len(self.rendering._made), 1)
        self.made(self.mail(6, "x" * 20_000))
        self.assertEqual(len(self.rendering._made), 1, "it is larger than all may be")
        self.assertEqual(
            self.rendering._bytes, sum(one.size for one in self.rendering._made.values())
        )


class GoneMeansGone(Case):
    """Whoever opens a document that is remembered, or that took its time."""

    def setUp(self) -> None:
        super().setUp()
        self.shelf = Shelf()
        self.shelf.put(1)
        self.shelf.views[1] = VIEW
        messages = cast(Messages, self.shelf)
        views = Views(messages, SubjectParser())
        signing = Signing(MemoryKeys(), self.clock.seconds)
        self.documents = Documents(
            views, messages, self.renderer, signing, self.metrics, self.clock
        )
        self.message = self.successResultOf(views.read(MAILBOX_ID, UUID(int=1), ASKER))

    def of(self) -> Deferred[str]:
        return Deferred.fromCoroutine(self.documents.of(self.message, ASKER))

    def open(self) -> Deferred[str]:
        url = self.successResultOf(Deferred.fromCoroutine(self.documents.url(self.message.summary)))
        return Deferred.fromCoroutine(self.documents.open(url.rpartition("/")[2], ASKER))

    def image(self) -> Deferred[Image]:
        url = self.successResultOf(Deferred.fromCoroutine(self.documents.url(self.message.summary)))
        return Deferred.fromCoroutine(self.documents.image(url.rpartition("/")[2], 3, ASKER))

    def test_what_is_remembered_of_a_message_that_was_deleted_is_not_shown(self) -> None:
        self.assertEqual(self.successResultOf(self.of()), self.successResultOf(self.open()))
        del self.shelf.raw_of[1]
        self.failureResultOf(self.of(), NotFound)
        self.failureResultOf(self.open(), NotFound)
        self.assertEqual(len(self.renderer.made), 1)

    def test_an_image_is_handed_out_as_long_as_its_message_is_there(self) -> None:
        self.assertEqual(self.successResultOf(self.image()), Image("image/png", PNG))
        del self.shelf.raw_of[1]
        self.failureResultOf(self.image(), NotFound)

    def test_nor_of_a_mailbox_that_ended(self) -> None:
        self.successResultOf(self.of())
        self.shelf.living = False
        self.failureResultOf(self.of(), NotFound)
        self.failureResultOf(self.open(), NotFound)

    def test_what_ends_while_its_document_is_made_is_not_shown(self) -> None:
        self.renderer.hold = Deferred()
        asked: list[Deferred[Any]] = [self.of(), self.open(), self.image()]
        self.shelf.put(2)
        del self.shelf.raw_of[1]
        self.renderer.hold.callback(None)
        for one in asked:
            self.failureResultOf(one, NotFound)
