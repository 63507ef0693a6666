"""Signing up and in, and the account: Chromium with a virtual authenticator, a real daemon."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tempmail.http.web_files import WebFiles
from tempmail.storage.connection import connect
from tempmail.storage.invitations import make_invitation
from tempmail.storage.plans import change_plan
from tests.daemon import PATIENCE, Daemon, daemon
from tests.web.documents import CHROMIUM, PHONE, Reader, axe, browsing, context, wrong_looks

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

__all__ = ["axe"]  # a fixture

_AUTHENTICATOR = {
    "protocol": "ctap2",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
_SOON = PATIENCE * 1000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture
def running(tmp_path: Path, dsn: str) -> Iterator[Daemon]:
    with daemon(tmp_path, "--database", dsn) as running:
        yield running


def visit(running: Daemon, browser: Browser) -> Reader:
    visiting = context(browser, permissions=["clipboard-read", "clipboard-write"])
    page = visiting.new_page()
    add_authenticator(page)
    reader = Reader(page, f"http://localhost:{running.http}")
    reader.expects.add(401)  # the account, before one has signed in
    return reader


def add_authenticator(page: Page, transport: str = "internal") -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {**_AUTHENTICATOR, "transport": transport}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


@pytest.fixture
def reader(running: Daemon, browser: Browser) -> Iterator[Reader]:
    reader = visit(running, browser)
    yield reader
    reader.page.context.close()


def sign_up(reader: Reader, name: str = "ann") -> None:
    reader.open("/sign-in")
    reader.page.get_by_label("What to call the account").fill(name)
    reader.page.get_by_role("button", name="Make an account").click()
    expect(reader.page.get_by_role("heading", name=name)).to_be_visible(timeout=_SOON)


def section(reader: Reader, name: str) -> Locator:
    return reader.page.get_by_role("region", name=name)


def test_one_signs_up_out_and_in(reader: Reader) -> None:
    reader.open("/account")
    reader.page.wait_for_url("**/sign-in")
    sign_up(reader)
    assert reader.page.url == f"{reader.origin}/account"
    reader.page.get_by_role("button", name="Sign out").click()
    reader.page.wait_for_url("**/sign-in")
    assert reader.page.context.cookies() == []
    reader.page.get_by_role("button", name="Sign in with a passkey").click()
    expect(reader.page.get_by_role("heading", name="ann")).to_be_visible(timeout=_SOON)
    assert reader.complaints() == []


def test_a_passkey_that_is_not_known_is_refused_in_words(
    reader: Reader, running: Daemon, dsn: str
) -> None:
    sign_up(reader)
    connection = connect(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM users")
    connection.close()
    reader.expects.add(403)
    reader.open("/sign-in")
    reader.page.get_by_role("button", name="Sign in with a passkey").click()
    alert = reader.page.get_by_role("alert").filter(has_text="opens no account")
    expect(alert).to_be_visible(timeout=_SOON)
    expect(reader.page.get_by_role("button", name="Sign in with a passkey")).to_be_focused()
    assert reader.complaints() == []


def test_a_key_is_shown_once_works_and_works_no_more_when_it_is_revoked(
    reader: Reader, running: Daemon
) -> None:
    sign_up(reader)
    keys = section(reader, "API keys")
    keys.get_by_label("What it is for").fill("my tests")
    keys.get_by_label("What it may do").select_option("read")
    keys.get_by_label("Ends").select_option("30")
    keys.get_by_role("button", name="Make key").click()
    key = keys.locator(".secret code").inner_text()
    assert running.request("GET", "/api/v1/mailboxes", token=key)[0] == 200
    keys.get_by_role("button", name="Copy key").click()
    expect(reader.page.locator(".said")).to_have_text("Key copied")
    assert reader.page.evaluate("() => navigator.clipboard.readText()") == key
    keys.get_by_role("button", name="I have it").click()
    row = keys.get_by_role("listitem")
    expect(row).to_contain_text("my tests")
    expect(row).to_contain_text("Read")
    assert key not in reader.page.content()
    reader.page.reload(wait_until="networkidle")
    expect(row).to_contain_text(key[:12])
    assert key not in reader.page.content()

    keys.get_by_role("button", name="Revoke key my tests").click()
    dialog = reader.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Cancel").click()
    assert running.request("GET", "/api/v1/mailboxes", token=key)[0] == 200
    keys.get_by_role("button", name="Revoke key my tests").click()
    dialog.get_by_role("button", name="Revoke").click()
    expect(keys).to_contain_text("No keys yet")
    assert running.request("GET", "/api/v1/mailboxes", token=key)[0] == 401
    assert reader.complaints() == []


@pytest.mark.alone
def test_usage_goes_up_with_inboxes_and_mail_and_down_again(
    reader: Reader, running: Daemon
) -> None:
    sign_up(reader)
    usage, boxes = section(reader, "ann"), section(reader, "Inboxes")
    expect(usage).to_contain_text("0 of 25")
    boxes.get_by_role("button", name="New inbox").click()
    expect(usage).to_contain_text("1 of 25")
    row = boxes.get_by_role("listitem")
    address = row.locator(".mono").inner_text()
    running.send(address)
    expect(row).to_contain_text("1 message", timeout=_SOON)  # the page asks by itself
    expect(usage.locator(".meter").nth(1)).to_contain_text("1")

    row.get_by_role("button", name="Extend").click()
    expect(reader.page.locator(".said")).to_contain_text(f"{address} is open until")
    row.get_by_role("button", name="Delete").click()
    reader.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(boxes).to_contain_text("No inboxes yet")
    expect(usage).to_contain_text("0 of 25")
    assert reader.complaints() == []


def test_at_the_plans_limits_the_page_says_so(reader: Reader, dsn: str) -> None:
    connection = connect(dsn)
    with connection, connection.cursor() as cursor:
        change_plan(cursor, "free", max_mailboxes=1, max_ttl_minutes=60)
    connection.close()
    sign_up(reader)
    boxes = section(reader, "Inboxes")
    boxes.get_by_role("button", name="New inbox").click()
    row = boxes.get_by_role("listitem")
    row.get_by_role("button", name="Extend").click()
    expect(reader.page.locator(".said")).to_contain_text("Your plan allows no more")
    reader.expects.add(429)
    boxes.get_by_role("button", name="New inbox").click()
    expect(boxes.get_by_role("alert")).to_have_text(
        "Your plan allows no more inboxes. Delete one, or wait for one to end."
    )
    expect(section(reader, "ann").locator("[data-full=true]")).to_have_text("1 of 1")
    assert reader.complaints() == []


def test_an_inbox_of_the_account_opens_in_the_page_of_inboxes(
    reader: Reader, running: Daemon
) -> None:
    sign_up(reader)
    boxes = section(reader, "Inboxes")
    boxes.get_by_role("button", name="New inbox").click()
    address = boxes.get_by_role("listitem").locator(".mono").inner_text()
    running.send(address, mail=b"Subject: From the account\r\n\r\nHi\r\n")
    boxes.get_by_role("button", name="Open").click()
    reader.page.wait_for_url(f"{reader.origin}/")
    expect(reader.page.get_by_text("From the account").first).to_be_visible(timeout=_SOON)


def test_a_second_passkey_is_added_and_the_last_one_stays(reader: Reader) -> None:
    sign_up(reader)
    passkeys = section(reader, "Passkeys")
    rows = passkeys.get_by_role("listitem")
    reader.expects.add(409)
    rows.get_by_role("button", name="Remove").click()
    reader.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(passkeys.get_by_role("alert")).to_contain_text("This is the only passkey")

    add_authenticator(reader.page, "usb")
    passkeys.get_by_label("What to call it").fill("phone")
    passkeys.get_by_role("button", name="Add a passkey").click()
    expect(rows).to_have_count(2, timeout=_SOON)
    passkeys.get_by_role("button", name="Remove passkey phone").click()
    reader.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(rows).to_have_count(1)
    assert reader.complaints() == []


def test_who_signed_out_elsewhere_is_led_to_sign_in(reader: Reader) -> None:
    sign_up(reader)
    reader.page.context.clear_cookies()
    section(reader, "Inboxes").get_by_role("button", name="New inbox").click()
    reader.page.wait_for_url("**/sign-in")


def test_sign_up_by_invitation_and_where_it_is_closed(
    browser: Browser, tmp_path: Path, dsn: str
) -> None:
    connection = connect(dsn)
    with connection, connection.cursor() as cursor:
        _, code = make_invitation(cursor)
    connection.close()
    with daemon(tmp_path / "invite", "--database", dsn, "--sign-up", "invite") as running:
        reader = visit(running, browser)
        reader.expects.add(403)
        reader.open("/sign-in")
        reader.page.get_by_label("What to call the account").fill("ann")
        reader.page.get_by_label("Invitation").fill("made-up")
        reader.page.get_by_role("button", name="Make an account").click()
        alert = reader.page.get_by_role("alert").filter(has_text="This invitation is not known")
        expect(alert).to_be_visible(timeout=_SOON)
        reader.page.get_by_label("Invitation").fill(code)
        reader.page.get_by_role("button", name="Make an account").click()
        expect(reader.page.get_by_role("heading", name="ann")).to_be_visible(timeout=_SOON)
        assert reader.complaints() == []
        assert code not in json.dumps(running.output)
        reader.page.context.close()
    with daemon(tmp_path / "closed", "--database", dsn, "--sign-up", "closed") as running:
        reader = visit(running, browser)
        reader.open("/sign-in")
        expect(reader.page.locator("main")).to_contain_text("made by whoever operates")
        assert reader.page.get_by_role("button", name="Make an account").count() == 0
        reader.page.context.close()


def test_all_of_it_by_keys_alone(reader: Reader) -> None:
    reader.open("/sign-in")
    reader.tab_to("name")
    reader.page.keyboard.type("ann")
    reader.page.keyboard.press("Enter")
    expect(reader.page.get_by_role("heading", name="ann")).to_be_visible(timeout=_SOON)
    reader.tab_to("New inbox")
    reader.page.keyboard.press("Enter")
    boxes = section(reader, "Inboxes")
    address = boxes.get_by_role("listitem").locator(".mono").inner_text()
    reader.tab_to(f"Delete {address}")
    reader.page.keyboard.press("Enter")
    dialog = reader.page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    reader.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert reader.focused() == f"Delete {address}"
    reader.page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    reader.page.keyboard.press("Tab")
    reader.page.keyboard.press("Enter")
    expect(boxes).to_contain_text("No inboxes yet")
    assert reader.complaints() == []


@pytest.mark.alone
def test_both_pages_are_accessible_and_fit_in_every_look(reader: Reader, axe: str) -> None:
    reader.open("/sign-in")
    assert wrong_looks(reader, axe) == {}
    sign_up(reader, "a-rather-long-name-without-any-space-in-it-to-see-what-becomes")
    section(reader, "Inboxes").get_by_role("button", name="New inbox").click()
    expect(section(reader, "Inboxes").get_by_role("listitem")).to_have_count(1)
    keys = section(reader, "API keys")
    keys.get_by_label("What it is for").fill("my tests")
    keys.get_by_role("button", name="Make key").click()
    expect(keys.locator(".secret")).to_be_visible()
    assert wrong_looks(reader, axe) == {}
    section(reader, "Inboxes").get_by_role("button", name="Delete").click()
    assert reader.faults(axe) == []
    assert reader.complaints() == []


def test_the_account_loads_without_a_shift_on_a_phone_too(reader: Reader) -> None:
    reader.page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    sign_up(reader)
    reader.page.reload(wait_until="networkidle")
    expect(reader.page.get_by_role("heading", name="ann")).to_be_visible()
    assert reader.complaints() == []


def test_the_scripts_and_styles_of_each_page_weigh_little(running: Daemon) -> None:
    sizes = WebFiles().compressed()
    for path, most in (("/account", 26), ("/sign-in", 10), ("/status", 6), ("/docs", 6)):
        page = running.request("GET", path)[1].decode()
        names = set(re.findall(r"/static/[0-9a-f]+/(\S+?\.js)", page))
        assert names, path
        weight = sum(sizes[one] for one in names)
        assert weight <= most * 1024, (path, weight)
    assert sizes["app.css"] + sizes["pages.css"] <= 10 * 1024
