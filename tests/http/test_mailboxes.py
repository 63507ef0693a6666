"""Mailboxes over HTTP."""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from tempmail.model.errors import Unavailable
from tempmail.model.event import EventKind
from tests.http.service import Reply, Service, replies, request_bytes

MAILBOXES = "/api/v1/mailboxes"


class MailboxCase(TestCase):
    def setUp(self) -> None:
        self.service = Service()
        self.call = self.service.call

    def assert_problem(self, reply: Reply, status: int, code: str, *words: str) -> None:
        self.assertEqual((reply.status, reply.json["code"]), (status, code), reply)
        self.assertEqual(reply.headers["content-type"], "application/problem+json")
        self.assertEqual(
            sorted(reply.json), ["code", "detail", "status", "title", "type"], reply.json
        )
        for word in words:
            self.assertIn(word, reply.json["detail"])


class Creating(MailboxCase):
    def test_a_mailbox_is_made_with_nothing_said(self) -> None:
        made = self.call("POST", MAILBOXES)
        self.assertEqual(made.status, 201)
        self.assertEqual(made.headers["content-type"], "application/json")
        self.assertEqual(made.headers["cache-control"], "no-store")
        token = made.json.pop("session_token")
        address = made.json["address"]
        self.assertTrue(address.endswith("@mail.test"))
        self.assertEqual(
            {key: value for key, value in made.json.items() if key != "session_token"},
            {
                "address": address,
                "created_at": "2030-01-02T03:04:05Z",
                "expires_at": "2030-01-02T04:04:05Z",
                "owner_type": "anonymous",
                "message_count": 0,
                "last_seq": 0,
            },
        )
        self.assertEqual(self.call("GET", f"{MAILBOXES}/{address}", token=token).status, 200)

    def test_the_query_and_the_body_say_the_same(self) -> None:
        by_query = self.call(
            "POST", f"{MAILBOXES}?username=Ann&domain=other.test&ttl_minutes=5&style=hex"
        )
        by_body = self.call(
            "POST",
            MAILBOXES,
            {"username": "bob", "domain": "OTHER.test", "ttl_minutes": 5, "style": "words"},
        )
        self.assertEqual(by_query.json["address"], "ann@other.test")
        self.assertEqual(by_body.json["address"], "bob@other.test")
        self.assertEqual(by_query.json["expires_at"], by_body.json["expires_at"])

    def test_half_in_the_query_and_half_in_the_body(self) -> None:
        made = self.call("POST", f"{MAILBOXES}?ttl_minutes=5", {"username": "ann"})
        self.assertEqual(made.json["address"], "ann@mail.test")
        self.assertEqual(made.json["expires_at"], "2030-01-02T03:09:05Z")

    def test_a_name_of_digits_in_the_query_is_a_name(self) -> None:
        made = self.call("POST", f"{MAILBOXES}?username=123")
        self.assertEqual(made.json["address"], "123@mail.test")

    def test_a_very_long_life_is_clamped_to_the_plan(self) -> None:
        made = self.call("POST", MAILBOXES, {"ttl_minutes": 1_000_000_000})
        self.assertEqual(made.json["expires_at"], "2030-01-03T03:04:05Z")

    def test_nulls_are_as_good_as_nothing(self) -> None:
        self.assertEqual(self.call("POST", MAILBOXES, {"username": None}).status, 201)

    def test_a_body_without_a_content_type_is_json(self) -> None:
        made = self.call("POST", MAILBOXES, b'{"username": "ann"}')
        self.assertEqual(made.json["address"], "ann@mail.test")

    def test_a_charset_is_no_other_type(self) -> None:
        made = self.call(
            "POST", MAILBOXES, b"{}", headers={"Content-Type": "application/json; charset=utf-8"}
        )
        self.assertEqual(made.status, 201)

    def test_wrong_values_are_refused_by_name(self) -> None:
        for name, value in [
            ("ttl_minutes", 0),
            ("ttl_minutes", -1),
            ("ttl_minutes", 5.0),
            ("ttl_minutes", 1e9),
            ("ttl_minutes", "5"),
            ("ttl_minutes", True),
            ("ttl_minutes", [5]),
            ("username", 5),
            ("username", ""),
            ("username", "a" * 65),
            ("username", "a" * 300),
            ("username", "a b"),
            ("username", "ann\x00"),
            ("username", "änn"),
            ("domain", "example.org"),
            ("domain", "a" * 300),
            ("domain", "\x00"),
            ("style", "loud"),
            ("style", None),
            ("client_id", ""),
        ]:
            reply = self.call("POST", MAILBOXES, {name: value})
            self.assert_problem(reply, 422, "invalid", name if name != "domain" else "")
        self.assertEqual(self.service.storage.boxes, {})

    def test_wrong_values_in_the_query_are_refused(self) -> None:
        for query in [
            "ttl_minutes=0",
            "ttl_minutes=-1",
            "ttl_minutes=1.0",
            "ttl_minutes=1e3",
            "ttl_minutes=null",
            "ttl_minutes=%d9%a3",
            "ttl_minutes=true",
            "ttl_minutes=" + "9" * 5000,
            "ttl_minutes=5&ttl_minutes=5",
            "username=%ff",
            "%ff=1",
            "colour=red",
        ]:
            self.assert_problem(self.call("POST", f"{MAILBOXES}?{query}"), 422, "invalid")
        self.assertEqual(self.service.storage.boxes, {})

    def test_the_refusal_of_another_domain_lists_ours(self) -> None:
        reply = self.call("POST", MAILBOXES, {"domain": "example.org"})
        self.assert_problem(reply, 422, "invalid", "mail.test", "other.test")

    def test_a_value_given_twice_is_refused(self) -> None:
        reply = self.call("POST", f"{MAILBOXES}?username=ann", {"username": "ann"})
        self.assert_problem(reply, 422, "invalid", "username", "once")

    def test_what_is_not_json_is_malformed(self) -> None:
        for body in [b"{", b"\xff", b'{"username": "\xff"}', b'{"a":' * 9000, b"{}{}", b"nul"]:
            reply = self.call("POST", MAILBOXES, body)
            self.assert_problem(reply, 400, "malformed_json")

    def test_json_of_another_shape_is_invalid(self) -> None:
        for body in [b"[]", b"null", b'"x"', b"5"]:
            self.assert_problem(self.call("POST", MAILBOXES, body), 422, "invalid")

    def test_other_media_types_are_refused(self) -> None:
        for headers, body in [
            ({"Content-Type": "application/x-www-form-urlencoded"}, b"username=ann"),
            ({"Content-Type": "application/x-www-form-urlencoded"}, b"[]"),
            ({"Content-Type": "text/plain"}, b"{}"),
            ({"Content-Encoding": "gzip"}, b"{}"),
        ]:
            reply = self.call("POST", MAILBOXES, body, headers=headers)
            self.assert_problem(reply, 415, "unsupported_media_type")

    def test_json_is_taken_under_the_type_that_clients_name_when_nobody_says_one(self) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        reply = self.call("POST", MAILBOXES, b' {"username": "ann"}', headers=form)
        self.assertEqual((reply.status, reply.json["address"]), (201, "ann@mail.test"))

    def test_a_taken_or_reserved_name_is_unavailable(self) -> None:
        self.service.mailbox("ann")
        for name in ("ann", "ANN", "postmaster"):
            reply = self.call("POST", MAILBOXES, {"username": name})
            self.assert_problem(reply, 409, "address_unavailable")

    def test_the_plan_counts_networks(self) -> None:
        for number in range(10):
            client = f"2001:db8:1:2::{number:x}"
            self.assertEqual(self.call("POST", MAILBOXES, client=client).status, 201)
        reply = self.call("POST", MAILBOXES, client="2001:db8:1:2:ffff::1")
        self.assert_problem(reply, 429, "limit_reached")
        self.assertEqual(reply.headers["retry-after"], "77")
        self.assertEqual(self.call("POST", MAILBOXES, client="2001:db8:1:3::1").status, 201)

    def test_trouble_of_ours_asks_to_come_again(self) -> None:
        self.service.storage.broken = Unavailable("the database is away; try again")
        reply = self.call("POST", MAILBOXES)
        self.assert_problem(reply, 503, "unavailable")
        self.assertIn("retry-after", reply.headers)


