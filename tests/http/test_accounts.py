"""Accounts, keys and tickets over HTTP."""

from __future__ import annotations

from typing import Any

from tempmail.core.tokens import digest
from tempmail.model.account import Caller, Scope
from tempmail.model.mailbox import UserOwner
from tests.http.service import Connection, Reply, replies, request_bytes
from tests.http.test_callers import KeyCase
from tests.http.test_mailboxes import MAILBOXES

ACCOUNT, KEYS, TICKETS = "/api/v1/account", "/api/v1/keys", "/api/v1/tickets"
COOKIE = {"Cookie": "__Host-session=ann-browser"}
SAME_ORIGIN = {**COOKIE, "Sec-Fetch-Site": "same-origin"}


class AccountCase(KeyCase):
    def setUp(self) -> None:
        super().setUp()
        cookie = digest("ann-browser")
        self.service.keys.known[cookie] = Caller(UserOwner(1), digest=cookie)

    def cookie(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        sent = {**COOKIE, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.service.call(method, path, body, headers=sent)


class Accounts(AccountCase):
    def test_it_shows_the_plan_its_limits_and_what_is_used_of_them(self) -> None:
        shown = self.call("GET", ACCOUNT, token=self.key(1)).json
        self.assertEqual(
            (shown["name"], shown["plan"], shown["usage"]),
            ("ann", "free", {"mailboxes": 2, "messages": 7}),
        )
        self.assertEqual(
            (shown["limits"]["max_mailboxes"], shown["limits"]["requests_per_minute"]), (25, 600)
        )

    def test_a_session_token_has_none_and_is_told_what_would(self) -> None:
        token = self.call("POST", MAILBOXES).json["session_token"]
        for method, path in (("GET", ACCOUNT), ("GET", KEYS), ("POST", KEYS)):
            body = {"name": "k"} if method == "POST" else None
            reply = self.call(method, path, body, token=token)
            self.assert_problem(reply, 403, "insufficient_scope", "use an API key, or sign in")
        self.assert_problem(self.call("GET", ACCOUNT), 401, "unauthenticated")

    def test_a_narrower_key_may_not_look_after_it(self) -> None:
        for scope in (Scope.READ, Scope.CODES):
            for method, path in (("GET", KEYS), ("DELETE", f"{KEYS}/1")):
                reply = self.with_key(method, path, scope)
                self.assert_problem(reply, 403, "insufficient_scope", scope, "it takes scope full")
        reply = self.with_key("GET", ACCOUNT, Scope.CODES)
        self.assert_problem(reply, 403, "insufficient_scope", "it takes scope read")
        self.assertEqual(self.with_key("GET", ACCOUNT, Scope.READ).status, 200)


class Keys(AccountCase):
    def test_its_secret_is_shown_once(self) -> None:
        made = self.call("POST", KEYS, {"name": "laptop", "scopes": ["read"]}, token=self.key(1))
        self.assertEqual(made.status, 201, made)
        shown = made.json
        secret = shown.pop("key")
        self.assertEqual(shown["prefix"], secret[:12])
        listed = self.call("GET", KEYS, token=self.key(1))
        self.assertEqual(listed.json["keys"], [shown])
        self.assertNotIn(secret, listed.body.decode())

    def test_anothers_key_can_be_neither_seen_nor_revoked(self) -> None:
        made = self.call("POST", KEYS, {"name": "laptop"}, token=self.key(1)).json
        self.assertEqual(self.call("GET", KEYS, token=self.key(2)).json["keys"], [])
        theirs = self.call("DELETE", f"{KEYS}/{made['id']}", token=self.key(2))
        none = self.call("DELETE", f"{KEYS}/999", token=self.key(2))
        self.assert_problem(theirs, 404, "not_found")
        self.assertEqual(theirs.json, none.json)
        self.assertEqual(self.call("DELETE", f"{KEYS}/{made['id']}", token=self.key(1)).status, 204)

    def test_what_is_no_id_is_the_id_of_nothing(self) -> None:
        for text in ("0", "-1", "x", "1.0", "%D9%A1", "9" * 19):
            reply = self.call("DELETE", f"{KEYS}/{text}", token=self.key(1))
            self.assert_problem(reply, 404, "not_found")

    def test_wrong_values_are_refused_by_their_names(self) -> None:
        for body, name in (
            ({}, "name"),
            ({"name": ""}, "name"),
            ({"name": "a\u0000b"}, "name"),
            ({"name": "k", "scopes": []}, "scopes"),
            ({"name": "k", "scopes": ["all"]}, "scopes"),
            ({"name": "k", "expires_at": "tomorrow"}, "expires_at"),
            ({"name": "k", "expires_at": "2031-01-01T00:00:00"}, "expires_at"),
            ({"name": "k", "colour": 1}, "colour"),
        ):
            reply = self.call("POST", KEYS, body, token=self.key(1))
            self.assert_problem(reply, 422, "invalid", name)

    def test_what_another_daemon_has_ended_makes_none(self) -> None:
        self.service.accounts.ended = {digest(self.key(1)), digest("ann-browser")}
        made = self.call("POST", KEYS, {"name": "k"}, token=self.key(1))
        self.assert_problem(made, 401, "unauthenticated", "no more")
        made = self.cookie("POST", KEYS, {"name": "k"}, Sec_Fetch_Site="same-origin")
        self.assert_problem(made, 401, "unauthenticated", "no more")
        self.assertEqual(self.service.accounts.api_keys, {})

    def test_a_key_says_when_it_ends(self) -> None:
        body = {"name": "k", "expires_at": "2031-01-01T02:00:00+02:00"}
        made = self.call("POST", KEYS, body, token=self.key(1)).json
        self.assertEqual(made["expires_at"], "2031-01-01T00:00:00Z")


class Cookies(AccountCase):
    def test_it_opens_the_account_and_everything_of_its_user(self) -> None:
        address = self.make(1)
        for path in (ACCOUNT, KEYS, MAILBOXES, f"{MAILBOXES}/{address}"):
            self.assertEqual(self.cookie("GET", path).status, 200)
        self.assertEqual(self.cookie("GET", f"{MAILBOXES}/{self.make(2)}").status, 404)
        made = self.cookie("POST", MAILBOXES, {}, Sec_Fetch_Site="same-origin")
        self.assertEqual((made.status, made.json["owner_type"]), (201, "api"))

    def test_what_changes_something_has_to_come_from_a_page_of_ours(self) -> None:
        for headers, status in (
            ({"Sec_Fetch_Site": "same-origin"}, 201),
            ({"Origin": "http://mail.test"}, 201),
            ({"Origin": "https://mail.test"}, 201),  # behind a proxy that speaks TLS
            ({}, 403),
            ({"Origin": "https://evil.test"}, 403),
            ({"Origin": "https://mail.test.evil.test"}, 403),
            ({"Origin": "https://mail.test:8443"}, 403),
            ({"Origin": "null"}, 403),
            ({"Sec_Fetch_Site": "same-site"}, 403),
            ({"Sec_Fetch_Site": "cross-site", "Origin": "http://mail.test"}, 403),
            ({"Sec_Fetch_Site": "none"}, 403),
        ):
            reply = self.cookie("POST", KEYS, {"name": "k"}, **headers)
            self.assertEqual(reply.status, status, (headers, reply))
            if status == 403:
                self.assertEqual(reply.json["code"], "origin_refused")

    def test_other_sites_cannot_even_look(self) -> None:
        for site, status in (("same-origin", 200), ("none", 200), ("cross-site", 403)):
            self.assertEqual(self.cookie("GET", ACCOUNT, Sec_Fetch_Site=site).status, status)

    def test_a_token_that_is_shown_counts_and_the_cookie_does_not(self) -> None:
        url, token = self.service.mailbox("anonymous")
        reply = self.service.call("GET", url, token=token, headers=COOKIE)
        self.assertEqual(reply.status, 200)
        changed = self.service.call("DELETE", url, token=token, headers=COOKIE)
        self.assertEqual(changed.status, 204)

    def test_one_that_is_good_no_more_is_taken_away(self) -> None:
        stale = {"Cookie": "__Host-session=old", "Sec-Fetch-Site": "same-origin"}
        reply = self.service.call("POST", MAILBOXES, {}, headers=stale)
        self.assert_problem(reply, 401, "unauthenticated", "sign in again")
        self.assertIn("__Host-session=; Max-Age=0", reply.headers["set-cookie"])

    def test_what_can_be_no_cookie_of_ours_is_none(self) -> None:
        for value in ("", "a b", "x" * 200, "%00"):
            reply = self.service.call(
                "POST", MAILBOXES, {}, headers={"Cookie": f"__Host-session={value}"}
            )
            self.assertEqual(reply.json["owner_type"], "anonymous")

    def test_signing_out_ends_it_and_takes_the_cookie_away(self) -> None:
        self.assertEqual(self.cookie("DELETE", "/api/v1/sessions/current").status, 403)
        out = self.service.call("DELETE", "/api/v1/sessions/current", headers=SAME_ORIGIN)
        self.assertEqual(out.status, 204)
        self.assertIn("Max-Age=0", out.headers["set-cookie"])
        self.assertEqual(self.cookie("GET", ACCOUNT).status, 401)

    def test_a_key_is_not_signed_in(self) -> None:
        reply = self.call("DELETE", "/api/v1/sessions/current", token=self.key(1))
        self.assert_problem(reply, 404, "not_found", "revoke")


class Tickets(AccountCase):
    def give(self, **asked: Any) -> str:
        given = self.service.call("POST", TICKETS, **asked)
        self.assertEqual(given.status, 201, given)
        ticket: str = given.json["ticket"]
        return ticket

    def follow(self, path: str, ticket: str) -> Reply:
        """Whether event streams open; a HEAD takes none."""
        return self.service.call("HEAD", f"{path}/events?ticket={ticket}")

    def test_one_opens_what_its_owner_may_open_once(self) -> None:
        address = self.make(1)
        path = f"{MAILBOXES}/{address}"
        ticket = self.give(token=self.key(1, Scope.CODES))
        self.assertEqual(self.follow(path, ticket).status, 200)
        self.assertEqual(self.follow(path, ticket).status, 401)
        theirs = self.give(token=self.key(2))
        self.assertEqual(self.follow(path, theirs).status, 404)

    def test_a_session_token_and_a_cookie_get_one_as_well(self) -> None:
        url, token = self.service.mailbox("anonymous")
        self.assertEqual(self.follow(url, self.give(token=token)).status, 200)
        path = f"{MAILBOXES}/{self.make(1)}"
        self.assertEqual(self.follow(path, self.give(headers=SAME_ORIGIN)).status, 200)

    def test_it_is_good_for_no_longer_than_what_it_was_given_for(self) -> None:
        path = f"{MAILBOXES}/{self.make(1)}"
        by_key, by_cookie = self.give(token=self.key(1)), self.give(headers=SAME_ORIGIN)
        self.service.keys.known.clear()
        self.service.clock.advance(1.5)
        for ticket in (by_key, by_cookie):
            self.assertEqual(self.follow(path, ticket).status, 401)

    def test_it_does_not_go_together_with_another_credential(self) -> None:
        url, token = self.service.mailbox("anonymous")
        ticket = self.give(token=token)
        reply = self.service.call("HEAD", f"{url}/events?ticket={ticket}", token=token)
        self.assertEqual(reply.status, 401)
        self.assertEqual(self.follow(url, ticket).status, 200)

    def test_nothing_but_event_streams_takes_one(self) -> None:
        url, token = self.service.mailbox("anonymous")
        reply = self.service.call("GET", f"{url}?ticket={self.give(token=token)}")
        self.assertEqual(reply.status, 401)

    def test_who_is_given_too_many_is_told_to_wait(self) -> None:
        _, token = self.service.mailbox("anonymous")
        statuses = [self.service.call("POST", TICKETS, token=token).status for _ in range(101)]
        self.assertEqual(statuses, [201] * 100 + [429])
        self.service.clock.advance(1)
        self.give(token=token)

    def test_storage_knows_its_digest_alone(self) -> None:
        ticket = self.give(token=self.key(1))
        [(kept, purpose)] = self.service.single_use.kept
        self.assertEqual((kept, purpose), (digest(ticket), "ticket"))
        self.assertNotIn(ticket, str(self.service.single_use.kept))


class Revocation(AccountCase):
    """What goes on with a key or a cookie when that ends."""

    def begin(self, path: str) -> Connection:
        connection = self.service.connect()
        sent = {"Authorization": f"Bearer {self.key(1)}"}
        connection.send(request_bytes("GET", path, sent))
        self.service.clock.advance(0)
        return connection

    def test_an_event_stream_ends(self) -> None:
        address = self.make(1)
        connection = self.begin(f"{MAILBOXES}/{address}/events")
        self.service.clock.pump([0.5] * 10)
        self.service.deliver(f"{MAILBOXES}/{address}")
        self.assertIn(b"new_message", connection.received())
        self.assertFalse(connection.received().endswith(b"0\r\n\r\n"))
        self.service.keys.known.clear()
        self.service.clock.pump([0.5] * 2)
        self.assertTrue(connection.received().endswith(b"0\r\n\r\n"))
        connection.leave(cleanly=True)
        self.service.clock.pump([0.5] * 20)
        self.assertEqual(self.service.clock.getDelayedCalls(), [])

    def test_a_wait_is_not_answered_with_a_message(self) -> None:
        address = self.make(1)
        connection = self.begin(f"{MAILBOXES}/{address}/messages/wait?timeout=60")
        self.service.clock.pump([0.5] * 10)
        self.service.keys.known.clear()
        self.service.clock.pump([0.5] * 2)
        self.service.deliver(f"{MAILBOXES}/{address}")
        self.service.clock.pump([0.1] * 5)
        [reply] = replies(connection.received(), "GET")
        self.assert_problem(reply, 401, "unauthenticated")
        connection.leave(cleanly=True)

    def test_a_key_revoked_here_is_refused_at_once(self) -> None:
        made = self.call("POST", KEYS, {"name": "k"}, token=self.key(1)).json
        held = digest(made["key"])
        self.service.keys.known[held] = Caller(UserOwner(1), key_id=made["id"], digest=held)
        self.assertEqual(self.call("GET", MAILBOXES, token=made["key"]).status, 200)
        del self.service.keys.known[held]  # storage knows
        self.assertEqual(self.call("GET", MAILBOXES, token=made["key"]).status, 200)
        self.call("DELETE", f"{KEYS}/{made['id']}", token=self.key(1))
        self.assertEqual(self.call("GET", MAILBOXES, token=made["key"]).status, 401)

    def test_a_key_is_no_cookie_and_a_cookie_no_key(self) -> None:
        held = digest("uct_browser")
        self.service.keys.known[held] = Caller(UserOwner(1), digest=held)
        self.assertEqual(self.call("GET", ACCOUNT, token="uct_browser").status, 401)
        as_cookie = {"Cookie": f"__Host-session={self.key(1)}"}
        self.assertEqual(self.service.call("GET", ACCOUNT, headers=as_cookie).status, 401)
