"""Who passes the gate: by host, by origin, by address, by how often."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.blocks import Blocks
from tempmail.core.plan_rates import AnonymousRate
from tempmail.core.request_limits import RequestLimits
from tempmail.core.tokens import digest
from tempmail.http.connections import Connections
from tempmail.http.gate import Gate
from tempmail.http.hosts import Hosts
from tempmail.http.origins import Origins
from tempmail.http.proxies import TrustedProxies
from tempmail.http.site import Site
from tempmail.model.account import Caller
from tempmail.model.mailbox import UserOwner
from tests.core.test_request_limits import Plans
from tests.http.service import Connection, Reply, Service, replies, request_bytes

MAILBOXES = "/api/v1/mailboxes"
FRIEND = "https://friend.example"
EVIL = "https://evil.example"


class GateCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.service = Service()
        self.plans = Plans()
        self.blocks = Blocks(self.service.metrics, self.service.clock)

    def guard(self, *, limited: bool = False, **parts: Any) -> None:
        clock: Clock = self.service.clock
        if limited:
            rate = AnonymousRate(self.plans, clock)
            parts["limits"] = RequestLimits(rate, self.blocks, self.service.metrics, clock)
        metrics = self.service.metrics
        self.service.site = Site(self.service.resource, clock, metrics, gate=Gate(metrics, **parts))

    def raw(self, head: str, *, method: str = "GET", body: bytes = b"") -> Reply:
        connection = self.service.connect()
        connection.send(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body)
        [reply] = replies(connection.received(), method)
        connection.leave(cleanly=True)
        return reply

    def assert_problem(self, reply: Reply, status: int, code: str) -> None:
        self.assertEqual((reply.status, reply.json["code"]), (status, code), reply)
        self.assertEqual(reply.headers["cache-control"], "no-store")

    def refused(self, code: str) -> float:
        found = self.service.metrics.registry.get_sample_value(
            "tempmail_http_refused_total", {"code": code}
        )
        return found or 0.0


class Names(GateCase):
    def get(self, host: str, target: str = "/nowhere") -> Reply:
        return self.raw(f"GET {target} HTTP/1.1\nHost: {host}")

    def test_ours_and_those_of_the_loopback_interface_are_answered(self) -> None:
        self.guard(hosts=Hosts(["Mail.test", "192.0.2.9", "2001:db8::1"]))
        for host in [
            *("mail.test", "MAIL.TEST:8080", "mail.test.", "192.0.2.9:80", "[2001:db8::1]:80"),
            *("localhost", "localhost:8080", "a.localhost", "127.0.0.1:1", "127.8.8.8", "[::1]:9"),
        ]:
            self.assert_problem(self.get(host), 404, "not_found")

    def test_others_are_refused_with_the_name_of_the_option(self) -> None:
        self.guard(hosts=Hosts(["mail.test"]))
        for host in [
            *("evil.example", "mail.test.evil.example", "evilmail.test", "localhost.evil.example"),
            *("192.0.2.1", "[2001:db8::1]", "0.0.0.0", "", ":80", "127.0.0.1.evil.example"),
        ]:
            reply = self.get(host)
            self.assert_problem(reply, 421, "unknown_host")
            self.assertIn("--host", reply.json["detail"])
            self.assertNotIn("evil", reply.json["detail"])
        self.assertEqual(self.refused("unknown_host"), 10)

    def test_an_address_cannot_be_another_sites_name(self) -> None:
        self.guard(hosts=Hosts(["mail.test"], addresses=True))
        for host in ["192.0.2.1:8080", "[2001:db8::1]"]:
            self.assert_problem(self.get(host), 404, "not_found")
        self.assert_problem(self.get("192.0.2.1.evil.example"), 421, "unknown_host")

    def test_the_host_of_an_absolute_target_is_the_one_that_counts(self) -> None:
        self.guard(hosts=Hosts(["mail.test"]))
        other = self.get("mail.test", "http://evil.example/nowhere")
        self.assert_problem(other, 421, "unknown_host")
        self.assert_problem(self.get("evil.example", "http://mail.test/x"), 404, "not_found")

    def test_monitors_and_balancers_come_by_any_name(self) -> None:
        self.guard(hosts=Hosts(["mail.test"]))
        for target in ["/health", "/health/live", "/health/ready"]:
            self.assertEqual(self.get("10.0.0.7:8080", target).status, 200)
        self.assertEqual(self.raw("GET /health HTTP/1.0").status, 200)
        self.assert_problem(self.get("10.0.0.7", "/healthy"), 421, "unknown_host")


class Pages(GateCase):
    def setUp(self) -> None:
        super().setUp()
        self.guard(origins=Origins([FRIEND]))

    def test_another_sites_page_cannot_use_up_its_visitors_mailboxes(self) -> None:
        for headers in [
            {"Origin": EVIL},
            {"Origin": "null"},
            {"Origin": "http://mail.test.evil.example"},
            {"Origin": "http://mail.test:81"},
            {"Origin": "http://[half"},
            {"Origin": ""},
            {"Sec-Fetch-Site": "cross-site"},
        ]:
            reply = self.service.call("POST", MAILBOXES, headers=headers)
            self.assert_problem(reply, 403, "origin_refused")
            self.assertNotIn("access-control-allow-origin", reply.headers)
        self.assertEqual(self.service.storage.boxes, {})
        self.assertEqual(self.refused("origin_refused"), 7)

    def test_whatever_changes_something_is_refused(self) -> None:
        url, token = self.service.mailbox("ann")
        for method in ["PATCH", "PUT", "DELETE"]:
            reply = self.service.call(method, url, token=token, headers={"Origin": EVIL})
            self.assert_problem(reply, 403, "origin_refused")
        self.assertIn("ann@mail.test", self.service.storage.boxes)

    def test_programs_and_our_own_pages_pass(self) -> None:
        for headers in [
            {},
            {"Origin": "http://mail.test"},
            {"Origin": "http://mail.test:80"},
            {"Origin": "https://mail.test"},  # a proxy speaks TLS, and nobody told us
            {"Sec-Fetch-Site": "same-origin"},
            {"Sec-Fetch-Site": "none"},
            {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"},
        ]:
            self.assertEqual(self.service.call("POST", MAILBOXES, headers=headers).status, 201)

    def test_a_welcome_page_is_told_what_it_may_see(self) -> None:
        reply = self.service.call("POST", MAILBOXES, headers={"Origin": FRIEND})
        self.assertEqual(reply.headers["access-control-allow-origin"], FRIEND)
        self.assertEqual(reply.headers["vary"], "Origin")
        self.assertEqual(reply.headers["cross-origin-resource-policy"], "cross-origin")
        self.assertNotIn("access-control-allow-credentials", reply.headers)
        exposed = reply.headers["access-control-expose-headers"].split(", ")
        for name in ["Tempmail-After", "Retry-After", "RateLimit-Remaining", "ETag", "Location"]:
            self.assertIn(name, exposed)

    def test_its_refusals_too(self) -> None:
        reply = self.service.call("GET", f"{MAILBOXES}/a@mail.test", headers={"Origin": FRIEND})
        self.assert_problem(reply, 401, "unauthenticated")
        self.assertEqual(reply.headers["access-control-allow-origin"], FRIEND)

    def test_another_page_may_lead_here_and_not_ask(self) -> None:
        elsewhere = {"Sec-Fetch-Site": "cross-site"}
        visit = {**elsewhere, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        frame = {**visit, "Sec-Fetch-Dest": "iframe"}
        fetched = {**elsewhere, "Sec-Fetch-Mode": "cors", "Origin": EVIL}
        for headers, target, status in (
            (visit, "/nowhere", 404),
            (visit, "/plain", 404),
            (visit, "/m/x", 404),
            (frame, "/m/x", 404),
            (visit, MAILBOXES, 403),
            (visit, "/ws/inbox/x?token=uct_x", 403),
            (frame, "/nowhere", 403),
            (elsewhere, "/nowhere", 403),
            (fetched, MAILBOXES, 403),
            (fetched, "/plain", 403),
            (fetched, "/m/x", 403),
            (fetched, "/qr", 403),
            ({"Origin": EVIL}, MAILBOXES, 403),
            ({"Origin": EVIL}, "/m/x", 403),
        ):
            reply = self.service.call("GET", target, headers=headers)
            self.assertEqual(reply.status, status, (headers, target))

    def test_what_is_refused_is_said_to_nobody_else(self) -> None:
        reply = self.service.call("GET", "/nowhere", headers={"Origin": EVIL})
        self.assert_problem(reply, 403, "origin_refused")
        self.assertNotIn("access-control-allow-origin", reply.headers)
        self.assertEqual(reply.headers["vary"], "Origin")
        self.assertEqual(reply.headers["cross-origin-resource-policy"], "same-origin")

    def test_nothing_is_part_of_another_page_but_a_mails_document(self) -> None:
        for site in ("cross-site", "same-site"):
            embedded = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
            for headers in (embedded, {**embedded, "Origin": EVIL}):
                reply = self.service.call("GET", MAILBOXES, headers=headers)
                self.assert_problem(reply, 403, "origin_refused")
            reply = self.service.call("GET", "/m/x/images/0", headers=embedded)
            self.assertNotEqual(reply.status, 403)
            for passing in (
                {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"},
                {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors"},
                {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "cors", "Origin": FRIEND},
            ):
                self.assertEqual(self.service.call("GET", "/nowhere", headers=passing).status, 404)

    def test_a_preflight_is_answered_for_those_alone_that_are_welcome(self) -> None:
        asked = {"Access-Control-Request-Method": "PATCH"}
        asked["Access-Control-Request-Headers"] = "authorization"
        reply = self.service.call("OPTIONS", MAILBOXES, headers={"Origin": FRIEND, **asked})
        self.assertEqual((reply.status, reply.body), (204, b""))
        self.assertEqual(reply.headers["access-control-allow-origin"], FRIEND)
        self.assertIn("PATCH", reply.headers["access-control-allow-methods"])
        for name in ["Authorization", "Content-Type", "X-Session-Token", "Last-Event-ID"]:
            self.assertIn(name, reply.headers["access-control-allow-headers"])
        self.assertEqual(reply.headers["access-control-max-age"], "7200")
        reply = self.service.call("OPTIONS", MAILBOXES, headers={"Origin": EVIL, **asked})
        self.assert_problem(reply, 403, "origin_refused")
        self.assertEqual(
            self.service.call("OPTIONS", MAILBOXES).headers["allow"], "GET, HEAD, POST"
        )

    def test_a_websocket_of_another_page_goes_no_further(self) -> None:
        asked = {"Upgrade": "websocket", "Connection": "Upgrade"}
        reply = self.service.call("GET", "/ws/inbox/x", headers={"Origin": EVIL, **asked})
        self.assert_problem(reply, 403, "origin_refused")
        reply = self.service.call("GET", "/ws/inbox/x", headers={"Origin": FRIEND, **asked})
        self.assert_problem(reply, 404, "not_found")

    def test_in_dev_every_site_may_be_welcome_but_no_nameless_one(self) -> None:
        self.guard(origins=Origins(["*"]))
        reply = self.service.call("POST", MAILBOXES, headers={"Origin": EVIL})
        self.assertEqual(reply.headers["access-control-allow-origin"], EVIL)
        reply = self.service.call("POST", MAILBOXES, headers={"Origin": "null"})
        self.assert_problem(reply, 403, "origin_refused")


class Addresses(GateCase):
    PROXY = "10.0.0.1"

    def setUp(self) -> None:
        super().setUp()
        self.guard(proxies=TrustedProxies(["10.0.0.0/8", "2001:db8:ffff::/48"]), https_only=True)

    def client(self, headers: dict[str, str], peer: str = PROXY) -> str:
        """Which network the service takes a request to be from."""
        self.service.storage.boxes.clear()
        reply = self.service.call("POST", MAILBOXES, headers=headers, client=peer)
        self.assertEqual(reply.status, 201)
        [box] = self.service.storage.boxes.values()
        return box.client

    def test_a_proxy_that_is_trusted_is_believed(self) -> None:
        for headers, client in [
            ({"X-Forwarded-For": "192.0.2.7"}, "192.0.2.7"),
            ({"X-Forwarded-For": "192.0.2.7:4711"}, "192.0.2.7"),
            ({"X-Forwarded-For": "2001:db8::7"}, "2001:db8::/64"),
            ({"X-Forwarded-For": "[2001:db8::7]:80"}, "2001:db8::/64"),
            ({"Forwarded": "for=192.0.2.7"}, "192.0.2.7"),
            ({"Forwarded": 'For="192.0.2.7:80";proto=https;by=10.0.0.1'}, "192.0.2.7"),
            ({"Forwarded": 'for="[2001:db8::7]:_x", for=10.0.0.2'}, "2001:db8::/64"),
            ({"Forwarded": "for=192.0.2.7", "X-Forwarded-For": "192.0.2.7"}, "192.0.2.7"),
        ]:
            self.assertEqual(self.client(headers), client, headers)

    def test_the_last_that_is_no_proxy_of_ours_is_the_client(self) -> None:
        for hops, client in [
            ("1.1.1.1, 192.0.2.7", "192.0.2.7"),
            ("1.1.1.1, 192.0.2.7, 10.9.9.9, 10.1.1.1", "192.0.2.7"),
            ("10.9.9.9, 10.1.1.1", "10.9.9.9"),
            ("192.0.2.7,\t2001:db8:ffff::1", "192.0.2.7"),
        ]:
            self.assertEqual(self.client({"X-Forwarded-For": hops}), client, hops)

    def test_what_a_client_writes_itself_is_not_believed(self) -> None:
        for headers, client in [
            ({"X-Forwarded-For": "unknown"}, self.PROXY),
            ({"X-Forwarded-For": "192.0.2.7, nonsense"}, self.PROXY),
            ({"X-Forwarded-For": "192.0.2.7, nonsense, 10.1.1.1"}, "10.1.1.1"),
            ({"Forwarded": "for=_hidden"}, self.PROXY),
            ({"Forwarded": "by=10.0.0.1"}, self.PROXY),
            # An open quotation mark would hide what the proxy appends.
            ({"Forwarded": 'for=1.1.1.1;x=", for="[2001:db8::7]"'}, self.PROXY),
            ({"Forwarded": 'for=1.1.1.1;x="\\, for="[2001:db8::7]"'}, self.PROXY),
            # One of the two may be the client's own.
            ({"Forwarded": "for=1.1.1.1", "X-Forwarded-For": "192.0.2.7"}, self.PROXY),
        ]:
            self.assertEqual(self.client(headers), client, headers)

    def test_from_anybody_else_they_are_not_looked_at(self) -> None:
        headers = {"X-Forwarded-For": "1.1.1.1", "Forwarded": "for=1.1.1.1"}
        self.assertEqual(self.client(headers, "192.0.2.200"), "192.0.2.200")
        self.assertEqual(self.client(headers, "11.0.0.1"), "11.0.0.1")
        self.guard()
        self.assertEqual(self.client(headers), self.PROXY)

    def test_a_proxy_behind_an_ipv6_socket_is_the_same(self) -> None:
        seen = self.client({"X-Forwarded-For": "192.0.2.7"}, "::ffff:10.0.0.1")
        self.assertEqual(seen, "192.0.2.7")

    def test_tls_at_the_proxy_is_the_clients(self) -> None:
        def strict(headers: dict[str, str], peer: str = self.PROXY) -> bool:
            reply = self.service.call("GET", "/nowhere", headers=headers, client=peer)
            return "strict-transport-security" in reply.headers

        told = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
        self.assertTrue(strict(told))
        self.assertTrue(strict({"Forwarded": "for=192.0.2.7;proto=https"}))
        self.assertFalse(strict({**told, "X-Forwarded-Proto": "http"}))
        self.assertFalse(strict(told, "192.0.2.200"))
        insecure = {"Origin": "http://mail.test", **told}
        reply = self.service.call("POST", MAILBOXES, headers=insecure, client=self.PROXY)
        self.assert_problem(reply, 403, "origin_refused")


class Rates(GateCase):
    def setUp(self) -> None:
        super().setUp()
        self.plans.rate = 20
        self.guard(limited=True)
        self.service.call("GET", "/nowhere", client="192.0.2.99")  # reads the row

    def statuses(self, count: int, target: str = "/nowhere", **more: Any) -> list[int]:
        return [self.service.call("GET", target, **more).status for _ in range(count)]

    def test_beyond_its_rate_a_network_is_told_when_to_come(self) -> None:
        first = self.service.call("GET", "/nowhere")
        limits = [first.headers[f"ratelimit-{name}"] for name in ("limit", "remaining", "reset")]
        self.assertEqual(limits, ["20", "19", "3"])
        self.assertEqual(self.statuses(19), [404] * 19)
        reply = self.service.call("GET", "/nowhere")
        self.assert_problem(reply, 429, "rate_limited")
        self.assertEqual(reply.headers["retry-after"], "3")
        self.assertEqual(reply.headers["ratelimit-remaining"], "0")
        self.assertEqual(self.refused("rate_limited"), 1)
        self.service.clock.advance(3)
        self.assertEqual(self.statuses(2), [404, 429])
        self.assertEqual(self.statuses(1, client="192.0.2.2"), [404])

    def test_the_creation_of_a_mailbox_is_not_even_asked_for(self) -> None:
        self.statuses(20)
        self.assert_problem(self.service.call("POST", MAILBOXES), 429, "rate_limited")
        self.assertEqual(self.service.storage.boxes, {})

    def test_health_is_never_limited(self) -> None:
        self.assertEqual(self.statuses(100, "/health"), [200] * 100)
        self.assertEqual(self.statuses(21), [404] * 20 + [429])
        self.assertEqual(self.statuses(1, "/health/ready"), [200])

    def test_the_files_of_a_page_do_not_use_up_the_rate_of_the_api(self) -> None:
        self.assertEqual(self.statuses(40, "/static/none.js"), [404] * 40)
        self.assertEqual(self.statuses(1), [404])

    def test_documents_have_a_bucket_of_their_own(self) -> None:
        self.statuses(20)
        self.assertEqual(self.statuses(201, "/m/x/images/0"), [404] * 200 + [429])

    def test_a_preflight_costs_nothing(self) -> None:
        self.guard(limited=True, origins=Origins([FRIEND]))
        asked = {"Origin": FRIEND, "Access-Control-Request-Method": "POST"}
        for _ in range(50):
            reply = self.service.call("OPTIONS", MAILBOXES, headers=asked)
            self.assertEqual(reply.status, 204)

    def test_a_key_has_the_rate_of_its_users_plan_instead(self) -> None:
        key = "uct_" + "k" * 43
        ann = Caller(UserOwner(1), key_id=1, requests_per_minute=30)
        self.service.keys.known[digest(key)] = ann
        self.statuses(21)
        answers = [self.service.call("GET", MAILBOXES, token=key) for _ in range(31)]
        self.assertEqual([one.status for one in answers], [200] * 30 + [429])
        self.assertEqual(answers[0].headers["ratelimit-limit"], "30")
        self.assertEqual(answers[30].headers["ratelimit-remaining"], "0")
        self.assert_problem(answers[30], 429, "rate_limited")

    def test_showing_a_key_does_not_help_where_none_is_asked_for(self) -> None:
        fake = {"X-Session-Token": "uct_x"}
        self.assertEqual(self.statuses(21, headers=fake)[:20], [404] * 20)
        self.assertEqual(self.statuses(1), [429])

    def test_unknown_keys_are_looked_up_at_a_bounded_rate(self) -> None:
        statuses = self.statuses(200, MAILBOXES, token="uct_unknown")
        self.assertEqual(statuses, [401] * 120 + [429] * 80)

    def test_hanging_up_does_not_hide_unknown_keys(self) -> None:
        self.plans.rate = -1
        self.guard(limited=True)
        self.service.call("GET", "/nowhere")
        asked: list[Any] = []

        async def callers(digests: Any) -> Any:
            asked.extend(digests)
            return await Deferred()  # storage takes its time

        self.service.keys.callers = callers  # type: ignore[method-assign]
        for number in range(200):
            connection = self.service.connect()
            shown = {"Authorization": f"Bearer uct_guess{number}"}
            connection.send(request_bytes("GET", MAILBOXES, shown))
            connection.leave()
        self.assertEqual(len(asked), 120)

    def test_good_keys_are_not_taken_for_guesses(self) -> None:
        key = "uct_" + "k" * 43
        ann = Caller(UserOwner(1), key_id=1, requests_per_minute=-1)
        self.service.keys.known[digest(key)] = ann
        self.assertEqual(self.statuses(500, MAILBOXES, token=key), [200] * 500)

    def test_what_nobody_was_charged_for_is_a_debt_that_ends(self) -> None:
        shown = {"Cookie": "__Host-session=x"}
        for method, target, headers in (
            ("GET", "/nowhere", shown),
            ("BREW", MAILBOXES, shown),
            ("GET", f"{MAILBOXES}/a@mail.test/events?ticket=x&nonsense=1", {}),
            ("GET", MAILBOXES, {**shown, "Sec-Fetch-Site": "same-site"}),
        ):
            self.service.clock.advance(600)
            asked = [self.service.call(method, target, headers=headers).status for _ in range(100)]
            self.assertEqual(asked.index(429), 21, target)
            self.assertEqual(set(asked[22:]), {429})

    def test_what_only_looks_like_an_account_is_counted_by_the_network(self) -> None:
        for target, headers in (
            ("/nowhere", {"Cookie": "session=x"}),
            ("/nowhere", {"Cookie": "a__Host-session=x; my_session=y; __Host-session="}),
            ("/nowhere?ticket=x&token=uct_x", {}),
            (f"{MAILBOXES}/a@mail.test/events?ticket=&after=0", {}),
        ):
            self.service.clock.advance(600)
            reply = self.service.call("GET", target, headers=headers)
            self.assertEqual(reply.headers["ratelimit-remaining"], "19", target)

    def test_a_blocked_network_is_told_so_and_for_how_long(self) -> None:
        self.blocks.block("192.0.2.1", "errors")
        reply = self.service.call("POST", MAILBOXES)
        self.assert_problem(reply, 429, "blocked")
        self.assertEqual(reply.headers["retry-after"], "60")
        self.assertEqual(self.service.call("GET", "/health").status, 200)
        self.service.clock.advance(60)
        self.assertEqual(self.service.call("POST", MAILBOXES).status, 201)

    def test_hammering_gets_a_network_blocked(self) -> None:
        connection = self.service.connect()
        request = b"GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n"
        for _ in range(1000):
            connection.send(request)
        self.assert_problem(self.service.call("GET", "/nowhere"), 429, "blocked")

    def test_trying_tokens_by_the_hundred_does(self) -> None:
        self.plans.rate = -1
        self.guard(limited=True)
        url, _ = self.service.mailbox("ann")
        for number in range(700):
            self.service.call("GET", url, token=f"guess{number}")
        self.assert_problem(self.service.call("GET", "/nowhere"), 429, "blocked")

    def test_running_into_the_mailbox_limit_by_the_hundred_does(self) -> None:
        self.plans.rate = -1
        self.guard(limited=True)
        codes = {self.service.call("POST", MAILBOXES).status for _ in range(650)}
        self.assertEqual(codes, {201, 429})
        self.assert_problem(self.service.call("GET", "/nowhere"), 429, "blocked")

    def test_other_sites_pages_cannot_get_their_visitor_blocked(self) -> None:
        embedded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
        self.assertEqual(set(self.statuses(2700, headers=embedded)), {403, 429})
        self.assertEqual(self.statuses(1), [404])
        url, _ = self.service.mailbox("ann")
        for headers in (
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Origin": EVIL},
        ):
            self.statuses(1500, headers=headers)
            self.plans.rate = -1
            self.service.clock.advance(600)
            self.statuses(2)
            self.statuses(700, f"{url}/events?token=guess", headers=headers)
            self.assertEqual(self.statuses(1), [404])
            self.plans.rate = 20
            self.service.clock.advance(600)
            self.statuses(1)

    def test_nor_use_up_what_it_may_ask_for(self) -> None:
        fetched = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Origin": EVIL}
        key = {"Authorization": "Bearer uct_unknown"}
        asked = self.statuses(150, MAILBOXES, headers={**fetched, **key})
        asked += self.statuses(100, headers=fetched)
        self.assertEqual(asked, [403] * 200 + [429] * 50)
        self.assertEqual(self.refused("rate_limited"), 50)
        reply = self.service.call("GET", "/nowhere")
        self.assertEqual(reply.headers["ratelimit-remaining"], "19")
        self.assertEqual(self.statuses(120, MAILBOXES, token="uct_unknown"), [401] * 120)

    def test_a_path_that_cannot_be_read_counts_as_any_other(self) -> None:
        self.assertEqual(self.statuses(25, "/%00"), [400] * 20 + [429] * 5)
        self.blocks.block("192.0.2.1", "errors")
        page = {"Accept": "text/html"}
        self.assert_problem(self.service.call("GET", "//x", headers=page), 429, "blocked")

    def test_a_proxy_is_not_blocked_for_what_comes_through_it(self) -> None:
        self.guard(limited=True, proxies=TrustedProxies(["10.0.0.1"]))
        torn = {"Forwarded": "for=1.1.1.1", "X-Forwarded-For": "192.0.2.7"}
        asked = self.statuses(3000, headers=torn, client="10.0.0.1")
        self.assertEqual(set(asked), {404, 429})
        self.assertEqual(self.blocks.unshared(), [])
        self.blocks.block("10.0.0.1", "errors")
        self.service.clock.advance(30)
        self.assertEqual(self.statuses(1, headers=torn, client="10.0.0.1"), [404])


class Room(GateCase):
    def crowd(self, most: int, most_each: int | None = None) -> None:
        gauge = self.service.metrics.http_connections
        self.service.site = Site(
            self.service.resource,
            self.service.clock,
            self.service.metrics,
            gate=Gate(self.service.metrics, proxies=TrustedProxies(["10.0.0.1"])),
            connections=Connections(most, most_each, gauge),
        )

    def open(self, host: str = "192.0.2.1") -> Connection:
        connection = self.service.connect(host)
        connection.send(b"GET")
        return connection

    def test_there_are_only_so_many_connections(self) -> None:
        self.crowd(2)
        first, _ = self.open(), self.service.connect()
        third = self.service.connect()
        [reply] = replies(third.received(), "GET")
        self.assert_problem(reply, 503, "full")
        self.assertTrue(third.closed)
        third.leave()
        first.leave()
        self.assertEqual(self.open().received(), b"")
        self.assertEqual(self.refused("full"), 1)

    def test_one_network_cannot_have_them_all(self) -> None:
        self.crowd(100, 2)
        kept = [self.open(), self.open()]
        third = self.open()
        [reply] = replies(third.received(), "GET")
        self.assert_problem(reply, 429, "limit_reached")
        self.assertTrue(third.closed)
        self.assertEqual(self.open("192.0.2.2").received(), b"")
        third.leave()
        kept[0].leave()
        self.assertEqual(self.open().received(), b"")

    def test_a_proxy_that_is_trusted_may(self) -> None:
        self.crowd(100, 2)
        self.assertEqual([self.open("10.0.0.1").received() for _ in range(5)], [b""] * 5)

    def test_every_place_is_given_back(self) -> None:
        self.crowd(100, 50)
        for host in ["192.0.2.1", "10.0.0.1"]:
            for connection in [self.open(host), self.service.connect(host)]:
                connection.leave()
        value = self.service.metrics.registry.get_sample_value("tempmail_http_connections")
        self.assertEqual(value, 0)
        self.assertEqual(self.service.clock.getDelayedCalls(), [])
