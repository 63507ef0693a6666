"""Who may do what, by the credential that comes with a request."""

from __future__ import annotations

from typing import Any

from tempmail.core.tokens import digest as key_digest
from tempmail.model.account import Caller, Scope
from tempmail.model.mailbox import UserOwner
from tests.http.service import Reply, replies, request_bytes
from tests.http.test_mailboxes import MAILBOXES, MailboxCase


class KeyCase(MailboxCase):
    def setUp(self) -> None:
        super().setUp()
        for user in (1, 2):
            for scope in Scope:
                known = key_digest(self.key(user, scope))
                self.service.keys.known[known] = Caller(UserOwner(user), scope, user, digest=known)

    @staticmethod
    def key(user: int, scope: Scope = Scope.FULL) -> str:
        return f"uct_{scope}{user}"

    def make(self, user: int = 1, **wish: Any) -> str:
        made = self.call("POST", MAILBOXES, wish, token=self.key(user))
        self.assertEqual(made.status, 201, made)
        address: str = made.json["address"]
        return address

    def with_key(self, method: str, path: str, scope: Scope, body: Any = None) -> Reply:
        return self.call(method, path, body, token=self.key(1, scope))


class SessionTokens(KeyCase):
    def test_one_that_nobody_was_given_is_unknown_wherever_it_is_shown(self) -> None:
        for method, path in [
            ("GET", MAILBOXES),
            ("POST", MAILBOXES),
            ("GET", "/api/v1/account"),
            ("GET", "/api/v1/keys"),
            ("POST", "/api/v1/keys"),
            ("GET", "/api/v1/passkeys"),
            ("POST", "/api/v1/tickets"),
            ("POST", "/mcp"),
        ]:
            for token in ("invalid", "x" * 43):
                reply = self.call(method, path, token=token)
                self.assert_problem(reply, 401, "unauthenticated")

    def test_one_of_a_mailbox_opens_no_account(self) -> None:
        token = self.call("POST", MAILBOXES, {}).json["session_token"]
        for path in (MAILBOXES, "/api/v1/account", "/api/v1/keys"):
            reply = self.call("GET", path, token=token)
            self.assert_problem(reply, 403, "insufficient_scope")
        self.assertEqual(self.call("POST", "/api/v1/tickets", token=token).status, 201)


class Keys(KeyCase):
    def test_a_key_opens_every_mailbox_of_its_user_and_needs_no_session_token(self) -> None:
        made = self.call("POST", MAILBOXES, {}, token=self.key(1))
        self.assertEqual(made.json["owner_type"], "api")
        self.assertNotIn("session_token", made.json)
        for address in (made.json["address"], self.make()):
            shown = self.with_key("GET", f"{MAILBOXES}/{address}", Scope.CODES)
            self.assertEqual((shown.status, shown.json["address"]), (200, address))

    def test_anothers_mailbox_looks_like_none(self) -> None:
        theirs = self.call("GET", f"{MAILBOXES}/{self.make(2)}", token=self.key(1))
        none = self.call("GET", f"{MAILBOXES}/nobody@mail.test", token=self.key(1))
        self.assertEqual((theirs.status, theirs.json), (404, none.json))

    def test_an_unknown_key_is_refused(self) -> None:
        for method, path in (("GET", MAILBOXES), ("POST", MAILBOXES), ("GET", f"{MAILBOXES}/x@y")):
            reply = self.call(method, path, token="uct_never")
            self.assert_problem(reply, 401, "unauthenticated", "revoked")

    def test_a_scope_that_does_not_reach_is_said_to_be_one(self) -> None:
        address = self.make()
        box = f"{MAILBOXES}/{address}"
        for scope, method, path in (
            (Scope.CODES, "GET", f"{box}/messages"),
            (Scope.CODES, "GET", f"{box}/messages/latest"),
            (Scope.CODES, "GET", f"{box}/messages/latest/raw"),
            (Scope.CODES, "GET", f"{box}/messages/latest/html"),
            (Scope.CODES, "GET", f"{box}/messages/latest/attachments/0"),
            (Scope.CODES, "GET", f"{box}/deliveries"),
            (Scope.READ, "POST", MAILBOXES),
            (Scope.READ, "DELETE", box),
            (Scope.READ, "DELETE", f"{box}/messages"),
        ):
            reply = self.with_key(method, path, scope)
            self.assert_problem(reply, 403, "insufficient_scope", scope)

    def test_a_session_token_lists_no_mailboxes(self) -> None:
        token = self.call("POST", MAILBOXES).json["session_token"]
        self.assert_problem(self.call("GET", MAILBOXES, token=token), 403, "insufficient_scope")


class Listing(KeyCase):
    def test_it_is_newest_first_in_pages_and_ones_own_alone(self) -> None:
        mine = [self.make() for _ in range(5)]
        self.make(2)
        listed: list[str] = []
        cursor = ""
        while True:
            page = self.with_key("GET", f"{MAILBOXES}?limit=2{cursor}", Scope.CODES).json
            listed += [one["address"] for one in page["mailboxes"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        self.assertEqual(listed, mine[::-1])


class CodesAlone(KeyCase):
    def wait(self, address: str, query: str) -> Reply:
        sent = {"Authorization": f"Bearer {self.key(1, Scope.CODES)}"}
        connection = self.service.connect()
        target = f"{MAILBOXES}/{address}/messages/wait?{query}"
        connection.send(request_bytes("GET", target, sent))
        self.service.clock.advance(0)
        [reply] = replies(connection.received(), "GET")
        connection.leave(cleanly=True)
        return reply

    def test_a_wait_answers_codes_and_links_and_no_text(self) -> None:
        address = self.make()
        self.service.deliver(f"{MAILBOXES}/{address}")
        reply = self.wait(address, "has=code&from=ann&timeout=5&after=0")
        self.assertEqual(
            sorted(reply.json), ["codes", "from_address", "id", "links", "received_at", "seq"]
        )
        self.assertEqual(reply.json["codes"], [{"value": "4711", "confidence": 0.9}])
        self.assertEqual(
            reply.json["links"], [{"href": "https://shop.test/go?t=1", "kind": "confirm"}]
        )

    def test_what_would_tell_of_its_text_may_not_be_asked(self) -> None:
        address = self.make()
        for query in ("subject=a", "body=/b/", "count=1"):
            reply = self.wait(address, query)
            self.assert_problem(reply, 403, "insufficient_scope", query.partition("=")[0])
