from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from attrs import evolve
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core import authenticity as module
from tempmail.core.authenticity import DNS_SECONDS, MOST_QUESTIONS, PATIENCE, Authenticity
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Messages
from tempmail.core.views import Views
from tempmail.mail.authenticity.answers import Answer, Question
from tempmail.model.authentication import Authentication, Finding, Scan
from tempmail.model.errors import Unavailable
from tempmail.model.message import Message, Summary, Trace
from tests.core.doubles import MAILBOX_ID, NOW, Shelf, SubjectParser, message

PASS = Finding("pass", "it is", "shop.example")
ALL = Authentication(PASS, PASS, PASS, PASS)
RECORD = Question("shop.example", "TXT")
KEY = Question("s1._domainkey.shop.example", "TXT")


class Resolver:
    """Answers at once; or when ``hold`` fires, where that is set."""

    def __init__(self) -> None:
        self.ready = True
        self.asked: list[Question] = []
        self.hold: Deferred[None] | None = None

    def lookup(self, question: Question) -> Deferred[Answer]:
        self.asked.append(question)
        if self.hold is None:
            return succeed(Answer(("yes",)))
        answer: Deferred[Answer] = Deferred()

        def tell(_: None) -> None:
            if not answer.called:
                answer.callback(Answer(("yes",)))

        self.hold.addCallback(tell)
        return answer


class Examiner:
    """Lacks one answer for SPF, asks for one key, and judges what it is told to."""

    def __init__(self) -> None:
        self.verdict = ALL
        self.judged: list[tuple[bytes, Finding, Mapping[Question, Answer]]] = []
        self.trouble: Exception | None = None
        self.endless = False

    def check_spf(
        self, mailbox_id: int, trace: Trace, answers: Mapping[Question, Answer]
    ) -> Deferred[Finding | list[Question]]:
        if self.endless:
            return succeed([Question(f"n{len(answers)}.example", "TXT")])
        if RECORD not in answers:
            return succeed([RECORD])
        failed = answers[RECORD].failure
        return succeed(Finding("temperror", failed, "shop.example") if failed else PASS)

    def survey(self, mailbox_id: int, raw: bytes) -> Deferred[list[Question]]:
        return succeed([KEY])

    async def _judge(self, *given: Any) -> Authentication:
        if self.trouble is not None:
            raise self.trouble
        self.judged.append(given)
        return evolve(self.verdict, spf=given[1])

    def judge(
        self, mailbox_id: int, raw: bytes, spf: Finding, answers: Mapping[Question, Answer]
    ) -> Deferred[Authentication]:
        return Deferred.fromCoroutine(self._judge(raw, spf, answers))