class Owning(MailboxCase):
    def setUp(self) -> None:
        super().setUp()
        self.url, self.token = self.service.mailbox("ann")
        _, self.other = self.service.mailbox("bob")

    def test_the_token_is_shown_once(self) -> None:
        self.assertNotIn("session_token", self.call("GET", self.url, token=self.token).json)

    def test_both_headers_open_it(self) -> None:
        reply = self.call("GET", self.url, headers={"X-Session-Token": self.token})
        self.assertEqual(reply.json["address"], "ann@mail.test")
        reply = self.call("GET", self.url, headers={"Authorization": f"bearer {self.token}"})
        self.assertEqual(reply.json["address"], "ann@mail.test")

    def test_every_spelling_of_an_address_is_the_same(self) -> None:
        for spelled in ("ann%40mail.test", "ANN@Mail.TEST", "%61nn@mail.test", "ann+tag@mail.test"):
            reply = self.call("GET", f"{MAILBOXES}/{spelled}", token=self.token)
            self.assertEqual(reply.json["address"], "ann@mail.test")

    def test_no_credential_or_what_is_none(self) -> None:
        both = {"X-Session-Token": self.token, "Authorization": f"Bearer {self.other}"}
        for headers in [
            {},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer "},
            {"Authorization": f"Basic {self.token}"},
            {"Authorization": "Bearer ä"},
            {"X-Session-Token": "a b"},
            {"X-Session-Token": "a" * 300},
            {"X-Session-Token": "neverissued"},
            both,
        ]:
            for method in ("GET", "DELETE"):
                reply = self.call(method, self.url, headers=headers)
                self.assert_problem(reply, 401, "unauthenticated")
                self.assertTrue(reply.headers["www-authenticate"].startswith("Bearer"))

    def test_anothers_mailbox_and_none_at_all_look_the_same(self) -> None:
        for method, body in (("GET", None), ("PATCH", {"ttl_minutes": 5}), ("DELETE", None)):
            foreign = self.call(method, self.url, body, token=self.other)
            missing = self.call(method, f"{MAILBOXES}/no@mail.test", body, token=self.other)
            elsewhere = self.call(method, f"{MAILBOXES}/a@example.org", body, token=self.other)
            self.assert_problem(foreign, 404, "not_found")
            self.assertEqual(foreign.body, missing.body)
            self.assertEqual(foreign.body, elsewhere.body)
        self.assertIn("ann@mail.test", self.service.storage.boxes)

    def test_extending_counts_from_now(self) -> None:
        reply = self.call("PATCH", self.url, {"ttl_minutes": 90}, token=self.token)
        self.assertEqual(reply.status, 200)
        self.assertEqual(reply.json["expires_at"], "2030-01-02T04:34:05Z")

    def test_extending_by_nothing_sensible(self) -> None:
        for body in [{}, None, {"ttl_minutes": 0}, {"ttl_minutes": True}, {"ttl": 5}]:
            reply = self.call("PATCH", self.url, body, token=self.token)
            self.assert_problem(reply, 422, "invalid", "ttl_minutes" if body != {"ttl": 5} else "")
        reply = self.call("PATCH", f"{self.url}?ttl_minutes=5", token=self.token)
        self.assert_problem(reply, 422, "invalid", "ttl_minutes")

    def test_a_deleted_mailbox_is_gone_and_its_watchers_hear(self) -> None:
        gone = self.call("DELETE", self.url, token=self.token)
        self.assertEqual((gone.status, gone.body), (204, b""))
        self.assertNotIn("content-length", gone.headers)
        self.assertEqual([e.kind for e in self.service.bus.published], [EventKind.EXPIRED])


