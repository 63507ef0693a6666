"""Where SNS posts: what it is answered, whatever becomes of the mail."""

from __future__ import annotations

import enum
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core import request_limits
from tempmail.core.blocks import Blocks
from tempmail.core.limits import Rate
from tempmail.core.plan_rates import AnonymousRate
from tempmail.core.request_limits import RequestLimits
from tempmail.http.channel import Limits
from tempmail.http.gate import Gate
from tempmail.http.proxies import TrustedProxies
from tempmail.http.site import Site
from tempmail.http.sns import MOST_BYTES, PATH
from tempmail.model.errors import Forbidden, InvalidInput, Unavailable, Undecided
from tests.core.test_request_limits import Plans
from tests.http.service import Reply, Service, request_bytes

ARN = "arn:aws:sns:eu-west-1:123456789012:mail"
HEADERS = {"Content-Type": "text/plain; charset=UTF-8", "X-Amz-Sns-Topic-Arn": ARN}
LARGE = request_bytes("POST", PATH, HEADERS, b"x" * 70_000)


class Outcome(enum.StrEnum):
    STORED = "stored"


class Calls:
    """Takes what is posted when ``outcome`` fires."""

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, str]] = []
        self.outcome: Deferred[Any] = Deferred()
        self.trouble: Exception | None = None
        self.ended: list[str] = []

    async def take(self, body: bytes, peer_ip: str) -> enum.StrEnum:
        self.taken.append((body, peer_ip))
        if self.trouble is not None:
            raise self.trouble
        try:
            await self.outcome
        except BaseException as error:
            self.ended.append(type(error).__name__)
            raise
        self.ended.append("well")
        return Outcome.STORED


class SnsTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.calls = Calls()
        self.service = Service(
            sns=self.calls, limits=Limits(body_bytes_of={PATH.encode(): MOST_BYTES})
        )

    def post(self, body: bytes = b"{}", topic: str = ARN) -> Reply:
        return self.service.call(
            "POST", PATH, body, headers={**HEADERS, "X-Amz-Sns-Topic-Arn": topic}
        )

    def test_what_was_dealt_with_is_answered_200(self) -> None:
        self.calls.outcome.callback(None)
        reply = self.post(b"a body")
        self.assertEqual((reply.status, reply.json), (200, {"outcome": "stored"}))
        self.assertEqual(self.calls.taken, [(b"a body", "192.0.2.1")])

    def test_a_refusal_says_whether_to_come_again(self) -> None:
        for trouble, status, code in (
            (InvalidInput("Type: is missing"), 400, "malformed_notification"),
            (Forbidden("no", code="forged"), 403, "forged"),
            (Unavailable("away"), 503, "unavailable"),
            (Undecided("who knows"), 503, "undecided"),
        ):
            self.calls.trouble = trouble
            reply = self.post()
            self.assertEqual((reply.status, reply.json["code"]), (status, code))

    def test_a_body_may_be_of_a_megabyte_here_alone(self) -> None:
        self.calls.outcome.callback(None)
        self.assertEqual(self.post(b"x" * MOST_BYTES).status, 200)
        self.assertEqual(self.post(b"x" * (MOST_BYTES + 1)).status, 413)
        elsewhere = self.service.call("POST", "/api/v1/mailboxes", b"x" * 100_000)
        self.assertEqual(elsewhere.status, 413)

    def few_large(self, most: int) -> None:
        limits = Limits(body_bytes_of={PATH.encode(): MOST_BYTES}, large_bodies=most)
        self.service = Service(sns=self.calls, limits=limits)

    def test_large_bodies_at_once_are_few_and_make_room_again(self) -> None:
        self.few_large(2)
        one, two = self.service.connect("192.0.2.2"), self.service.connect("192.0.2.3")
        one.send(LARGE)
        two.send(LARGE[:-1])
        busy = self.post(b"x" * 70_000)
        self.assertEqual((busy.status, busy.json["code"]), (503, "busy"))
        self.assertEqual(busy.headers["retry-after"], "5")
        self.assertEqual(self.refused("busy"), 1)
        two.leave(cleanly=False)  # with its body half there
        self.calls.outcome.callback(None)
        for _ in range(3):
            self.assertEqual(self.post(b"x" * 70_000).status, 200)
        one.leave(cleanly=True)
        self.assertEqual(len(self.service.site.large_bodies), 0)

    def test_whoever_announces_a_large_body_and_is_silent_takes_nobodys_place(self) -> None:
        self.few_large(4)
        self.calls.outcome.callback(None)
        for number in range(100):
            silent = self.service.connect(f"198.51.100.{number}")
            silent.send(LARGE[: -70_000 + number * 600])
        self.assertEqual(self.post(b"x" * 70_000).status, 200)

    def test_one_network_has_a_quarter_of_the_places(self) -> None:
        self.few_large(8)
        statuses = []
        for _ in range(3):
            connection = self.service.connect("2001:db8::1")
            connection.send(LARGE)
            statuses.append(connection.received()[:12])
        self.assertEqual(statuses, [b"", b"", b"HTTP/1.1 503"])
        self.calls.outcome.callback(None)
        self.assertEqual(self.post(b"x" * 70_000).status, 200)

    def test_which_behind_a_proxy_is_the_one_that_it_names(self) -> None:
        self.few_large(8)
        site, metrics = self.service.site, self.service.metrics
        site.gate = Gate(metrics, proxies=TrustedProxies(["10.0.0.1"]))
        for number in range(8):
            headers = {**HEADERS, "X-Forwarded-For": f"198.51.100.{number}"}
            connection = self.service.connect("10.0.0.1")
            connection.send(request_bytes("POST", PATH, headers, b"x" * 70_000))
            self.assertEqual(connection.received(), b"")
        self.assertEqual(len(site.large_bodies), 8)

    def refused(self, code: str) -> float | None:
        registry = self.service.metrics.registry
        return registry.get_sample_value("tempmail_http_refused_total", {"code": code})

    def test_whoever_leaves_does_not_stop_a_mail_on_its_way(self) -> None:
        connection = self.service.connect()
        connection.send(request_bytes("POST", PATH, HEADERS, b"{}"))
        connection.leave(cleanly=False)
        self.assertEqual(self.calls.ended, [])
        self.calls.outcome.callback(None)
        self.assertEqual(self.calls.ended, ["well"])

    def test_nor_does_its_trouble_go_unheard_or_astray(self) -> None:
        connection = self.service.connect()
        connection.send(request_bytes("POST", PATH, HEADERS, b"{}"))
        connection.leave(cleanly=False)
        self.calls.outcome.errback(Unavailable("away"))
        self.assertEqual(self.calls.ended, ["Unavailable"])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_where_no_topic_is_named_there_is_nothing(self) -> None:
        reply = Service().call("POST", PATH, b"{}", headers=HEADERS)
        self.assertEqual((reply.status, reply.json["code"]), (404, "not_found"))

    def test_other_methods_have_no_place(self) -> None:
        self.assertEqual(self.service.call("GET", PATH).status, 405)

    def limit(self) -> Blocks:
        service, clock = self.service, self.service.clock
        blocks = Blocks(service.metrics, clock)
        limits = RequestLimits(AnonymousRate(Plans(), clock), blocks, service.metrics, clock)
        gate = Gate(service.metrics, limits=limits, topics=[ARN])
        service.site = Site(service.resource, clock, service.metrics, gate=gate)
        return blocks

    def test_calls_for_our_topics_come_as_often_as_there_is_mail(self) -> None:
        self.calls.outcome.callback(None)
        blocks = self.limit()
        self.assertEqual({self.post().status for _ in range(300)}, {200})
        blocks.block("192.0.2.1", "requests")
        self.assertEqual(self.post().status, 200)
        self.assertEqual(self.service.call("GET", "/api/v1/account").status, 429)

    def test_but_not_more_often_than_there_can_be_from_one_network(self) -> None:
        self.calls.outcome.callback(None)
        self.patch(request_limits, "NOTIFICATIONS", Rate(1, 20))
        self.limit()
        self.assertEqual([self.post().status for _ in range(21)], [200] * 20 + [503])
        busy = self.post()
        self.assertEqual((busy.json["code"], busy.headers["retry-after"]), ("busy", "1"))
        self.assertEqual((self.refused("busy"), len(self.calls.taken)), (2, 20))
        self.service.clock.advance(1)
        self.assertEqual(self.post().status, 200)
        other = self.service.call("POST", PATH, b"{}", headers=HEADERS, client="192.0.2.2")
        self.assertEqual(other.status, 200)

    def test_nor_are_their_senders_blocked_for_that(self) -> None:
        self.calls.outcome.callback(None)
        self.patch(request_limits, "NOTIFICATIONS", Rate(1, 1))
        blocks = self.limit()
        for _ in range(3000):
            self.post()
        self.assertEqual(blocks.unshared(), [])

    def test_others_are_counted_as_any_request_is(self) -> None:
        self.calls.outcome.callback(None)
        self.limit()
        self.assertEqual({self.post(topic=ARN + "2").status for _ in range(300)}, {200, 429})
