"""Signing up and in as people do: Chromium with a virtual authenticator, against a real daemon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright

from tempmail.storage.connection import connect
from tempmail.storage.invitations import make_invitation
from tests.browser.watch import CHROMIUM
from tests.daemon import Daemon, daemon

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

_USERS, _SESSIONS, _PASSKEYS = "/api/v1/users", "/api/v1/sessions", "/api/v1/passkeys"
_ACCOUNT = "/api/v1/account"

# What a page does: nothing but the platform's own functions.
_PAGE = """<!doctype html><title>account</title><script>
window.ask = async (method, path, body) => {
  const answer = await fetch(path, {method, headers: {'Content-Type': 'application/json'},
    body: body === undefined ? undefined : JSON.stringify(body)});
  const text = await answer.text();
  return {status: answer.status, body: text ? JSON.parse(text) : null};
};
window.make = async (path, body) => {
  const begun = await ask('POST', path + '/options', body);
  if (begun.status !== 200) return begun;
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(begun.body.publicKey);
  return {credential: (await navigator.credentials.create({publicKey})).toJSON()};
};
window.use = async () => {
  const begun = await ask('POST', '/api/v1/sessions/options', {});
  if (begun.status !== 200) return begun;
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(begun.body.publicKey);
  return {credential: (await navigator.credentials.get({publicKey})).toJSON()};
};
</script>"""
_AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Tab:
    """A page of ours, with an authenticator in the machine."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.origin = origin
        self._cdp = page.context.new_cdp_session(page)
        self._cdp.send("WebAuthn.enable")
        added = self._cdp.send("WebAuthn.addVirtualAuthenticator", {"options": _AUTHENTICATOR})
        self._authenticator = added["authenticatorId"]
        page.route("**/stage", lambda route: route.fulfill(body=_PAGE, content_type="text/html"))
        self.open(origin)

    def open(self, origin: str) -> None:
        self.page.goto(f"{origin}/stage")

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        answer = self.page.evaluate(
            "([method, path, body]) => ask(method, path, body === null ? undefined : body)",
            [method, path, body],
        )
        return answer["status"], answer["body"]

    def make(self, path: str, body: Any) -> Any:
        self.page.bring_to_front()
        return self.page.evaluate("([path, body]) => make(path, body)", [path, body])

    def use(self) -> Any:
        self.page.bring_to_front()
        return self.page.evaluate("() => use()")

    def sign_up(self, name: str, **begin: str) -> tuple[int, Any]:
        made = self.make(_USERS, {"name": name, **begin})
        if "status" in made:
            return made["status"], made["body"]
        return self.ask("POST", _USERS, made)

    def sign_in(self) -> tuple[int, Any]:
        return self.ask("POST", _SESSIONS, self.use())

    def set_counter(self, count: int) -> None:
        """As if a copy of the authenticator had been made before."""
        found = self._cdp.send("WebAuthn.getCredentials", {"authenticatorId": self._authenticator})
        [credential] = found["credentials"]
        self._cdp.send(
            "WebAuthn.removeCredential",
            {
                "authenticatorId": self._authenticator,
                "credentialId": credential["credentialId"],
            },
        )
        self._cdp.send(
            "WebAuthn.addCredential",
            {
                "authenticatorId": self._authenticator,
                "credential": {**credential, "signCount": count},
            },
        )


@contextmanager
def browsing() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",  # tests run as root too
                "--disable-gpu",
                "--disable-features=LocalNetworkAccessChecks",  # would stop what we are to refuse
            ],
        )
        try:
            yield browser.new_context()
        finally:
            browser.close()


@pytest.fixture
def running(tmp_path: Path, dsn: str) -> Iterator[Daemon]:
    with daemon(tmp_path, "--database", dsn) as it:
        yield it


def origin(running: Daemon, host: str = "localhost") -> str:
    return f"http://{host}:{running.http}"


