"""What holds for every request: gate, deadlines, refusals, record."""

from __future__ import annotations

from typing import Any, cast

from twisted.logger import ILogObserver, globalLogPublisher
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Request as AnyRequest

from tempmail.http.channel import SECURITY_HEADERS, Limits
from tempmail.http.metrics import MetricsResource
from tempmail.http.site import Site
from tempmail.model.errors import Unavailable
from tests.http.service import Connection, Reply, Service, replies, request_bytes

MAILBOXES = "/api/v1/mailboxes"


class SiteCase(TestCase):
    def setUp(self) -> None:
        self.service = Service()
        self.clock = self.service.clock
        self.logged: list[dict[str, Any]] = []
        observer = cast(ILogObserver, self.logged.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def exchange(self, data: bytes, *methods: str) -> tuple[list[Reply], Connection]:
        connection = self.service.connect()
        connection.send(data)
        return replies(connection.received(), *methods), connection

    def assert_problem(self, reply: Reply, status: int, code: str) -> None:
        self.assertEqual((reply.status, reply.json["code"]), (status, code), reply)
        self.assertEqual(reply.headers["content-type"], "application/problem+json")

    def access_log(self) -> list[dict[str, Any]]:
        return [e for e in self.logged if e.get("log_namespace") == "tempmail.http.access"]


class Routing(SiteCase):
    def test_unknown_routes_are_problems(self) -> None:
        for target in ["/", "/nowhere", "/api", "/api/v1", "/ws/inbox/a@b", "/api/v1/mailboxes/"]:
            self.assert_problem(self.service.call("GET", target), 404, "not_found")

    def test_nothing_redirects(self) -> None:
        for target in [
            "//evil.example/health",
            "//health",
            "/api//v1/mailboxes",
            "/api/v1/mailboxes//",
        ]:
            for method in ("GET", "POST"):
                self.assert_problem(self.service.call(method, target), 400, "bad_path")
        for target in ["/health/", "/api/v1/mailboxes/", "/health/../health"]:
            for method in ("GET", "POST"):
                self.assert_problem(self.service.call(method, target), 404, "not_found")

    def test_any_host_that_is_one_is_no_trouble(self) -> None:
        for host in [b"a" * 255, b"a..b", b"", b"[::1]:80", b"192.0.2.1:8080", b"a_b:", b"x" * 64]:
            [reply], _ = self.exchange(b"GET /health HTTP/1.1\r\nHost: %s\r\n\r\n" % host, "GET")
            self.assertEqual(reply.status, 200, host)

    def test_other_methods_are_told_which_there_are(self) -> None:
        for method in ("PUT", "BREW", "POST"):
            reply = self.service.call(method, f"{MAILBOXES}/a@mail.test")
            self.assert_problem(reply, 405, "method_not_allowed")
            self.assertEqual(reply.headers["allow"], "DELETE, GET, HEAD, PATCH")

    def test_options_says_which_there_are(self) -> None:
        reply = self.service.call("OPTIONS", MAILBOXES)
        self.assertEqual((reply.status, reply.headers["allow"]), (204, "GET, HEAD, POST"))
        self.assertEqual(self.service.call("OPTIONS", "/nowhere").status, 404)
        self.assertEqual(self.service.call("OPTIONS", "*").status, 200)

    def test_paths_that_two_readers_could_read_differently(self) -> None:
        for path in ["a%2Fb", "a%2fb", "a%00b", "a%0d%0ab", "%ff", "a%c0%afb", "%7f", "a%e2%80%ae"]:
            for target in (f"{MAILBOXES}/{path}", f"/{path}"):
                self.assert_problem(self.service.call("GET", target), 400, "bad_path")

    def test_targets_that_are_no_paths(self) -> None:
        for target in ["ftp://mail.test/health", "http:///health", "health", "mail.test:80", "?x"]:
            self.assertEqual(self.service.call("GET", target).status, 400)

    def test_a_long_address_is_merely_not_there(self) -> None:
        for address in ["a" * 9000, "a@" + "%c3%bc" * 1000, "a@" + "x." * 4000, "@", "%40"]:
            _, token = self.service.mailbox(f"b{len(address)}")
            reply = self.service.call("GET", f"{MAILBOXES}/{address}", token=token)
            self.assert_problem(reply, 404, "not_found")

    def test_unforeseen_failures_show_nothing_and_are_logged_once(self) -> None:
        self.service.storage.broken = ZeroDivisionError("secret")
        reply = self.service.call("POST", f"{MAILBOXES}?username=ann")
        self.assert_problem(reply, 500, "internal")
        self.assertNotIn(b"secret", reply.body)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_failures_outside_of_the_routes_likewise(self) -> None:
        class Broken(Resource):
            isLeaf = True  # noqa: N815  # twisted.web's name

            def render(self, request: AnyRequest) -> bytes:
                raise ZeroDivisionError("secret")

        self.service = Service(websocket=Broken())
        reply = self.service.call("GET", "/ws/inbox/a@mail.test")
        self.assert_problem(reply, 500, "internal")
        self.assertNotIn(b"secret", reply.body)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_the_websocket_is_mounted_beside(self) -> None:
        class Leaf(Resource):
            isLeaf = True  # noqa: N815  # twisted.web's name

            def render_GET(self, request: AnyRequest) -> bytes:
                return repr((request.prepath, request.postpath)).encode()

        self.service = Service(websocket=Leaf())
        reply = self.service.call("GET", "/ws/inbox/a%40mail.test?token=x")
        self.assertEqual(reply.body, b"([b'ws', b'inbox'], [b'a@mail.test'])")
        for target in ("/ws", "/ws/other", "/ws/inboxes"):
            self.assert_problem(self.service.call("GET", target), 404, "not_found")
        self.assertEqual(self.service.call("GET", "/health").status, 200)


class Answering(SiteCase):
    def test_every_response_carries_the_security_headers_and_no_banner(self) -> None:
        bodies = {"/health": b"", "/nowhere": b"", "/%00": b"", MAILBOXES: b"{}"}
        for target, body in bodies.items():
            reply = self.service.call("POST" if body else "GET", target, body)
            for name, value in SECURITY_HEADERS:
                self.assertEqual(reply.headers[name.decode().lower()], value.decode())
            self.assertNotIn("server", reply.headers)
        [refused], _ = self.exchange(b"nonsense\r\n\r\n", "GET")
        for name, _ in SECURITY_HEADERS:
            self.assertIn(name.decode().lower(), refused.headers)

    def test_responses_are_counted_by_method_and_status(self) -> None:
        self.service.call("GET", "/health")
        self.service.call("GET", "/nowhere")
        self.service.call("BREW", "/health")
        self.exchange(b"nonsense\r\n\r\n", "GET")
        self.assertEqual(self.service.responses("GET", 200), 1)
        self.assertEqual(self.service.responses("GET", 404), 1)
        self.assertEqual(self.service.responses("other", 405), 1)
        self.assertEqual(self.service.responses("other", 400), 1)

    def test_the_access_log_has_the_path_and_never_the_query(self) -> None:
        self.service.call("GET", "/health?token=hidden", headers={"X-Session-Token": "hidden"})
        [event] = self.access_log()
        self.assertEqual(
            [event[key] for key in ("method", "path", "status", "client")],
            ["GET", "/health", 200, "192.0.2.1"],
        )
        self.assertGreater(event["bytes"], 0)
        self.assertEqual(event["milliseconds"], 0.0)
        self.assertNotIn("hidden", repr(self.logged))

    def test_refused_requests_are_logged_without_their_query_too(self) -> None:
        self.exchange(
            b"POST /health?token=hidden HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n",
            "POST",
        )
        [event] = self.access_log()
        self.assertEqual(
            [event[key] for key in ("method", "path", "status")], ["POST", "/health", 413]
        )
        self.assertNotIn("hidden", repr(self.logged))

    def test_the_log_has_the_time_an_answer_took(self) -> None:
        self.service.storage.gate.close()
        connection = self.service.connect()
        connection.send(request_bytes("GET", "/health"))
        self.clock.advance(0.25)
        self.service.storage.gate.open()
        self.assertEqual(self.access_log()[0]["milliseconds"], 250.0)

    def test_a_long_path_is_logged_in_part(self) -> None:
        self.service.call("GET", "/x" * 2500)
        self.assertEqual(len(self.access_log()[0]["path"]), 200)


class Framing(SiteCase):
    """Requests in which another could hide (RFC 9112 section 11.2)."""

    HEALTH = b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n"

    def test_ambiguous_or_malformed_requests_are_refused_and_the_connection_closed(self) -> None:
        start = b"POST /api/v1/mailboxes HTTP/1.1\r\nHost: h\r\n"
        for head in [
            start + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
            start + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
            start + b"Content-Length: 2\r\nContent-Length: 2\r\n",
            start + b"Content-Length: 2\r\nContent-Length: 3\r\n",
            start + b"Content-Length: 2, 2\r\n",
            start + b"Content-Length: +2\r\n",
            start + b"Content-Length: -2\r\n",
            start + b"Content-Length: 0x2\r\n",
            start + b"Content-Length: " + b"9" * 5000 + b"\r\n",
            start + b"Content-Length : 2\r\n",
            start + b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n",
            start + b"Transfer-Encoding: identity\r\n",
            start + b"Transfer-Encoding: xchunked\r\n",
            start + b"Transfer-Encoding: gzip, chunked\r\n",
            start + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            start + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            start + b"Host: other\r\n",
            start + b"no colon\r\n",
            start + b"A\x00B: c\r\n",
            start + b"A: b\nTransfer-Encoding: chunked\r\n",
            start + b"X: \r\x00\r\n",
            b"POST / HTTP/1.1\r\n",
            b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n",
            b"POST / HTTP/2.0\r\nHost: h\r\n",
            b"POST  / HTTP/1.1\r\nHost: h\r\n",
            b"POST /\xff HTTP/1.1\r\nHost: h\r\n",
            b"POST /\r\nHost: h\r\n",
            b"{} / HTTP/1.1\r\nHost: h\r\n",
        ]:
            [reply], connection = self.exchange(head + b"\r\n{}" + self.HEALTH, "POST")
            self.assert_problem(reply, 400, "malformed_request")
            self.assertEqual(reply.headers["connection"], "close")
            connection.send(self.HEALTH)
            self.clock.advance(2)
            self.assertTrue(connection.closed, head)
            self.assertEqual(replies(connection.received(), "POST"), [reply])
            connection.leave()
        self.assertEqual(self.service.storage.boxes, {})

    def test_bad_chunks_are_refused_and_the_connection_closed(self) -> None:
        head = b"POST /api/v1/mailboxes HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        for chunks in [
            b"-1\r\n",
            b"0x2\r\n{}\r\n0\r\n\r\n",
            b"g\r\n",
            b" 2\r\n{}\r\n0\r\n\r\n",
            b"2\r\n{}0\r\n\r\n",
            b"2;\x00\r\n{}\r\n0\r\n\r\n",
            b"2\n{}\r\n0\r\n\r\n",
            b"1" * 5000,
        ]:
            [reply], connection = self.exchange(head + chunks + self.HEALTH, "POST")
            self.assert_problem(reply, 400, "malformed_request")
            self.clock.advance(2)
            self.assertTrue(connection.closed)
            connection.leave()
        self.assertEqual(self.service.storage.boxes, {})

    def test_chunks_before_http_1_1_are_refused(self) -> None:
        head = b"POST /api/v1/mailboxes HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
        [reply], _ = self.exchange(head + b"2\r\n{}\r\n0\r\n\r\n", "POST")
        self.assert_problem(reply, 400, "malformed_request")

    def test_a_chunked_body_is_a_body(self) -> None:
        [reply], _ = self.exchange(
            b"POST /api/v1/mailboxes HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
            b"10\r\n"
            b'{"username":"ann\r\n'
            b"2\r\n"
            b'"}\r\n'
            b"0\r\n\r\n",
            "POST",
        )
        self.assertEqual(reply.json["address"], "ann@mail.test")

    def test_requests_in_a_row_are_answered_in_a_row(self) -> None:
        data = self.HEALTH + request_bytes("POST", MAILBOXES, body=b"{}") + self.HEALTH
        found, connection = self.exchange(data, "GET", "POST", "GET")
        self.assertEqual([one.status for one in found], [200, 201, 200])
        self.assertFalse(connection.closed)

    def test_a_client_that_asks_to_close_is_closed(self) -> None:
        _, connection = self.exchange(
            request_bytes("GET", "/health", {"Connection": "close"}), "GET"
        )
        self.assertTrue(connection.closed)


