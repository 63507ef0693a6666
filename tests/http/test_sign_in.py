"""Signing up and in with passkeys, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.logger import LogLevel, capturedLogs

from tempmail.core.sign_in import SignUp
from tempmail.core.tokens import digest
from tempmail.model.account import Caller
from tempmail.model.mailbox import UserOwner
from tests.authenticator import Authenticator
from tests.http.service import Reply, Service, replies, request_bytes
from tests.http.test_mailboxes import MailboxCase

USERS, SESSIONS, PASSKEYS = "/api/v1/users", "/api/v1/sessions", "/api/v1/passkeys"
ACCOUNT = "/api/v1/account"
ORIGIN = "https://mail.test"


class SignInCase(MailboxCase):
    def setUp(self) -> None:
        super().setUp()
        self.device = Authenticator(ORIGIN)

    def post(self, path: str, body: Any, cookie: str | None = None, **headers: str) -> Reply:
        sent = {"Sec-Fetch-Site": "same-origin", **headers}
        if cookie is not None:
            sent["Cookie"] = f"__Host-session={cookie}"
        return self.service.call("POST", path, body, headers=sent)

    def options(self, path: str, body: Mapping[str, Any] | None = None, **asked: Any) -> Any:
        reply = self.post(f"{path}/options", body or {}, **asked)
        self.assertEqual(reply.status, 200, reply)
        return reply.json["publicKey"]

    def sign_up(self, name: str = "carl", **begin: str) -> Reply:
        options = self.options(USERS, {"name": name, **begin})
        return self.post(USERS, {"credential": self.device.create(options)})

    def signed_up(self, name: str = "carl") -> str:
        """The cookie of somebody new."""
        reply = self.sign_up(name)
        self.assertEqual(reply.status, 201, reply)
        return self.cookie_of(reply)

    def sign_in(self) -> Reply:
        return self.post(SESSIONS, {"credential": self.device.get(self.options(SESSIONS))})

    @staticmethod
    def cookie_of(reply: Reply) -> str:
        return reply.headers["set-cookie"].partition("=")[2].partition(";")[0]

    def account(self, cookie: str) -> Reply:
        return self.service.call("GET", ACCOUNT, headers={"Cookie": f"__Host-session={cookie}"})

    def ceremonies(self, ceremony: str, outcome: str) -> float:
        return float(self.service.metrics.sign_ins.labels(ceremony, outcome)._value.get())


class SigningUp(SignInCase):
    def test_it_makes_an_account_and_signs_the_browser_in(self) -> None:
        reply = self.sign_up("  Carl ")
        self.assertEqual((reply.status, reply.json["name"]), (201, "Carl"))
        cookie = reply.headers["set-cookie"]
        for attribute in ("__Host-session=", "Secure", "HttpOnly", "SameSite=Strict", "Path=/;"):
            self.assertIn(attribute, cookie)
        self.assertNotIn("Domain", cookie)
        self.assertEqual(self.account(self.cookie_of(reply)).json["name"], "Carl")
        self.assertEqual(self.ceremonies("sign_up", "done"), 1)

    def test_storage_knows_digests_alone(self) -> None:
        cookie = self.signed_up()
        self.assertEqual(list(self.service.keys.known), [digest(cookie)])
        options = self.options(SESSIONS)
        self.assertNotIn(options["challenge"], str(self.service.single_use.kept))

    def test_the_browser_is_told_what_passkey_to_make(self) -> None:
        options = self.options(USERS, {"name": "carl"})
        self.assertEqual(options["rp"]["id"], "mail.test")
        self.assertEqual(options["attestation"], "none")
        chosen = options["authenticatorSelection"]
        self.assertEqual(
            (chosen["residentKey"], chosen["userVerification"]), ("required", "required")
        )
        self.assertEqual([one["alg"] for one in options["pubKeyCredParams"]], [-8, -7, -257])

    def test_an_answer_is_good_once(self) -> None:
        answer = {"credential": self.device.create(self.options(USERS, {"name": "carl"}))}
        self.assertEqual(self.post(USERS, answer).status, 201)
        self.assert_problem(self.post(USERS, answer), 403, "passkey_refused")
        self.assertEqual(self.ceremonies("sign_up", "refused"), 1)

    def test_an_answer_that_was_refused_is_good_no_more_either(self) -> None:
        options = self.options(USERS, {"name": "carl"})
        self.device.origin = "https://evil.test"
        bad = {"credential": self.device.create(options)}
        self.assert_problem(self.post(USERS, bad), 403, "passkey_refused")
        self.device.origin = ORIGIN
        good = {"credential": self.device.create(options)}
        self.assert_problem(self.post(USERS, good), 403, "passkey_refused")

    def test_a_page_of_another_origin_gets_nowhere(self) -> None:
        for origin in ("https://evil.test", "https://mail.test.evil.test", "https://mail.test:1"):
            self.device.origin = origin
            options = self.options(USERS, {"name": "carl"})
            reply = self.post(USERS, {"credential": self.device.create(options)})
            self.assert_problem(reply, 403, "passkey_refused")
        for site in ("cross-site", "same-site"):
            reply = self.post(f"{USERS}/options", {"name": "x"}, **{"Sec-Fetch-Site": site})
            self.assert_problem(reply, 403, "origin_refused")

    def test_an_answer_to_another_ceremony_or_for_another_host_is_none(self) -> None:
        signing_in = self.options(SESSIONS)
        options = {**self.options(USERS, {"name": "carl"}), "challenge": signing_in["challenge"]}
        crossed = self.post(USERS, {"credential": self.device.create(options)})
        self.assert_problem(crossed, 403, "passkey_refused")
        options = self.options(USERS, {"name": "carl"})
        elsewhere = {**options, "rp": {"id": "evil.test"}}
        reply = self.post(USERS, {"credential": self.device.create(elsewhere)})
        self.assert_problem(reply, 403, "passkey_refused")
        connection = self.service.connect()
        sent = request_bytes("POST", f"{USERS}/options", {}, b'{"name": "carl"}')
        connection.send(sent.replace(b"Host: mail.test", b"Host: other.test"))
        [begun] = replies(connection.received(), "POST")
        ours = {**begun.json["publicKey"], "rp": {"id": "mail.test"}}
        reply = self.post(USERS, {"credential": self.device.create(ours)})
        self.assert_problem(reply, 403, "passkey_refused")

    def test_a_name_that_is_taken_is_said_to_be(self) -> None:
        self.assert_problem(self.sign_up("ann"), 409, "name_taken")
        for name in ("\u202e\u202e", "\u0000", " "):
            reply = self.post(f"{USERS}/options", {"name": name})
            self.assert_problem(reply, 422, "invalid", "name")

    def test_nonsense_is_refused_in_the_same_words(self) -> None:
        real = self.device.create(self.options(USERS, {"name": "carl"}))
        data, stated = (real["response"][n] for n in ("clientDataJSON", "attestationObject"))

        def response(**parts: Any) -> dict[str, Any]:
            whole = {"clientDataJSON": data, "attestationObject": stated, **parts}
            return {**real, "response": whole}

        for credential in (
            {},
            {"response": 1},
            {"response": {"clientDataJSON": 7}},
            response(clientDataJSON="e30"),
            response(clientDataJSON="x" * 5000),
            response(clientDataJSON="\u00fc"),
            response(clientDataJSON="W" * 4000),
            response(attestationObject="gYGBgYGB" * 1000),
            response(attestationObject="x"),
            {**response(), "id": 7},
        ):
            reply = self.post(USERS, {"credential": credential})
            self.assert_problem(reply, 403, "passkey_refused")
        self.assert_problem(self.post(USERS, {"credential": 1}), 422, "invalid", "credential")

    def test_an_attestation_that_nobody_asked_for_is_not_looked_into(self) -> None:
        for fmt in ("tpm", "android-safetynet", "fido-u2f", "apple", "made-up"):
            made = self.device.create(self.options(USERS, {"name": "carl"}), fmt)
            with capturedLogs() as events:
                self.assert_problem(self.post(USERS, {"credential": made}), 403, "passkey_refused")
            [why] = [one["why"] for one in events if "why" in one]
            self.assertIn("not asked for", why)

    def test_a_site_that_is_open_by_its_address_has_no_passkeys(self) -> None:
        connection = self.service.connect()
        for host in ("192.0.2.1", "192.0.2.1:8080", "[2001:db8::1]"):
            connection = self.service.connect()
            connection.send(f"POST {SESSIONS}/options HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            self.assertIn(b"422 ", connection.received())
            self.assertIn(b"by its name", connection.received())

    def test_a_network_that_tries_too_often_is_told_to_wait(self) -> None:
        replies = [self.post(f"{SESSIONS}/options", {}) for _ in range(41)]
        self.assertEqual([one.status for one in replies], [200] * 40 + [429])
        self.assertEqual(replies[-1].headers["retry-after"], "2")
        self.service.clock.advance(2)
        self.assertEqual(self.post(f"{SESSIONS}/options", {}).status, 200)


class Policies(SignInCase):
    def test_closed_nobody_signs_up_and_everybody_signs_in(self) -> None:
        self.service = Service(sign_up=SignUp.CLOSED)
        reply = self.post(f"{USERS}/options", {"name": "carl"})
        self.assert_problem(reply, 403, "sign_up_closed", "operator")
        self.options(SESSIONS)

    def test_by_invitation_one_lets_one_in(self) -> None:
        self.service = Service(sign_up=SignUp.INVITE)
        self.service.accounts.invitations.add(digest("welcome"))
        for body, code in (
            ({"name": "carl"}, "invitation_required"),
            ({"name": "carl", "invitation": "made up"}, "invitation_refused"),
        ):
            self.assert_problem(self.post(f"{USERS}/options", body), 403, code)
        begun = [
            self.options(USERS, {"name": name, "invitation": "welcome"})
            for name in ("carl", "dora")
        ]
        statuses = [
            self.post(USERS, {"credential": Authenticator(ORIGIN).create(options)}).status
            for options in begun
        ]
        self.assertEqual(statuses, [201, 403])

    def test_what_was_begun_where_it_was_open_does_not_end_where_it_is_not(self) -> None:
        options = self.options(USERS, {"name": "carl"})
        kept = self.service.single_use.kept
        self.service = Service(sign_up=SignUp.INVITE)
        self.service.single_use.kept.update(kept)
        reply = self.post(USERS, {"credential": self.device.create(options)})
        self.assert_problem(reply, 403, "sign_up_closed")


class SigningIn(SignInCase):
    def test_nobody_types_a_name(self) -> None:
        self.signed_up()
        options = self.options(SESSIONS)
        self.assertEqual(options.get("allowCredentials", []), [])
        reply = self.post(SESSIONS, {"credential": self.device.get(options)})
        self.assertEqual((reply.status, reply.json["name"]), (201, "carl"))
        self.assertEqual(self.account(self.cookie_of(reply)).status, 200)

    def test_an_answer_is_good_once(self) -> None:
        self.signed_up()
        answer = {"credential": self.device.get(self.options(SESSIONS))}
        self.assertEqual(self.post(SESSIONS, answer).status, 201)
        self.assert_problem(self.post(SESSIONS, answer), 403, "passkey_refused")

    def test_a_passkey_that_nobody_registered_opens_nothing(self) -> None:
        self.assert_problem(self.sign_in(), 403, "passkey_refused")

    def test_another_passkeys_signature_or_handle_opens_nothing(self) -> None:
        self.signed_up()
        other = Authenticator(ORIGIN)
        other.credential_id, other.user_handle = self.device.credential_id, self.device.user_handle
        answer = {"credential": other.get(self.options(SESSIONS))}
        self.assert_problem(self.post(SESSIONS, answer), 403, "passkey_refused")
        self.device.user_handle = b"a" * 32
        self.assert_problem(self.sign_in(), 403, "passkey_refused")

    def test_a_page_of_another_origin_gets_nowhere(self) -> None:
        self.signed_up()
        self.device.origin = "https://evil.test"
        self.assert_problem(self.sign_in(), 403, "passkey_refused")

    def test_a_counter_that_went_back_is_refused_and_said_loudly(self) -> None:
        self.signed_up()
        self.assertEqual(self.sign_in().status, 201)
        self.device.sign_count -= 1
        with capturedLogs() as events:
            self.assert_problem(self.sign_in(), 403, "passkey_refused")
        [warning] = [one for one in events if one["log_level"] is LogLevel.warn]
        self.assertIn("copied", warning["log_format"])
        self.assertEqual((warning["before"], warning["now"]), (2, 2))

    def test_one_that_does_not_count_is_let_in(self) -> None:
        self.device = Authenticator(ORIGIN, counts=False)
        self.signed_up()
        self.assertEqual([self.sign_in().status for _ in range(2)], [201, 201])

    def test_no_log_has_a_secret(self) -> None:
        with capturedLogs() as events:
            cookie = self.signed_up()
            options = self.options(SESSIONS)
            self.post(SESSIONS, {"credential": self.device.get(options)})
            self.post(SESSIONS, {"credential": self.device.get(options)})
        self.assertGreater(len(events), 3)
        for secret in (cookie, options["challenge"], digest(cookie).hex()):
            self.assertNotIn(secret, str(events))


class Passkeys(SignInCase):
    def add(self, cookie: str, device: Authenticator) -> Reply:
        options = self.options(PASSKEYS, cookie=cookie)
        body = {"credential": device.create(options), "name": "phone"}
        return self.post(PASSKEYS, body, cookie=cookie)

    def test_a_key_adds_the_first_one_alone_and_removes_none(self) -> None:
        cookie = self.signed_up()
        key = "uct_of_carl"
        owner = UserOwner(self.account(cookie).json["id"])
        self.service.keys.known[digest(key)] = Caller(owner, key_id=1, digest=digest(key))
        for path, body in (
            (f"{PASSKEYS}/options", {}),
            (PASSKEYS, {"credential": {}, "name": "x"}),
        ):
            reply = self.service.call("POST", path, body, token=key)
            self.assert_problem(reply, 403, "insufficient_scope", "sign in")
        reply = self.service.call("DELETE", f"{PASSKEYS}/1", token=key)
        self.assert_problem(reply, 403, "insufficient_scope", "sign in")

    def test_a_device_that_anybody_may_have_found_opens_nothing(self) -> None:
        self.signed_up()
        self.device.verified = 0
        self.assert_problem(self.sign_in(), 403, "passkey_refused")

    def test_a_further_one_signs_in_to_the_same_account(self) -> None:
        cookie = self.signed_up()
        known = self.options(PASSKEYS, cookie=cookie)["excludeCredentials"]
        self.assertEqual(len(known), 1)
        phone = Authenticator(ORIGIN)
        self.assertEqual(self.add(cookie, phone).status, 201)
        self.device = phone
        self.assertEqual(self.sign_in().json["name"], "carl")
        listed = self.service.call(
            "GET", PASSKEYS, headers={"Cookie": f"__Host-session={cookie}"}
        ).json["passkeys"]
        self.assertEqual([one["name"] for one in listed], ["phone", "first passkey"])

    def test_what_was_begun_for_one_account_does_not_end_in_another(self) -> None:
        cookie = self.signed_up()
        options = self.options(PASSKEYS, cookie=cookie)
        self.device = Authenticator(ORIGIN)
        other = self.signed_up("dora")
        body = {"credential": Authenticator(ORIGIN).create(options), "name": "phone"}
        self.assert_problem(self.post(PASSKEYS, body, cookie=other), 403, "passkey_refused")

    def test_anothers_cannot_be_removed(self) -> None:
        cookie = self.signed_up()
        self.device = Authenticator(ORIGIN)
        other = self.signed_up("dora")
        mine = self.service.call(
            "GET", PASSKEYS, headers={"Cookie": f"__Host-session={cookie}"}
        ).json["passkeys"][0]["id"]
        headers = {"Cookie": f"__Host-session={other}", "Sec-Fetch-Site": "same-origin"}
        for identity in (mine, 999):
            reply = self.service.call("DELETE", f"{PASSKEYS}/{identity}", headers=headers)
            self.assert_problem(reply, 404, "not_found")

    def test_without_an_account_there_is_nothing_to_add_to(self) -> None:
        self.assert_problem(self.post(f"{PASSKEYS}/options", {}), 401, "unauthenticated")