def test_one_signs_up_out_and_in_and_adds_and_removes_a_passkey(running: Daemon) -> None:
    with browsing() as context:
        tab = Tab(context.new_page(), origin(running))
        status, user = tab.sign_up("ann")
        assert (status, user["name"]) == (201, "ann")
        [cookie] = context.cookies()
        assert cookie["name"] == "__Host-session"
        assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")
        assert tab.page.evaluate("() => document.cookie") == ""
        assert tab.ask("GET", _ACCOUNT)[1]["name"] == "ann"
        assert tab.ask("POST", "/api/v1/mailboxes", {})[1]["owner_type"] == "api"

        assert tab.ask("DELETE", f"{_SESSIONS}/current")[0] == 204
        assert context.cookies() == []
        assert tab.ask("GET", _ACCOUNT)[0] == 401

        status, user = tab.sign_in()
        assert (status, user["name"]) == (201, "ann")
        assert tab.ask("GET", _ACCOUNT)[1]["usage"] == {"mailboxes": 1, "messages": 0}

        [first] = tab.ask("GET", _PASSKEYS)[1]["passkeys"]
        assert first["last_used_at"] is not None
        assert tab.ask("DELETE", f"{_PASSKEYS}/{first['id']}")[1]["code"] == "last_passkey"
        phone = Tab(context.new_page(), origin(running))
        made = phone.make(_PASSKEYS, {})
        status, added = phone.ask("POST", _PASSKEYS, {**made, "name": "phone"})
        assert (status, added["name"]) == (201, "phone")
        assert phone.sign_in()[0] == 201
        assert phone.ask("DELETE", f"{_PASSKEYS}/{first['id']}")[0] == 204
        assert tab.sign_in()[1]["code"] == "passkey_refused"


def test_an_answer_is_good_once_and_a_copied_authenticator_for_nothing(running: Daemon) -> None:
    with browsing() as context:
        tab = Tab(context.new_page(), origin(running))
        made = tab.make(_USERS, {"name": "ann"})
        assert tab.ask("POST", _USERS, made)[0] == 201
        assert tab.ask("POST", _USERS, made)[1]["code"] == "passkey_refused"
        used = tab.use()
        assert tab.ask("POST", _SESSIONS, used)[0] == 201
        assert tab.ask("POST", _SESSIONS, used)[1]["code"] == "passkey_refused"
        tab.set_counter(0)
        assert tab.sign_in()[1]["code"] == "passkey_refused"
        assert "may have been copied" in "".join(running.output)


def test_another_origins_page_can_use_neither_the_passkey_nor_the_cookie(
    running: Daemon, tmp_path: Path, dsn: str
) -> None:
    with (
        daemon(tmp_path / "other", "--database", dsn) as elsewhere,
        browsing() as context,
    ):
        tab = Tab(context.new_page(), origin(running))
        assert tab.sign_up("ann")[0] == 201
        # The same host, another port: the browser would sign for it and sends the cookie along.
        tab.open(origin(elsewhere))
        crossed = tab.use()
        seen = len(running.output)
        asking = """async ([there, method, path]) => {
          const init = {method, credentials: 'include', mode: 'no-cors'};
          return (await fetch(there + path, init).catch(() => null))?.type ?? 'failed';
        }"""
        tab.page.evaluate(asking, [origin(running), "POST", "/api/v1/mailboxes"])
        tab.page.evaluate(asking, [origin(running), "GET", _ACCOUNT])
        tab.open(origin(running))
        assert tab.ask("POST", _SESSIONS, crossed)[1]["code"] == "passkey_refused"
        assert tab.ask("GET", _ACCOUNT)[1]["usage"]["mailboxes"] == 0
        later = "".join(running.output[seen:])
        assert "POST /api/v1/mailboxes 403" in later
        assert "GET /api/v1/account 403" in later
        # Another host has passkeys of its own.
        tab.open(origin(running, "other.localhost"))
        refused = tab.page.evaluate("() => use().catch(error => error.name)")
        assert refused == "NotAllowedError"


def test_where_sign_up_is_closed_or_by_invitation(tmp_path: Path, dsn: str) -> None:
    connection = connect(dsn)
    with connection, connection.cursor() as cursor:
        _, code = make_invitation(cursor)
    connection.close()
    with browsing() as context:
        with daemon(tmp_path / "closed", "--database", dsn, "--sign-up", "closed") as closed:
            tab = Tab(context.new_page(), origin(closed))
            assert tab.sign_up("ann")[1]["code"] == "sign_up_closed"
        with daemon(tmp_path / "invite", "--database", dsn, "--sign-up", "invite") as invite:
            ann, bob = (Tab(context.new_page(), origin(invite)) for _ in range(2))
            assert ann.sign_up("ann")[1]["code"] == "invitation_required"
            assert ann.sign_up("ann", invitation=code)[0] == 201
            assert bob.sign_up("bob", invitation=code)[1]["code"] == "invitation_refused"
            assert code not in json.dumps(invite.output)
