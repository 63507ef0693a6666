from __future__ import annotations

import gc
import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import HTTPChannel, Request
from websockets.http11 import Response

from tempmail.core.mailboxes import owner_of
from tempmail.core.request_limits import RateReached
from tempmail.live.protocol import InboxConnection
from tempmail.model.account import Caller
from tempmail.model.errors import Unavailable
from tests.live.doubles import ADDRESS, FOREIGN_TOKEN, TOKEN, Service, Visitor


class AdmissionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.service = Service(self.clock, most=2, origins=["https://friend.example"])

    def visit(self, query: str = f"?token={TOKEN}", **more: Any) -> Visitor:
        return Visitor(self.service, self.clock, query, **more)

    def assert_refused(self, visitor: Visitor, status: int, code: str) -> None:
        self.assertEqual(visitor.status, status)
        [response] = [event for event in visitor.events if isinstance(event, Response)]
        self.assertEqual(response.headers["Content-Type"], "application/problem+json")
        problem = json.loads(bytes(response.body or b""))
        self.assertEqual((problem["status"], problem["code"]), (status, code))
        self.assertEqual(self.service.refused(code), 1)
        self.assertEqual(self.service.open(), 0)

    def test_the_owner_comes_in_by_any_of_three_ways_to_show_the_token(self) -> None:
        for query, headers in [
            (f"?token={TOKEN}", {}),
            ("", {"Authorization": f"Bearer {TOKEN}"}),
            ("", {"X-Session-Token": TOKEN}),
        ]:
            service = Service(self.clock)
            self.assertEqual(Visitor(service, self.clock, query, headers=headers).status, 101)
            self.assertEqual(service.open(), 1)

    def test_a_percent_encoded_address_is_the_same_address(self) -> None:
        self.assertEqual(self.visit(address=ADDRESS.replace("@", "%40")).status, 101)

    def test_without_a_credential_nobody_comes_in(self) -> None:
        self.assert_refused(self.visit(""), 401, "unauthenticated")
        self.assertEqual(self.service.mailbox.questions, 0)

    def test_a_token_that_was_never_issued_is_no_credential(self) -> None:
        self.assert_refused(self.visit("?token=guessed"), 401, "unauthenticated")

    def test_a_foreign_mailbox_looks_as_if_it_were_not_there(self) -> None:
        self.assert_refused(self.visit(f"?token={FOREIGN_TOKEN}"), 404, "not_found")

    def test_a_mailbox_that_is_not_there_is_not_found(self) -> None:
        self.assert_refused(self.visit(address="no@tempmail.localhost"), 404, "not_found")

    def test_a_path_that_is_no_address_is_not_found_without_asking_storage(self) -> None:
        for address in ["", "%FF", "a%00@b", f"{ADDRESS}/more"]:
            self.assertEqual(self.visit(address=address).status, 404)
        self.assertEqual(self.service.mailbox.questions, 0)

    def test_a_place_to_go_on_from_is_a_number_that_storage_can_hold(self) -> None:
        for after in ["", "-1", "+1", "x", "1.0", "%D9%A1", "9" * 19]:
            self.assertEqual(self.visit(f"?token={TOKEN}&after={after}").status, 422)
        self.assertEqual(self.service.refused("invalid"), 7)

    def test_a_parameter_given_twice_is_ambiguous(self) -> None:
        self.assert_refused(self.visit(f"?token={TOKEN}&token={TOKEN}"), 422, "invalid")

    def test_trouble_in_storage_is_ours_and_may_pass(self) -> None:
        self.service.mailbox.trouble = Unavailable("down")
        self.assert_refused(self.visit(), 503, "unavailable")

    def test_a_fault_of_ours_says_nothing_of_our_insides(self) -> None:
        self.service.mailbox.trouble = RuntimeError("secret insides")
        visitor = self.visit()
        self.assert_refused(visitor, 503, "unavailable")
        self.assertNotIn("insides", str(visitor.events))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_a_page_of_another_origin_cannot_use_its_visitors_browser(self) -> None:
        for origin in ["https://evil.example", "null", "http://localhost:81", "http://[", "x"]:
            self.assertEqual(self.visit(headers={"Origin": origin}).status, 403)

    def test_pages_of_our_own_and_of_welcome_origins_may_connect(self) -> None:
        for origin in ["http://localhost", "https://friend.example"]:
            self.assertEqual(self.visit(headers={"Origin": origin}).status, 101)

    def test_there_are_only_so_many_connections(self) -> None:
        kept = [self.visit(), self.visit()]
        self.assertEqual([visitor.status for visitor in kept], [101, 101])
        self.assertEqual(self.visit().status, 503)
        self.assertEqual(self.service.refused("full"), 1)
        kept[0].transport.hang_up()
        self.assertEqual(self.visit().status, 101)

    def test_one_network_cannot_have_them_all(self) -> None:
        self.service = Service(self.clock, most=10, most_each=2)
        kept = [self.visit(), self.visit()]
        third = self.visit()
        self.assertEqual([one.status for one in (*kept, third)], [101, 101, 429])
        [response] = [event for event in third.events if isinstance(event, Response)]
        self.assertEqual(response.headers["Retry-After"], "10")
        self.assertEqual(self.service.refused("network_full"), 1)
        kept[0].transport.hang_up()
        self.assertEqual(self.visit().status, 101)

    def test_a_place_that_was_not_used_is_given_back(self) -> None:
        self.service = Service(self.clock, most_each=1)
        self.assertEqual(self.visit("?token=guessed").status, 401)
        faulty = self.visit(headers={"Sec-WebSocket-Version": "12"})
        faulty.look()
        self.assertEqual(faulty.status, 400)
        answer: Deferred[None] = Deferred()
        self.service.mailbox.wait = answer
        self.visit().transport.hang_up()
        answer.callback(None)
        self.service.mailbox.wait = None
        self.assertEqual(self.service.open(), 0)
        self.assertEqual(self.visit().status, 101)

    def test_a_parameter_that_there_is_none_of_is_refused_by_its_name(self) -> None:
        visitor = self.visit(f"?token={TOKEN}&afetr=7")
        self.assert_refused(visitor, 422, "invalid")
        self.assertIn("afetr: no such parameter", str(visitor.events))

    def test_two_credentials_are_none(self) -> None:
        headers = {"Authorization": f"Bearer {FOREIGN_TOKEN}"}
        self.assert_refused(self.visit(headers=headers), 401, "unauthenticated")

    def test_the_last_place_is_given_once_even_where_storage_takes_its_time(self) -> None:
        answer: Deferred[None] = Deferred()
        self.service.mailbox.wait = answer
        visitors = [self.visit() for _ in range(3)]
        answer.callback(None)
        self.assertEqual(sorted(v.status or 0 for v in visitors), [101, 101, 503])

    def test_every_caller_is_charged_before_storage_is_asked(self) -> None:
        charged: list[Caller] = []

        def charge(_: object, caller: Caller) -> None:
            charged.append(caller)
            if len(charged) > 1:
                raise RateReached("too many", 7)

        self.service = Service(self.clock, charge=charge)
        self.assertEqual(self.visit().status, 101)
        self.assertEqual(charged, [Caller(owner_of(TOKEN))])
        questions = self.service.mailbox.questions
        self.assert_late(self.visit())
        self.assertEqual(self.service.mailbox.questions, questions)

    def assert_late(self, visitor: Visitor) -> None:
        self.assertEqual(visitor.status, 429)
        [response] = [event for event in visitor.events if isinstance(event, Response)]
        self.assertEqual(response.headers["Retry-After"], "7")

    def test_a_plain_request_is_told_what_is_spoken_here(self) -> None:
        path = f"/ws/inbox/{ADDRESS}?token={TOKEN}".encode()
        for method in [b"GET", b"POST"]:
            transport = StringTransport()
            channel = self.service.site.buildProtocol(None)
            assert channel is not None
            channel.makeConnection(transport)
            channel.dataReceived(method + b" " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = transport.value()
            self.assertTrue(answer.startswith(b"HTTP/1.1 426 Upgrade Required\r\n"), answer)
            self.assertIn(b"\r\nUpgrade: websocket\r\n", answer)
            self.assertIn(b'"code": "upgrade_required"', answer)
            channel.connectionLost(Failure(ConnectionDone()))


class ChangeOfProtocolsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.service = Service(self.clock)

    def test_nothing_of_http_is_left_once_the_websocket_is_open(self) -> None:
        def http() -> set[int]:
            return {id(o) for o in gc.get_objects() if isinstance(o, HTTPChannel | Request)}

        gc.collect()
        before = http()
        gc.disable()  # nor in cycles, which would scatter what stays over the memory
        self.addCleanup(gc.enable)
        self.assertEqual(Visitor(self.service, self.clock).status, 101)
        self.assertEqual(http() - before, set())

    def test_no_deadline_of_http_cuts_an_open_websocket(self) -> None:
        Visitor(self.service, self.clock).look()
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)  # ours

    def test_an_open_connection_keeps_nothing_of_its_handshake(self) -> None:
        visitor = Visitor(self.service, self.clock)
        visitor.look()
        kept = vars(visitor.transport.protocol)
        self.assertNotIn(TOKEN, repr(kept))
        self.assertLessEqual(len(kept), 12)

    def test_the_token_never_gets_into_the_library_that_might_log_it(self) -> None:
        seen: list[bytes] = []
        original = InboxConnection.dataReceived

        def received(connection: InboxConnection, data: bytes) -> None:
            seen.append(data)
            original(connection, data)

        self.patch(InboxConnection, "dataReceived", received)
        Visitor(self.service, self.clock, headers={"Cookie": f"x={TOKEN}"}).look()
        self.assertTrue(seen[0].startswith(b"GET / HTTP/1.1\r\n"))
        self.assertNotIn(TOKEN.encode(), b"".join(seen))

    def test_a_client_that_left_while_storage_was_asked_is_not_missed(self) -> None:
        answer: Deferred[None] = Deferred()
        self.service.mailbox.wait = answer
        visitor = Visitor(self.service, self.clock)
        visitor.transport.hang_up()
        answer.callback(None)
        self.assertEqual(self.service.open(), 0)

    def test_a_faulty_handshake_is_refused_and_hung_up_on(self) -> None:
        visitor = Visitor(self.service, self.clock, headers={"Sec-WebSocket-Version": "12"})
        visitor.look()
        self.assertTrue(visitor.transport.gone)
        self.assertEqual(visitor.status, 400)
        self.assertEqual(self.service.refused("handshake"), 1)
        self.assertEqual(self.service.open(), 0)

    def test_compression_is_not_agreed_on(self) -> None:
        visitor = Visitor(
            self.service,
            self.clock,
            headers={"Sec-WebSocket-Extensions": "permessage-deflate"},
        )
        self.assertEqual(visitor.status, 101)
        self.assertNotIn("Sec-WebSocket-Extensions", visitor.events[0].headers)
