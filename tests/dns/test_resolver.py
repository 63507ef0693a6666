from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import dns.message as wire
import dns.rrset
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.names import dns as names
from twisted.trial.unittest import TestCase

from tempmail.core.limits import Rate
from tempmail.core.metrics import Metrics
from tempmail.dns import resolver as module
from tempmail.dns.exchange import MAX_ANSWER, MOST_RECORDS, NoAnswer, Server, _Question
from tempmail.dns.resolver import DnsResolver
from tempmail.mail.authenticity.answers import Answer, Question
from tests.dns.nameserver import (
    GARBAGE,
    NO_EDNS,
    OTHER_QUESTION,
    SERVFAIL,
    SILENT,
    Nameserver,
    closed_port,
    quoted,
    serving,
)

A: Final = "A"
TXT: Final = "TXT"


class ResolverTests(TestCase):
    """Against a name server of another make, on the loopback interface."""

    timeout = 30

    def setUp(self) -> None:
        self.metrics = Metrics()
        self.patience(10)  # a machine under load is slow

    def patience(self, seconds: float) -> None:
        """Let one try take so long, where a test does not want to wait for silence."""
        self.patch(module, "TRY_SECONDS", seconds)

    def serve(self, zone: Mapping[tuple[str, str], Sequence[str] | str]) -> Nameserver:
        context = serving(zone)
        nameserver = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return nameserver

    async def resolver(self, *ports: int, **how: Any) -> DnsResolver:
        """Started, and sure that there is a server."""
        made = DnsResolver(
            reactor, [Server("127.0.0.1", port) for port in ports], self.metrics, **how
        )
        self.addCleanup(made.stop)
        made.start()
        await gatherResults(list(made._work))
        return made

    async def ask(self, resolver: DnsResolver, name: str, kind: Any = A) -> Answer:
        return await resolver.lookup(Question(name, kind))

    def count(self, outcome: str) -> float:
        value = self.metrics.registry.get_sample_value(
            "tempmail_dns_lookups_total", {"outcome": outcome}
        )
        return value or 0

    async def test_records_of_each_kind(self) -> None:
        server = self.serve(
            {
                ("a.example", "A"): ["192.0.2.1", "192.0.2.2"],
                ("a.example", "AAAA"): ["2001:db8::1"],
                ("a.example", "MX"): ["10 MX1.example.", "20 mx2.example."],
                ("1.2.0.192.in-addr.arpa", "PTR"): ["a.example."],
                ("a.example", "TXT"): ['"v=spf1 " "-all"', '"other"'],
            }
        )
        resolver = await self.resolver(server.port)
        self.assertEqual(
            sorted((await self.ask(resolver, "a.example")).records), ["192.0.2.1", "192.0.2.2"]
        )
        expected = [
            ("a.example", "AAAA", {"2001:db8::1"}),
            ("a.example", "MX", {"mx1.example", "mx2.example"}),
            ("1.2.0.192.in-addr.arpa", "PTR", {"a.example"}),
            ("a.example", "TXT", {"v=spf1 -all", "other"}),
        ]
        for name, kind, records in expected:
            self.assertEqual(set((await self.ask(resolver, name, kind)).records), records)

    async def test_what_is_not_there_is_an_answer(self) -> None:
        server = self.serve({})
        resolver = await self.resolver(server.port)
        self.assertEqual(await self.ask(resolver, "no.example"), Answer())

    async def test_a_known_answer_is_not_asked_for_again(self) -> None:
        server = self.serve({("a.example", A): ["192.0.2.1"]})
        resolver = await self.resolver(server.port)
        for name in ("a.example", "no.example"):
            first = await self.ask(resolver, name)
            self.assertEqual(await self.ask(resolver, name), first)
        self.assertEqual([name for name, _, _ in server.asked if name], ["a.example", "no.example"])
        self.assertEqual((self.count("answered"), self.count("cached")), (2, 2))

    async def test_who_asks_the_same_at_once_shares_one_question(self) -> None:
        server = self.serve({("a.example", A): ["192.0.2.1"]})
        resolver = await self.resolver(server.port)
        leaving = self.ask(resolver, "a.example")
        asked = [Deferred.fromCoroutine(self.ask(resolver, "a.example")) for _ in range(5)]
        gone = Deferred.fromCoroutine(leaving).addErrback(lambda _: None)
        gone.cancel()
        for answer in await gatherResults(asked):
            self.assertEqual(answer.records, ("192.0.2.1",))
        self.assertEqual(len([name for name, _, _ in server.asked if name]), 1)

    async def test_aliases_are_followed_and_loops_end(self) -> None:
        server = self.serve(
            {
                ("www.example", "CNAME"): ["a.example."],
                ("a.example", A): ["192.0.2.1"],
                ("x.example", "CNAME"): ["y.example."],
                ("y.example", "CNAME"): ["x.example."],
            }
        )
        resolver = await self.resolver(server.port)
        self.assertEqual((await self.ask(resolver, "www.example")).records, ("192.0.2.1",))
        self.assertEqual(await self.ask(resolver, "x.example"), Answer())

    async def test_what_does_not_fit_a_datagram_comes_by_tcp(self) -> None:
        text = "v=DKIM1; p=" + "A" * 3000
        server = self.serve({("k.example", TXT): [quoted(text)]})
        resolver = await self.resolver(server.port)
        self.assertEqual((await self.ask(resolver, "k.example", TXT)).records, (text,))
        self.assertEqual([by for name, _, by in server.asked if name], ["udp", "tcp"])

    async def test_huge_answers_are_not_read(self) -> None:
        server = self.serve(
            {
                ("huge.example", TXT): [quoted("x" * MAX_ANSWER)],
                ("many.example", A): [f"192.0.{n // 250}.{n % 250}" for n in range(500)],
            }
        )
        resolver = await self.resolver(server.port)
        for name, kind in (("huge.example", TXT), ("many.example", A)):
            answer = await self.ask(resolver, name, kind)
            self.assertTrue(answer.failure)
            self.assertEqual(answer.records, ())

    async def test_an_answer_of_many_records_is_not_even_decoded(self) -> None:
        def decode(message: Any, data: bytes) -> None:
            raise AssertionError(len(data))

        question = _Question("a.example", A, extended=False)
        reply = wire.make_response(wire.from_wire(question.bytes))
        for count in (MOST_RECORDS, MOST_RECORDS + 1):
            records = [f"192.0.2.{n}" for n in range(count)]
            reply.answer = [dns.rrset.from_text("a.example.", 60, "IN", A, *records)]
            data = reply.to_wire()
            if count == MOST_RECORDS:
                self.assertIsNotNone(question.answered_by(data))
        self.patch(names.Message, "fromStr", decode)
        self.assertRaises(NoAnswer, question.answered_by, data)
        other = bytes([data[0] ^ 1]) + data[1:]
        self.assertIsNone(question.answered_by(other), "of somebody who only guesses")

    async def test_a_server_that_does_not_know_longer_datagrams_is_asked_without(self) -> None:
        server = self.serve({("a.example", A): NO_EDNS})
        resolver = await self.resolver(server.port)
        self.assertEqual((await self.ask(resolver, "a.example")).records, ("192.0.2.1",))

    async def test_what_is_no_answer_is_not_taken_for_one(self) -> None:
        server = self.serve(
            {("a.example", A): GARBAGE, ("b.example", A): OTHER_QUESTION, ("c.example", A): SILENT}
        )
        resolver = await self.resolver(server.port)
        self.patience(0.2)
        for name in ("a.example", "b.example", "c.example"):
            answer = await self.ask(resolver, name)
            self.assertEqual(answer, Answer(failure="no resolver answered in time"))
        self.assertEqual(self.count("failed"), 3)

    async def test_a_resolver_that_cannot_tell_says_so(self) -> None:
        server = self.serve({("a.example", A): SERVFAIL})
        resolver = await self.resolver(server.port)
        self.assertIn("error 2", (await self.ask(resolver, "a.example")).failure)
        self.assertTrue(resolver.ready)

    async def test_where_one_resolver_is_down_the_next_is_asked(self) -> None:
        server = self.serve({("a.example", A): ["192.0.2.1"]})
        resolver = await self.resolver(closed_port(), server.port)
        self.assertEqual((await self.ask(resolver, "a.example")).records, ("192.0.2.1",))

    async def test_before_any_resolver_has_answered_nothing_is_asked(self) -> None:
        resolver = await self.resolver(closed_port())
        self.assertFalse(resolver.ready)
        answer = self.successResultOf(resolver.lookup(Question("a.example", A)))
        self.assertTrue(answer.failure)
        self.assertEqual(self.count("not_asked"), 1)

    async def test_without_resolvers_there_is_no_dns(self) -> None:
        resolver = await self.resolver()
        self.assertFalse(resolver.ready)

    async def test_domains_whose_servers_are_silent_do_not_turn_dns_off(self) -> None:
        server = self.serve({(f"s{n}.example", A): SILENT for n in range(8)})
        resolver = await self.resolver(server.port)
        self.patience(1)
        await gatherResults(
            [Deferred.fromCoroutine(self.ask(resolver, f"s{n}.example")) for n in range(8)]
        )
        await gatherResults(list(resolver._work))
        self.assertTrue(resolver.ready)

    async def test_when_the_resolver_goes_away_questions_end_at_once_until_it_is_back(self) -> None:
        server = self.serve({(f"s{n}.example", A): SILENT for n in range(8)})
        resolver = await self.resolver(server.port)
        server.zone["", "NS"] = SILENT
        self.patience(0.2)
        await gatherResults(
            [Deferred.fromCoroutine(self.ask(resolver, f"s{n}.example")) for n in range(8)]
        )
        await gatherResults(list(resolver._work))
        self.assertFalse(resolver.ready)
        del server.zone["", "NS"]
        self.patience(10)
        resolver._probed_at -= 60
        self.assertFalse(resolver.ready)  # nobody waits, but now it is asked
        await gatherResults(list(resolver._work))
        self.assertTrue(resolver.ready)

    async def test_a_flood_of_questions_ends_at_the_budget(self) -> None:
        server = self.serve({})
        resolver = await self.resolver(server.port, budget=Rate(1, 10))
        answers = await gatherResults(
            [Deferred.fromCoroutine(self.ask(resolver, f"n{n}.example")) for n in range(50)]
        )
        self.assertEqual(sum(not one.failure for one in answers), 10)
        self.assertEqual(self.count("over_budget"), 40)
        self.assertEqual(len([name for name, _, _ in server.asked if name]), 10)

    async def test_stopping_leaves_nothing_open(self) -> None:
        server = self.serve({("s.example", A): SILENT})
        resolver = await self.resolver(server.port)
        asked = resolver.lookup(Question("s.example", A))
        resolver.stop()
        self.assertTrue(self.successResultOf(asked).failure)
        self.assertFalse(resolver.ready)