class Leaving(MailboxCase):
    """A client that disconnects while its request is being worked on."""

    def setUp(self) -> None:
        super().setUp()
        self.url, self.token = self.service.mailbox("ann")
        self.service.storage.gate.close()

    def leave_in(self, method: str, target: str, body: bytes = b"") -> None:
        connection = self.service.connect()
        headers = {"Authorization": f"Bearer {self.token}"}
        connection.send(request_bytes(method, target, headers, body))
        self.assertEqual(self.service.storage.gate.waiting, 1)
        connection.leave()
        self.assertEqual(connection.received(), b"")
        self.service.storage.gate.open()

    def test_creating_comes_to_its_end(self) -> None:
        self.leave_in("POST", f"{MAILBOXES}?username=cy")
        self.assertIn("cy@mail.test", self.service.storage.boxes)
        self.assertEqual(self.service.responses("POST", 499), 1)

    def test_deleting_comes_to_its_end_and_is_told(self) -> None:
        self.leave_in("DELETE", self.url)
        self.assertNotIn("ann@mail.test", self.service.storage.boxes)
        self.assertEqual([e.kind for e in self.service.bus.published], [EventKind.EXPIRED])

    def test_extending_comes_to_its_end(self) -> None:
        before = self.service.storage.boxes["ann@mail.test"].mailbox.expires_at
        self.leave_in("PATCH", self.url, b'{"ttl_minutes": 600}')
        after = self.service.storage.boxes["ann@mail.test"].mailbox.expires_at
        self.assertGreater(after, before)

    def test_reading_is_given_up_quietly(self) -> None:
        self.leave_in("GET", self.url)

    def test_a_refusal_that_nobody_hears_is_no_error(self) -> None:
        self.service.storage.broken = Unavailable("away")
        self.leave_in("DELETE", self.url)

    def test_an_unforeseen_failure_that_nobody_hears_is_logged(self) -> None:
        self.service.storage.broken = ZeroDivisionError()
        self.leave_in("DELETE", self.url)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_waiting_answer_goes_out_when_it_is_there(self) -> None:
        connection = self.service.connect()
        connection.send(request_bytes("POST", MAILBOXES))
        self.assertEqual(connection.received(), b"")
        self.service.storage.gate.open()
        [reply] = replies(connection.received(), "POST")
        self.assertEqual(reply.status, 201)