class KeepingShelf(Shelf):
    """:ivar found: what was stored."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[int, Authentication] = {}

    async def keep_authentication(self, message: Summary, found: Authentication) -> None:
        if self.trouble_keeping is not None:
            raise self.trouble_keeping
        self.found[message.seq] = found


class AuthenticityTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW.timestamp() + 1)
        self.shelf, self.examiner, self.resolver = KeepingShelf(), Examiner(), Resolver()
        self.metrics = Metrics()
        self.authenticity = Authenticity(
            cast(Messages, self.shelf), self.examiner, self.resolver, self.metrics, self.clock
        )
        self.shelf.put(1, "one")
        self.message = message()

    def of(self, which: Message | None = None) -> Deferred[Authentication | None]:
        return Deferred.fromCoroutine(self.authenticity.of(which or self.message))

    def known(self) -> Message:
        return evolve(self.message, authentication=self.shelf.found[1])

    def evaluations(self, outcome: str) -> float:
        labels = {"outcome": outcome}
        name = "tempmail_authentications_total"
        return self.metrics.registry.get_sample_value(name, labels) or 0

    def test_who_reads_a_message_is_told_and_it_is_kept(self) -> None:
        self.assertEqual(self.successResultOf(self.of()), ALL)
        self.assertEqual(self.shelf.found, {1: ALL})
        ((raw, spf, answers),) = self.examiner.judged
        self.assertEqual((raw, spf, list(answers)), (b"one", PASS, [KEY]))

    def test_what_is_known_is_not_found_out_again(self) -> None:
        self.successResultOf(self.of())
        self.successResultOf(self.of(self.known()))
        self.assertEqual(len(self.examiner.judged), 1)

    def test_a_message_that_was_parsed_is_looked_into_without_reading_it_again(self) -> None:
        self.authenticity.begin(self.message, b"at hand")
        self.assertEqual((self.examiner.judged[0][0], self.shelf.fetched), (b"at hand", []))
        self.assertEqual(self.shelf.found, {1: ALL})

    def test_what_those_before_us_saw_of_the_client_stays_and_the_rest_is_found_out(self) -> None:
        said = Finding("fail", "says another")
        told = Authentication(said, said, said, spam=Scan("pass", "says another"))
        message = evolve(self.message, authentication=told)
        expected = evolve(ALL, spf=said, dmarc=said, spam=told.spam)
        self.assertEqual(self.successResultOf(self.of(message)), expected)
        self.assertEqual(self.shelf.found, {1: expected})
        self.assertEqual(self.resolver.asked, [KEY], "nothing of SPF")
        ((_, spf, _),) = self.examiner.judged
        self.assertEqual(spf, said)

    def test_it_stays_when_the_rest_is_looked_into_again(self) -> None:
        said = Finding("fail", "says another")
        unsettled = Authentication(said, Finding("temperror", "away"), said, PASS)
        message = evolve(self.message, authentication=unsettled)
        self.successResultOf(self.of(message))
        self.assertEqual(self.shelf.found, {1: evolve(ALL, spf=said, dmarc=said)})

    def test_without_dns_what_those_before_us_said_is_all(self) -> None:
        self.resolver.ready = False
        told = Authentication(PASS, PASS, PASS)
        message = evolve(self.message, authentication=told)
        self.assertEqual(self.successResultOf(self.of(message)), told)

    def test_parsing_and_its_readers_do_not_wait_for_dns(self) -> None:
        self.resolver.hold = Deferred()
        views = Views(cast(Messages, self.shelf), SubjectParser(), self.authenticity)
        read = self.successResultOf(views.read(MAILBOX_ID, UUID(int=1), "192.0.2.1"))
        self.assertIsNone(read.authentication)
        self.assertEqual(self.shelf.kept, [1])
        self.resolver.hold.callback(None)
        self.assertEqual(self.shelf.found, {1: ALL})

    def test_a_reader_joins_what_is_under_way(self) -> None:
        self.resolver.hold = Deferred()
        self.authenticity.begin(self.message, b"at hand")
        readers = [self.of(), self.of()]
        self.assertNoResult(readers[0])
        self.resolver.hold.callback(None)
        for reader in readers:
            self.assertEqual(self.successResultOf(reader), ALL)
        self.assertEqual(len(self.examiner.judged), 1)

    def test_what_dns_does_not_say_in_time_is_not_known(self) -> None:
        self.resolver.hold = Deferred()
        reader = self.of()
        self.clock.advance(DNS_SECONDS)
        found = self.successResultOf(reader)
        assert found is not None
        assert found.spf is not None
        self.assertEqual((found.spf.result, found.spf.reason), ("temperror", "it took too long"))

    def test_nobody_waits_longer_than_their_patience(self) -> None:
        self.shelf.hold = Deferred()
        reader = self.of()
        self.clock.advance(PATIENCE)
        self.assertIsNone(self.successResultOf(reader))
        self.shelf.hold.callback(None)
        self.assertEqual(list(self.shelf.found), [1])  # the next one sees it

    def test_who_leaves_takes_nobody_along(self) -> None:
        self.resolver.hold = Deferred()
        leaving, staying = self.of(), self.of()
        leaving.addErrback(lambda _: None)
        leaving.cancel()
        self.resolver.hold.callback(None)
        self.assertEqual(self.successResultOf(staying), ALL)

    def test_without_dns_nothing_is_begun(self) -> None:
        self.resolver.ready = False
        self.authenticity.begin(self.message, b"one")
        self.assertIsNone(self.successResultOf(self.of()))
        self.assertEqual((self.shelf.fetched, self.resolver.asked), ([], []))

    def test_what_may_pass_is_tried_again_a_minute_later_without_anybody_waiting(self) -> None:
        late = Finding("temperror", "late", None)
        self.examiner.verdict = evolve(ALL, dkim=late)
        self.successResultOf(self.of())
        self.examiner.verdict = ALL
        before = self.known()
        self.assertEqual(self.successResultOf(self.of(before)), before.authentication)
        self.assertEqual(len(self.examiner.judged), 1)
        self.clock.advance(61)
        self.resolver.hold = Deferred()
        self.assertEqual(self.successResultOf(self.of(before)), before.authentication)
        self.resolver.hold.callback(None)
        self.assertEqual(self.shelf.found, {1: ALL})

    def test_days_later_it_is_not_tried_again_and_a_first_look_says_when_it_was(self) -> None:
        failed = Finding("fail", "it was changed", "shop.example")
        self.examiner.verdict = evolve(ALL, dkim=failed)
        self.clock.advance(5 * 24 * 3600)
        found = self.successResultOf(self.of())
        assert found is not None
        assert found.dkim is not None
        self.assertEqual(found.dkim.reason, "it was changed (looked up 5 days after it came)")
        self.assertEqual(found.arc, PASS)
        old = evolve(self.message, authentication=evolve(ALL, arc=Finding("temperror", "late")))
        self.clock.advance(61)
        self.successResultOf(self.of(old))
        self.assertEqual(len(self.examiner.judged), 1)

    def test_what_others_found_in_it_stays(self) -> None:
        scanned = Authentication(spam=Scan("fail", "says SES"), virus=Scan("pass", "says SES"))
        found = self.successResultOf(self.of(evolve(self.message, authentication=scanned)))
        self.assertEqual(found, evolve(ALL, spam=scanned.spam, virus=scanned.virus))

    def test_one_message_asks_no_more_than_so_much(self) -> None:
        self.examiner.endless = True
        found = self.successResultOf(self.of())
        assert found is not None
        assert found.spf is not None
        self.assertEqual(found.spf.result, "permerror")
        self.assertLessEqual(len(self.resolver.asked), MOST_QUESTIONS)

    def test_a_bounded_number_and_size_is_looked_into_at_a_time(self) -> None:
        self.resolver.hold = Deferred()
        for seq in range(1, 11):
            self.authenticity.begin(message(seq=seq), b"x")
        self.assertEqual(self.evaluations("left_out"), 10 - module._AT_ONCE_EACH)
        for seq in range(11, 30):
            other = message(seq=seq)
            summary = evolve(other.summary, mailbox_id=MAILBOX_ID + seq)
            self.authenticity.begin(evolve(other, summary=summary), b"x")
        self.assertEqual(self.evaluations("left_out"), 29 - module._AT_ONCE)
        self.resolver.hold.callback(None)
        self.assertEqual(len(self.examiner.judged), module._AT_ONCE)
        large = message(seq=40)
        large = evolve(large, summary=evolve(large.summary, size=module._BYTES_AT_ONCE + 1))
        self.authenticity.begin(large, b"x")
        self.assertEqual(len(self.examiner.judged), module._AT_ONCE)

    def test_without_workers_it_is_not_known_and_tried_again_later(self) -> None:
        self.examiner.trouble = Unavailable("too many mails wait")
        self.assertIsNone(self.successResultOf(self.of()))
        self.examiner.trouble = None
        self.assertIsNone(self.successResultOf(self.of()))
        self.clock.advance(61)
        self.assertEqual(self.successResultOf(self.of()), ALL)
        self.assertEqual((self.evaluations("failed"), self.evaluations("done")), (1, 1))

    def test_an_unforeseen_fault_is_noted_and_costs_no_reader(self) -> None:
        self.examiner.trouble = RuntimeError("broken")
        self.assertIsNone(self.successResultOf(self.of()))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_what_cannot_be_kept_is_shown_all_the_same(self) -> None:
        self.shelf.trouble_keeping = Unavailable("down")
        self.assertEqual(self.successResultOf(self.of()), ALL)

    def test_what_is_remembered_stays_bounded(self) -> None:
        for seq in range(1, module._MOST_REMEMBERED + 50):
            self.authenticity.begin(message(seq=seq), b"x")
        self.assertEqual(len(self.authenticity._tried), module._MOST_REMEMBERED)
        self.assertEqual((self.authenticity._under_way, self.authenticity._bytes), ({}, 0))
