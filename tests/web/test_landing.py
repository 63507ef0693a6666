"""Getting an inbox, and what can be in the way of it."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, Route, expect

from tests.daemon import daemon
from tests.web.visitor import CODE, CONFIRM, Visitor, mail


def test_24_one_click_makes_an_address(visitor: Visitor) -> None:
    visitor.opens()
    expect(visitor.page.locator(".land h1")).to_have_text("A throwaway inbox in one click.")
    visitor.page.click(".land button.primary")
    expect(visitor.page.locator("#addr")).to_contain_text("@tempmail.localhost")
    expect(visitor.page.locator(".reader")).to_contain_text("Waiting for mail")


def test_24_enter_makes_the_address_that_was_asked_for(visitor: Visitor) -> None:
    visitor.opens()
    visitor.page.fill(".land [name=username]", "Otter.41")
    visitor.page.select_option(".land [name=domain]", "second.localhost")
    visitor.page.press(".land [name=username]", "Enter")
    expect(visitor.page.locator("#addr")).to_have_text("otter.41@second.localhost")


def test_48_a_name_that_cannot_be_had_is_said_at_its_field(
    visitors: Callable[..., Visitor],
) -> None:
    visitor = visitors()
    visitor.served.create(username="taken-already")
    visitor.opens()
    page, field = visitor.page, visitor.page.locator(".land [name=username]")
    for name, said in (
        ("taken-already", "taken or reserved"),
        ("postmaster", "taken or reserved"),
        ("no spaces", "cannot be a name"),
    ):
        field.fill(name)
        page.click(".land button.primary")
        expect(page.get_by_role("alert").first).to_contain_text(said)
        expect(field).to_be_focused()
        expect(field).to_have_attribute("aria-invalid", "true")
        field.press("End")
        field.press("x")
        expect(page.locator(".land .wrong")).to_be_hidden()
    field.fill("taken-not-yet")
    page.click(".land button.primary")
    expect(page.locator("#addr")).to_contain_text("taken-not-yet@")
    assert visitor.complaints("Failed to load resource") == []


def test_49_a_limit_is_waited_off(visitors: Callable[..., Visitor]) -> None:
    visitor = visitors()

    def refuse(route: Route) -> None:
        problem = '{"status": 429, "code": "rate_limited", "detail": "too many requests"}'
        route.fulfill(status=429, body=problem, headers={"Retry-After": "2"})
        visitor.context.unroute("**/api/v1/mailboxes")

    visitor.opens()
    visitor.context.route("**/api/v1/mailboxes", refuse)
    button = visitor.page.locator(".land button.primary")
    button.click()
    expect(button).to_have_text("Try again in 00:02")
    expect(button).to_be_disabled()
    expect(visitor.page.get_by_role("alert").first).to_contain_text("Too many requests")
    expect(button).to_have_text("Get address")
    button.click()
    expect(visitor.page.locator("#addr")).to_contain_text("@")


def test_49_as_many_inboxes_as_the_plan_has_is_said(browser: Browser, tmp_path: Path) -> None:
    with daemon(tmp_path / "data", "--dns", "off") as served:
        for _ in range(10):
            served.create()
        visitor = Visitor(browser, served)
        visitor.opens()
        visitor.page.click(".land button.primary")
        alert = visitor.page.get_by_role("alert").first
        expect(alert).to_contain_text("as many inboxes as your network may have")
        visitor.close()


def test_52_notifications_are_asked_for_and_lead_to_the_message(
    visitors: Callable[..., Visitor],
) -> None:
    visitor = visitors()
    visitor.context.grant_permissions(["notifications", "clipboard-read", "clipboard-write"])
    visitor.page.add_init_script(
        """window.shown = [];
        window.Notification = class {
          static permission = 'granted';
          static requestPermission = async () => window.answer ?? 'granted';
          constructor(title, more) { this.title = title; this.more = more; shown.push(this); }
          close() {}
        };
        Object.defineProperty(document, 'hidden', { get: () => window.away === true });"""
    )
    visitor.makes()
    page, bell = visitor.page, visitor.page.locator("#notify")
    page.evaluate("window.answer = 'denied'")
    bell.click()
    expect(page.locator(".toast")).to_contain_text("Notifications are blocked")
    expect(bell).to_have_attribute("aria-pressed", "false")
    page.evaluate("window.answer = 'granted'")
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "true")
    page.evaluate("window.away = true")
    visitor.gets(CODE)
    assert page.evaluate("shown.map(one => [one.title, one.more.body])") == [
        ["Acme ID", "482913 is your verification code"]
    ]
    page.evaluate("window.away = false; shown[0].onclick()")
    expect(page.locator("#subject")).to_have_text("482913 is your verification code")
    page.evaluate("delete window.Notification")
    bell.click()
    bell.click()
    expect(page.locator(".toast").last).to_contain_text("has no notifications")


def test_58_without_scripts_a_form_makes_an_inbox_and_a_page_shows_it(
    visitors: Callable[..., Visitor],
) -> None:
    visitor = visitors(java_script_enabled=False)
    visitor.opens()
    page = visitor.page
    page.fill("[name=username]", "postmaster")
    page.click("button.primary")
    expect(page.get_by_role("alert")).to_contain_text("reserved")
    page.fill("[name=username]", "plain-otter")
    page.click("button.primary")
    expect(page.get_by_role("heading", level=1)).to_have_text("plain-otter@tempmail.localhost")
    cookie = visitor.context.cookies(visitor.origin + "/plain")[0]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/plain")
    assert visitor.context.cookies(visitor.origin + "/") == []
    visitor.deliver(
        CODE, CONFIRM, mail("Only text", "1 < 2\n"), to="plain-otter@tempmail.localhost"
    )
    page.get_by_role("link", name="Look for new mail").click()
    expect(page.locator(".row")).to_have_count(3)
    page.get_by_role("link", name="482913 is your").click()
    expect(page.locator("code.num")).to_have_text("482913")
    expect(page.frame_locator("iframe").locator("b")).to_have_text("482913")
    page.get_by_role("link", name="Back to the list").click()
    page.get_by_role("link", name="Only text").click()
    expect(page.locator("pre.txt")).to_have_text("1 < 2\n")
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".row")).to_have_count(2)
    page.get_by_role("button", name="Delete this inbox").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Get an address")
    assert cookie["value"].partition(".")[0] not in "".join(visitor.served.output)
    assert visitor.complaints("Failed to load resource") == []


def test_58_without_scripts_files_are_handed_out_but_for_dangerous_ones(
    visitors: Callable[..., Visitor],
) -> None:
    visitor = visitors(java_script_enabled=False)
    page = visitor.page
    visitor.opens()
    page.fill("[name=username]", "plain-badger")
    page.click("button.primary")
    content = bytes(range(256)) * 20
    raw = mail("Files", files={"../letter.pdf": content, "invoice.pdf.exe": b"MZ"})
    visitor.deliver(raw, to="plain-badger@tempmail.localhost")
    page.get_by_role("link", name="Look for new mail").click()
    page.get_by_role("link", name="Files").click()
    files = page.get_by_role("list", name="Attachments").get_by_role("listitem")
    expect(files.nth(1)).to_contain_text("invoice.pdf.exe")
    expect(files.nth(1)).to_contain_text("may be harmful")
    assert files.nth(1).get_by_role("link").count() == 0
    with page.expect_download() as download:
        files.nth(0).get_by_role("link").click()
    assert download.value.suggested_filename == "letter.pdf"
    assert download.value.path().read_bytes() == content
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as .eml").click()
    assert b"Subject: Files" in download.value.path().read_bytes()
    assert page.request.get(f"{page.url}/attachments/1").status == 403
    stranger = visitors()
    assert stranger.page.request.get(f"{page.url}/attachments/0").status == 404
    assert stranger.page.request.get(f"{page.url}/raw").status == 404


def test_58_another_sites_form_makes_nothing(visitors: Callable[..., Visitor]) -> None:
    served = visitors().served
    for headers in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
        {},
    ):
        connection = http.client.HTTPConnection("127.0.0.1", served.http, timeout=10)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/plain", urlencode({"ttl_minutes": 10}), {**kind, **headers})
        response = connection.getresponse()
        assert response.status == 403, headers
        assert response.getheader("Set-Cookie") is None
        connection.close()
