from __future__ import annotations

import json
from urllib.parse import urlencode

from twisted.trial.unittest import SynchronousTestCase

from tests.http.service import Connection, Reply, Service, replies, request_bytes


class Waiting(SynchronousTestCase):
    def setUp(self) -> None:
        self.service = Service()
        self.url, self.token = self.service.mailbox("ann")

    def begin(self, client: str = "192.0.2.1", **query: object) -> Connection:
        connection = self.service.connect(client)
        target = f"{self.url}/messages/wait?{urlencode(query)}"
        headers = {"Authorization": f"Bearer {self.token}"}
        connection.send(request_bytes("GET", target, headers))
        self.service.clock.advance(0)
        return connection

    def deliver(self, raw: bytes = b"hello") -> str:
        message_id = self.service.deliver(self.url, raw)
        self.service.clock.advance(0)
        return str(message_id)

    def reply(self, connection: Connection) -> Reply:
        [reply] = replies(connection.received(), "GET")
        return reply

    def assert_problem(self, reply: Reply, status: int, code: str, detail: str = "") -> None:
        self.assertEqual((reply.status, reply.json["code"]), (status, code), reply)
        self.assertIn(detail, reply.json["detail"])

    def held(self) -> float | None:
        return self.service.metrics.registry.get_sample_value("tempmail_long_polls")

    def test_the_answer_is_the_message_the_moment_it_is_there(self) -> None:
        waiting = self.begin()
        self.assertEqual(waiting.received(), b"")
        message_id = self.deliver(b"Your code is 4711")
        reply = self.reply(waiting)
        self.assertEqual((reply.status, reply.headers["tempmail-after"]), (200, "1"))
        self.assertEqual(
            (reply.json["id"], reply.json["seq"], reply.json["body_text"]),
            (message_id, 1, "Your code is 4711"),
        )
        self.assertFalse(reply.json["is_read"])

    def test_it_is_what_reading_the_message_answers(self) -> None:
        waiting = self.begin()
        self.deliver()
        waited = self.reply(waiting).json
        read = self.service.call("GET", f"{self.url}/messages/latest", token=self.token).json
        self.assertEqual(waited | {"is_read": True}, read)

    def test_with_a_count_the_answer_lists_as_many(self) -> None:
        waiting = self.begin(count=2)
        ids = [self.deliver(), self.deliver()]
        reply = self.reply(waiting)
        self.assertEqual([one["id"] for one in reply.json["messages"]], ids)
        self.assertEqual(reply.headers["tempmail-after"], "2")
        alone = self.reply(self.begin(count=1))
        self.assertEqual([one["id"] for one in alone.json["messages"]], ids[:1])

    def test_when_time_is_up_the_answer_says_where_to_go_on(self) -> None:
        self.deliver()
        waiting = self.begin(timeout=5, after=1)
        self.service.clock.advance(4)
        self.assertEqual(waiting.received(), b"")
        self.service.clock.advance(1)
        reply = self.reply(waiting)
        self.assertEqual(
            (reply.status, reply.headers["tempmail-after"], reply.body), (204, "1", b"")
        )

    def test_half_a_minute_is_waited_where_nothing_else_is_said(self) -> None:
        waiting = self.begin()
        self.service.clock.advance(29)
        self.assertEqual(waiting.received(), b"")
        self.service.clock.advance(1)
        self.assertEqual(self.reply(waiting).status, 204)

    def test_the_connection_waits_again_afterwards(self) -> None:
        waiting = self.begin(timeout=1)
        self.service.clock.advance(1)
        again = {"Authorization": f"Bearer {self.token}"}
        waiting.send(request_bytes("GET", f"{self.url}/messages/wait", again))
        self.deliver()
        first, second = replies(waiting.received(), "GET", "GET")
        self.assertEqual((first.status, second.status), (204, 200))

    def test_only_what_matches_is_answered(self) -> None:
        wanted = {"from": "/^ANN@/i", "subject": "HELLO", "body": r"/\b\d{4}\b/"}
        waiting = self.begin(**wanted)
        self.deliver(b"no code")
        self.assertEqual(waiting.received(), b"")
        message_id = self.deliver(b"code 4711")
        self.assertEqual(self.reply(waiting).json["id"], message_id)

    def test_all_who_wait_share_one_look_at_the_message(self) -> None:
        waiting = [self.begin() for _ in range(3)]
        self.service.storage.gate.close()
        self.deliver()
        self.service.storage.gate.open()
        self.assertEqual({self.reply(one).status for one in waiting}, {200})
        self.assertEqual((self.service.storage.fetched, self.service.parser.parsed), (1, 1))

    def test_who_leaves_is_no_longer_waited_for(self) -> None:
        waiting = self.begin()
        self.assertEqual(self.held(), 1)
        waiting.leave()
        self.assertEqual(self.held(), 0)
        self.deliver()
        self.assertEqual(waiting.received(), b"")

    def test_seconds_may_be_parts_of_one_or_none(self) -> None:
        for seconds, real in ((0, 1), (0.5, 1), (1.5, 1.5)):
            waiting = self.begin(timeout=seconds)
            self.service.clock.advance(real - 0.1)
            self.assertEqual(waiting.received(), b"")
            self.service.clock.advance(0.1)
            self.assertEqual(self.reply(waiting).status, 204)
        self.deliver()
        self.assertEqual(self.reply(self.begin(timeout=0)).status, 200)

    def test_what_is_empty_is_left_out(self) -> None:
        self.deliver()
        waiting = self.begin(**{"from": "", "subject": "", "after": "", "has": "", "timeout": ""})
        self.service.clock.advance(0)
        self.assertEqual(self.reply(waiting).status, 200)

    def test_wrong_parameters_are_refused(self) -> None:
        for query, name in [
            ("timeout=-1", "timeout"),
            ("timeout=120.5", "timeout"),
            ("timeout=soon", "timeout"),
            ("after=-1", "after"),
            ("count=0", "count"),
            ("count=21", "count"),
            (f"subject={'x' * 201}", "subject"),
            ("subject=/(/", "subject: is no RE2 pattern"),
            (r"body=/(a)\1/", "body: is no RE2 pattern"),
            ("has=money", "has"),
            ("sender=x", "no such parameter"),
            ("token=x", "no such parameter"),
        ]:
            target = f"{self.url}/messages/wait?{query}"
            reply = self.service.call("GET", target, token=self.token)
            self.assert_problem(reply, 422, "invalid", name)

    def test_without_the_mailboxs_token_nobody_waits(self) -> None:
        target = f"{self.url}/messages/wait"
        self.assert_problem(self.service.call("GET", target), 401, "unauthenticated")
        _, other = self.service.mailbox("bob")
        self.assert_problem(self.service.call("GET", target, token=other), 404, "not_found")
        self.assertEqual(self.held(), 0)

    def test_a_mailbox_that_ends_is_not_found(self) -> None:
        waiting = self.begin()
        self.service.call("DELETE", self.url, token=self.token)
        self.assert_problem(self.reply(waiting), 404, "not_found")

    def test_a_network_that_waits_too_often_is_told_to_come_later(self) -> None:
        waiting = [self.begin(timeout=1) for _ in range(3)]
        refused = self.reply(self.begin())
        self.assert_problem(refused, 429, "limit_reached")
        self.assertEqual(refused.headers["retry-after"], "10")
        self.begin(client="198.51.100.1")
        self.assert_problem(self.reply(self.begin(client="203.0.113.1")), 503, "unavailable")
        self.service.clock.advance(1)
        self.assertEqual({self.reply(one).status for one in waiting}, {204})

    def test_a_stopping_daemon_answers_all_who_wait(self) -> None:
        waiting = self.begin()
        self.service.polls.stop()
        reply = self.reply(waiting)
        self.assertEqual((reply.status, reply.headers["tempmail-after"]), (204, "0"))
        self.assert_problem(self.reply(self.begin()), 503, "unavailable")

    def test_a_list_after_a_list_has_its_previews_without_parsing(self) -> None:
        self.service.call("GET", f"{self.url}/messages", token=self.token)
        self.deliver(b"Your code is 4711")
        self.assertEqual(self.service.parser.parsed, 1)
        self.service.parser.away = True
        listed = self.service.call("GET", f"{self.url}/messages/latest", token=self.token)
        self.assertEqual(listed.json["body_text"], "Your code is 4711")

    def test_a_search_finds_what_nobody_has_parsed_yet(self) -> None:
        self.service.deliver(self.url, b"your code")
        self.service.deliver(self.url, b"your parcel")
        found = self.service.call("GET", f"{self.url}/messages?q=parcel", token=self.token).json
        self.assertEqual([one["seq"] for one in found["messages"]], [2])
        self.assertEqual(json.dumps(found["next"]), "null")