class Bounds(SiteCase):
    HEAD = b"POST /api/v1/mailboxes HTTP/1.1\r\nHost: h\r\n"

    def test_a_large_body_is_refused_at_its_announcement(self) -> None:
        data = self.HEAD + b"Content-Length: 65537\r\nExpect: 100-continue\r\n\r\n"
        [reply], connection = self.exchange(data, "POST")
        self.assert_problem(reply, 413, "body_too_large")
        self.assertEqual(reply.headers["connection"], "close")
        connection.send(b"x" * 65537 + Framing.HEALTH)
        self.assertEqual(replies(connection.received(), "POST"), [reply])

    def test_a_large_chunked_body_is_refused_while_it_comes(self) -> None:
        connection = self.service.connect()
        connection.send(self.HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(4):
            connection.send(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
            self.assertEqual(connection.received(), b"")
        connection.send(b"1\r\nx\r\n" * 100)
        connection.send(b"FFFFFFFF\r\n" + b"x" * 100_000)
        [reply] = replies(connection.received(), "POST")
        self.assert_problem(reply, 413, "body_too_large")

    def test_the_longest_body_is_taken(self) -> None:
        body = b"{}" + b" " * (65536 - 2)
        self.assertEqual(self.service.call("POST", MAILBOXES, body).status, 201)

    def test_a_long_head_is_refused(self) -> None:
        for head in [
            b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
            b"GET /" + b"x" * 20000,
            b"GET / HTTP/1.1\r\nHost: h\r\n" + b"A: %s\r\n" % (b"b" * 5000) * 4 + b"\r\n",
        ]:
            [reply], _ = self.exchange(head, "GET")
            self.assert_problem(reply, 431, "head_too_large")

    def test_many_headers_are_refused(self) -> None:
        [reply], _ = self.exchange(
            b"GET / HTTP/1.1\r\nHost: h\r\n" + b"A: b\r\n" * 101 + b"\r\n", "GET"
        )
        self.assertEqual(reply.status, 400)

    def test_what_comes_after_a_refusal_is_thrown_away_for_a_while(self) -> None:
        [_], connection = self.exchange(self.HEAD + b"Content-Length: 300000000\r\n\r\n", "POST")
        self.assertFalse(connection.closed)
        self.clock.advance(1.9)
        connection.send(b"x" * 100_000)
        self.assertFalse(connection.closed)
        self.clock.advance(0.1)
        self.assertTrue(connection.closed)
        self.assertFalse(connection.transport.aborted)
        self.clock.advance(2)
        self.assertTrue(connection.transport.aborted)


class Deadlines(SiteCase):
    def test_a_head_that_trickles_in_is_cut(self) -> None:
        connection = self.service.connect()
        for byte in b"GET /heal":
            connection.send(bytes([byte]))
            self.assertEqual(connection.received(), b"")
            self.clock.advance(1)
        self.clock.advance(1)
        [reply] = replies(connection.received(), "GET")
        self.assert_problem(reply, 408, "too_slow")
        self.clock.advance(2)
        self.assertTrue(connection.closed)

    def test_a_client_that_says_nothing_is_cut(self) -> None:
        connection = self.service.connect()
        self.clock.advance(10)
        self.clock.advance(2)
        self.assertTrue(connection.closed)

    def test_a_body_that_trickles_in_is_cut(self) -> None:
        connection = self.service.connect()
        connection.send(Bounds.HEAD + b"Content-Length: 100\r\n\r\n")
        for _ in range(19):
            connection.send(b" ")
            self.clock.advance(1)
        self.assertEqual(connection.received(), b"")
        self.clock.advance(1)
        [reply] = replies(connection.received(), "POST")
        self.assert_problem(reply, 408, "too_slow")
        self.assertEqual(self.service.storage.boxes, {})

    def test_an_idle_connection_is_closed_without_a_word(self) -> None:
        connection = self.service.connect()
        connection.send(Framing.HEALTH)
        before = connection.received()
        self.clock.advance(59)
        self.assertFalse(connection.closed)
        self.clock.advance(1)
        self.assertTrue(connection.closed)
        self.assertEqual(connection.received(), before)

    def test_a_further_request_has_its_own_deadline(self) -> None:
        connection = self.service.connect()
        connection.send(Framing.HEALTH)
        self.clock.advance(55)
        connection.send(Framing.HEALTH[:10])
        self.clock.advance(9)
        connection.send(Framing.HEALTH[10:])
        self.assertEqual(
            [r.status for r in replies(connection.received(), "GET", "GET")], [200] * 2
        )
        connection.send(Framing.HEALTH[:10])
        self.clock.advance(10)
        self.assertEqual(replies(connection.received(), "GET", "GET", "GET")[2].status, 408)

    def test_a_further_request_that_trickles_in_is_cut_too(self) -> None:
        connection = self.service.connect()
        connection.send(Framing.HEALTH)
        for byte in b"GET /healt":
            connection.send(bytes([byte]))
            self.clock.advance(1)
        self.assertEqual(replies(connection.received(), "GET", "GET")[1].status, 408)

    def test_nothing_is_heard_once_the_connection_is_being_closed(self) -> None:
        connection = self.service.connect()
        connection.send(Framing.HEALTH)
        before = connection.received()
        self.clock.advance(60)
        connection.send(request_bytes("POST", MAILBOXES))
        self.assertEqual(connection.received(), before)
        self.assertEqual(self.service.storage.boxes, {})
        self.clock.advance(2)
        self.assertTrue(connection.transport.aborted)

    def test_work_may_take_its_time(self) -> None:
        self.service.storage.gate.close()
        connection = self.service.connect()
        connection.send(request_bytes("GET", "/health"))
        self.clock.advance(500)
        self.service.storage.gate.open()
        self.assertEqual(replies(connection.received(), "GET")[0].status, 200)

    def test_a_connection_that_is_gone_leaves_nothing_behind(self) -> None:
        connections = [self.service.connect() for _ in range(4)]
        for connection, data in zip(
            connections,
            [b"", b"GET", Framing.HEALTH, Bounds.HEAD + b"Content-Length: 9\r\n\r\n{"],
            strict=True,
        ):
            connection.send(data)
            connection.leave()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.service.responses("POST", 499), 0)

    def test_limits_are_the_operators(self) -> None:
        self.service = Service(limits=Limits(body_bytes=1))
        self.assertEqual(self.service.call("POST", MAILBOXES, b"{}").status, 413)


class Watching(SiteCase):
    def test_health_shows_each_part(self) -> None:
        reply = self.service.call("GET", "/health")
        self.assertEqual(
            (reply.status, reply.json),
            (200, {"status": "ok", "database": "ok", "bus": "ok", "version": "1.2.3"}),
        )

    def test_health_shows_what_is_wrong(self) -> None:
        self.service.bus.state = "unavailable"
        reply = self.service.call("GET", "/health")
        self.assertEqual((reply.status, reply.json["status"]), (200, "degraded"))
        self.assertEqual(reply.json["bus"], "unavailable")
        self.service.bus.state = "ok"
        self.service.storage.broken = Unavailable("away")
        reply = self.service.call("GET", "/health")
        self.assertEqual((reply.status, reply.json["database"]), (503, "unavailable"))
        self.assertEqual(self.service.call("GET", "/health/ready").status, 503)
        self.assertEqual(self.service.call("GET", "/health/live").status, 200)

    def test_a_database_that_is_busy_is_there(self) -> None:
        self.service.storage.broken = Unavailable("all wait", code="busy")
        reply = self.service.call("GET", "/health")
        self.assertEqual((reply.status, reply.json["status"]), (200, "degraded"))
        self.assertEqual(reply.json["database"], "busy")
        self.assertEqual(self.service.call("GET", "/health/ready").status, 200)

    def test_ready_ends_with_the_shutdown_and_life_does_not(self) -> None:
        self.assertEqual(self.service.call("GET", "/health/ready").status, 200)
        self.service.is_ready = False
        self.assertEqual(self.service.call("GET", "/health/ready").status, 503)
        self.assertEqual(self.service.call("GET", "/health/live").status, 200)

    def test_metrics_are_shown_on_their_own_site(self) -> None:
        metrics = self.service.metrics
        self.service.call("GET", "/nowhere")
        self.service.site = Site(MetricsResource(metrics), self.clock, metrics)
        reply = self.service.call("GET", "/metrics")
        self.assertEqual(reply.status, 200)
        self.assertTrue(reply.headers["content-type"].startswith("text/plain"))
        self.assertIn(b'tempmail_http_responses_total{method="GET",status="404"} 1.0', reply.body)
        self.assertEqual(self.service.call("HEAD", "/metrics").status, 200)
        self.assert_problem(self.service.call("GET", "/"), 404, "not_found")
