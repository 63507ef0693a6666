from __future__ import annotations

from typing import cast
from uuid import UUID

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.ports import Messages
from tempmail.core.views import Views, authored
from tempmail.model.errors import NotFound, Unavailable
from tempmail.model.message import Message
from tests.core.doubles import MAILBOX_ID, VIEW, Shelf, SubjectParser, message

ASKER = "192.0.2.1"


class ViewsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.shelf = Shelf()
        self.parser = SubjectParser()
        self.views = Views(cast(Messages, self.shelf), self.parser)
        self.shelf.put(1, "one")

    def read(self, seq: int = 1) -> Deferred[Message]:
        return self.views.read(MAILBOX_ID, UUID(int=seq), ASKER)

    def test_a_message_without_a_view_is_parsed_and_its_view_kept(self) -> None:
        made = self.successResultOf(self.read())
        assert made.view is not None
        self.assertEqual(made.view.subject, "one")
        self.assertEqual((made.summary.subject, made.summary.preview), ("one", "It is 4711."))
        self.assertEqual(self.shelf.kept, [1])

    def test_a_mail_that_names_no_author_keeps_the_one_known_at_arrival(self) -> None:
        summary = message(None).summary
        nobody = evolve(VIEW, from_address="", from_name="")
        known = evolve(summary, from_address="bounce@sender.test", from_name="")
        self.assertEqual(authored(nobody, known).from_address, "bounce@sender.test")
        for view in (VIEW, evolve(nobody, from_name="Ann"), evolve(nobody, from_address="a@b")):
            self.assertIs(authored(view, known), view)

    def test_a_view_that_is_there_is_not_made_again(self) -> None:
        self.shelf.views[1] = VIEW
        self.assertEqual(self.successResultOf(self.read()).view, VIEW)
        self.assertEqual((self.parser.parsed, self.shelf.kept), ([], []))

    def test_what_an_older_parser_made_is_made_again(self) -> None:
        self.shelf.views[1] = evolve(VIEW, parser_version=1)
        self.successResultOf(self.read())
        self.assertEqual(self.shelf.views[1].parser_version, 2)

    def test_all_who_ask_meanwhile_share_one_parse(self) -> None:
        self.parser.hold = Deferred()
        asked = [self.read() for _ in range(3)]
        self.parser.hold.callback(None)
        first, *others = [self.successResultOf(one) for one in asked]
        self.assertTrue(all(one is first for one in others))
        self.assertEqual((self.shelf.fetched, len(self.parser.parsed)), ([1], 1))

    def test_afterwards_nothing_is_remembered(self) -> None:
        self.successResultOf(self.read())
        self.successResultOf(self.read())
        self.assertEqual((self.shelf.fetched, len(self.parser.parsed)), ([1, 1], 1))
        self.assertEqual(self.views._under_way, {})

    def test_who_leaves_takes_nobody_along(self) -> None:
        self.parser.hold = Deferred()
        leaving, staying = self.read(), self.read()
        leaving.addErrback(lambda _: None)
        leaving.cancel()
        self.parser.hold.callback(None)
        self.successResultOf(staying)
        self.assertEqual(self.shelf.kept, [1])

    def test_all_are_told_what_went_wrong_and_the_next_one_tries_again(self) -> None:
        self.parser.hold = Deferred()
        asked = [self.read(), self.read()]
        self.parser.trouble = Unavailable("no worker")
        self.parser.hold.callback(None)
        for one in asked:
            self.failureResultOf(one, Unavailable)
        self.parser.trouble = None
        self.successResultOf(self.read())

    def test_a_message_that_is_gone_is_not_found(self) -> None:
        self.failureResultOf(self.read(2), NotFound)

    def test_an_unforeseen_fault_is_noted_and_told(self) -> None:
        self.shelf.trouble = RuntimeError("broken")
        self.failureResultOf(self.read(), RuntimeError)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.shelf.trouble = None
        self.successResultOf(self.read())

    def test_a_view_that_cannot_be_kept_is_read_all_the_same(self) -> None:
        for trouble in [Unavailable("down"), RuntimeError("broken")]:
            self.shelf.trouble_keeping = trouble
            self.successResultOf(self.read())
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_stored_fires_when_the_view_is_kept_or_cannot_be(self) -> None:
        self.parser.hold = Deferred()
        stored = self.views.stored(MAILBOX_ID, UUID(int=1), ASKER)
        self.assertNoResult(stored)
        self.parser.hold.callback(None)
        self.successResultOf(stored)
        self.assertEqual(self.shelf.kept, [1])
        self.successResultOf(self.views.stored(MAILBOX_ID, UUID(int=2), ASKER))

    def test_a_bounded_number_is_held_for_parsing_at_a_time(self) -> None:
        for seq in range(2, 31):
            self.shelf.put(seq)
        self.parser.hold = Deferred()
        asked = [self.read(seq) for seq in range(1, 21)]
        self.assertEqual(len(self.shelf.fetched), 3)
        asked += [self.views.read(MAILBOX_ID, UUID(int=seq), seq) for seq in range(21, 31)]
        self.assertEqual(len(self.shelf.fetched), 8)
        self.parser.hold.callback(None)
        for one in asked:
            self.successResultOf(one)

    def test_whoever_reads_many_leaves_places_to_the_others(self) -> None:
        for seq in range(1, 22):
            self.shelf.put(seq)
        self.parser.hold = Deferred()
        asked = [self.read(seq) for seq in range(1, 21)]
        asked.append(self.views.read(MAILBOX_ID, UUID(int=21), "198.51.100.1"))
        self.assertEqual(self.shelf.fetched, [1, 2, 3, 21])
        self.parser.hold.callback(None)
        for one in asked:
            self.successResultOf(one)
