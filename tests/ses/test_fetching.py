"""Over real TLS on the loopback interface: who is asked, and who is believed."""

from __future__ import annotations

from typing import Any
from unittest import mock

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase
from twisted.web.server import NOT_DONE_YET, Request

from tempmail.core.metrics import Metrics
from tempmail.model.errors import Unavailable
from tempmail.ses import fetching as module
from tempmail.ses.certificates import Certificates
from tempmail.ses.confirming import Confirmations
from tempmail.ses.fetching import Fetcher
from tempmail.ses.topics import topic
from tests.ses.amazon import ARN, CERTIFICATE_URL, HOST, NOW, TOKEN, Authority, Signer
from tests.ses.servers import TlsServer, trusting

AUTHORITY = Authority("root")


class Case(TestCase):
    timeout = 30

    def serve(self, *names: str, authority: Authority = AUTHORITY) -> TlsServer:
        server = TlsServer(authority, *names or (HOST,))
        self.addCleanup(lambda: Deferred.fromCoroutine(server.stop()))
        return server

    def fetcher(self, server: TlsServer) -> Fetcher:
        return Fetcher(server.reactor, trusting(AUTHORITY))


class FetcherTest(Case):
    async def test_a_server_whose_name_and_chain_are_right_is_believed(self) -> None:
        server = self.serve()
        got = await self.fetcher(server).get(CERTIFICATE_URL, 9)
        assert got == (200, b"an answer")
        assert server.content.asked == [("GET", CERTIFICATE_URL.removeprefix(f"https://{HOST}"))]
        assert (server.reactor.names.asked, server.reactor.wanted) == ([HOST], [443])

    async def test_a_server_with_another_name_is_not(self) -> None:
        server = self.serve("sns.us-east-1.amazonaws.com", "*.amazonaws.com")
        with self.assertRaises(Unavailable):
            await self.fetcher(server).get(CERTIFICATE_URL, 9)
        assert not server.content.asked

    async def test_a_server_that_nobody_vouches_for_is_not(self) -> None:
        server = self.serve(authority=Authority("root"))
        with self.assertRaises(Unavailable):
            await self.fetcher(server).get(CERTIFICATE_URL, 9)
        assert not server.content.asked

    async def test_by_itself_it_trusts_whom_the_machine_trusts(self) -> None:
        server = self.serve()
        with self.assertRaises(Unavailable):
            await Fetcher(server.reactor).get(CERTIFICATE_URL, 9)

    async def test_redirects_are_not_followed(self) -> None:
        server = self.serve()

        def elsewhere(request: Request) -> bytes:
            request.redirect(b"https://evil.test/")
            return b"go"

        server.content.answer = elsewhere
        assert await self.fetcher(server).get(CERTIFICATE_URL, 9) == (302, b"go")
        assert server.reactor.names.asked == [HOST]
        assert len(server.content.asked) == 1

    async def test_a_longer_answer_than_wanted_is_none(self) -> None:
        server = self.serve()
        with self.assertRaises(Unavailable):
            await self.fetcher(server).get(CERTIFICATE_URL, 8)

    async def test_an_answer_that_takes_too_long_is_none(self) -> None:
        server = self.serve()

        def begin(request: Request) -> Any:
            request.write(b"so")
            return NOT_DONE_YET

        for answer in (begin, lambda _: NOT_DONE_YET):
            server.content.answer = answer
            with mock.patch.object(module, "SECONDS", 0.3), self.assertRaises(Unavailable):
                await self.fetcher(server).get(CERTIFICATE_URL, 9)

    async def test_an_answer_that_breaks_off_is_none(self) -> None:
        server = self.serve()

        def break_off(request: Request) -> Any:
            request.setHeader(b"Content-Length", b"9")
            request.write(b"so")
            request.loseConnection()
            return NOT_DONE_YET

        server.content.answer = break_off
        with self.assertRaises(Unavailable):
            await self.fetcher(server).get(CERTIFICATE_URL, 9)

    async def test_no_cookie_comes_back(self) -> None:
        server, seen = self.serve(), []

        def sweet(request: Request) -> bytes:
            seen.append(request.getHeader(b"Cookie"))
            request.addCookie(b"a", b"b")
            return b""

        server.content.answer = sweet
        fetcher = self.fetcher(server)
        for _ in range(2):
            await fetcher.get(CERTIFICATE_URL, 9)
        assert seen == [None, None]


class TogetherTest(Case):
    async def test_a_certificate_is_fetched_and_its_key_known(self) -> None:
        server, signer = self.serve(), Signer("sns.amazonaws.com")
        server.content.answer = lambda _: signer.pem
        certificates = Certificates(
            self.fetcher(server), Metrics(), mock.Mock(seconds=NOW.timestamp)
        )
        for _ in range(2):
            key = await certificates.key(CERTIFICATE_URL, topic(ARN), "192.0.2.1")
            assert key == signer.key.public_key()
        assert len(server.content.asked) == 1

    async def test_a_subscription_is_confirmed_by_a_call_of_our_own_once(self) -> None:
        server = self.serve()
        confirmations = Confirmations(self.fetcher(server), server.reactor)
        both = [confirmations.confirm(topic(ARN), TOKEN) for _ in range(2)]
        assert [await one for one in both] == [True, True]
        assert await confirmations.confirm(topic(ARN), TOKEN)
        query = (
            "Action=ConfirmSubscription&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Amail"
            f"&Token={TOKEN}&Version=2010-03-31"
        )
        assert server.content.asked == [("GET", f"/?{query}")]
        assert server.reactor.names.asked == [HOST]

    async def test_what_amazon_refuses_is_not_asked_again_and_trouble_is(self) -> None:
        server = self.serve()
        confirmations = Confirmations(self.fetcher(server), server.reactor)

        def status(code: int) -> None:
            def answer(request: Request) -> bytes:
                request.setResponseCode(code)
                return b""

            server.content.answer = answer

        status(503)
        for one in [confirmations.confirm(topic(ARN), TOKEN) for _ in range(2)]:
            with self.assertRaises(Unavailable):
                await one
        status(400)
        for _ in range(2):
            assert not await confirmations.confirm(topic(ARN), TOKEN)
        assert len(server.content.asked) == 2
