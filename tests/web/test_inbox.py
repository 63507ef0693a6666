"""The inbox as people use it: by pointer, by keys, with a finger."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.web.conftest import run_sql
from tests.web.visitor import CODE, CONFIRM, Visitor, mail

MOVE_END = (
    "UPDATE mailboxes SET expires_at = clock_timestamp() + %s * interval '1 second'"
    " WHERE address = %s"
)


@pytest.fixture
def reader(visitor: Visitor) -> Visitor:
    """With three messages, the newest of them plain text."""
    visitor.makes()
    visitor.gets(CODE)
    visitor.gets(CONFIRM)
    visitor.gets(mail("Boarding pass", "You are checked in.\n", files={"pass.pdf": b"%PDF-1.4"}))
    return visitor


def test_01_the_address_is_copied(reader: Visitor) -> None:
    reader.page.click("#copy-addr")
    expect(reader.page.locator(".toast")).to_contain_text("Address copied")
    assert reader.clipboard == reader.address


def test_02_a_code_is_copied_from_its_row_and_the_message_stays_unread(reader: Visitor) -> None:
    reader.page.click(".code-chip")
    expect(reader.page.locator(".toast")).to_contain_text("Code copied")
    assert reader.clipboard == "482913"
    expect(reader.row("482913")).to_have_attribute("data-unread", "")
    assert "#" not in reader.page.url


def test_03_opening_changes_address_title_and_unread_and_04_back_closes(reader: Visitor) -> None:
    expect(reader.page).to_have_title(f"(3) {reader.address}")
    reader.reads("Boarding pass")
    assert re.search(r"/#/m/[0-9a-f-]{36}$", reader.page.url)
    expect(reader.row("Boarding pass")).not_to_have_attribute("data-unread", "")
    expect(reader.page).to_have_title(f"(2) {reader.address}")
    expect(reader.page.locator(".list-f")).to_contain_text("3 messages, 2 unread")
    reader.page.go_back()
    expect(reader.page.locator(".blank")).to_contain_text("Pick a message")


def test_05_j_and_k_walk_06_y_and_c_copy(reader: Visitor) -> None:
    keys = reader.page.keyboard
    keys.press("j")
    expect(reader.page.locator("#subject")).to_have_text("Boarding pass")
    keys.press("j")
    expect(reader.page.locator("#subject")).to_have_text("Confirm your email address")
    keys.press("k")
    expect(reader.page.locator("#subject")).to_have_text("Boarding pass")
    keys.press("y")
    reader.until(lambda: reader.clipboard == "482913")
    keys.press("c")
    reader.until(lambda: reader.clipboard == reader.address)


def test_07_tabs_by_number_arrows_and_home_08_widths(reader: Visitor) -> None:
    page = reader.page
    reader.reads("482913 is your verification code")
    selected = page.locator("[role=tab][aria-selected=true]")
    expect(selected).to_have_text("Message")
    page.keyboard.press("2")
    expect(selected).to_have_text("Text")
    expect(page.locator(".txt")).to_contain_text("Your verification code is 482913.")
    selected.focus()
    page.keyboard.press("ArrowRight")
    expect(selected).to_have_text("Headers")
    expect(selected).to_be_focused()
    expect(page.locator(".hdrs")).to_contain_text("Acme ID")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".src")).to_contain_text("Subject: 482913")
    page.keyboard.press("Home")
    expect(selected).to_have_text("Message")
    page.get_by_role("button", name="Phone width").click()
    expect(page.locator("iframe")).to_have_css("width", "375px")
    page.get_by_role("button", name="Darken message").click()
    expect(page.locator(".frame")).to_have_attribute("data-dim", "")


def test_10_search_filters_and_escape_leaves(reader: Visitor) -> None:
    page = reader.page
    page.keyboard.press("/")
    assert reader.focused == "q"
    page.keyboard.type("boarding")
    expect(reader.rows).to_have_count(1)
    page.keyboard.press("Escape")
    assert reader.focused == "body"
    page.fill("#q", "no such words")
    expect(page.locator(".list")).to_contain_text("Nothing matches “no such words”.")
    page.get_by_role("button", name="Clear search").click()
    expect(reader.rows).to_have_count(3)
    page.fill("#q", "almost there")  # stands in the text alone
    expect(reader.row("Confirm")).to_be_visible()


def test_11_a_deleted_message_comes_back_to_its_place(reader: Visitor) -> None:
    reader.reads("Confirm your email address")
    reader.page.keyboard.press("#")
    expect(reader.rows).to_have_count(2)
    reader.page.get_by_role("button", name="Undo").click()
    expect(reader.rows).to_have_count(3)
    expect(reader.rows.nth(1)).to_contain_text("Confirm your email address")
    expect(reader.page.locator("#subject")).to_have_text("Confirm your email address")
    path = f"/api/v1/mailboxes/{reader.address}"
    assert reader.served.request("GET", path, reader.token)[1]["message_count"] == 3


def test_12_q_shows_a_code_for_the_phone_13_the_backdrop_closes(reader: Visitor) -> None:
    page = reader.page
    page.keyboard.press("q")
    dialog = page.locator("dialog")
    expect(dialog.locator("img")).to_be_visible()
    assert reader.token in dialog.get_by_label("Private link", exact=True).input_value()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.keyboard.press("n")
    expect(dialog).to_contain_text("New address")
    page.mouse.click(10, 400)
    expect(dialog).to_have_count(0)
    assert not any(reader.token in one for one in reader.asked)


def test_14_single_keys_can_be_switched_off(reader: Visitor) -> None:
    page = reader.page
    page.keyboard.press("?")
    page.get_by_label("Use single-key shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("q")
    expect(page.locator("dialog")).to_have_count(0)
    page.reload()
    reader.lives()
    page.keyboard.press("j")
    expect(page.locator(".reader")).to_contain_text("Pick a message")


def test_15_an_hour_more_16_the_clock_ticks(reader: Visitor) -> None:
    page, clock = reader.page, reader.page.locator(".clock b")
    before = clock.text_content()
    reader.until(lambda: clock.text_content() != before)
    page.keyboard.press("e")
    expect(page.locator(".toast")).to_contain_text("Added 1 hour")
    expect(clock).to_have_text(re.compile(r"^(1:59|2:00):\d\d$"))


def test_17_what_arrives_is_said_18_and_seen_on_the_icon(visitor: Visitor) -> None:
    visitor.makes()
    page = visitor.page
    icon = page.locator("link[rel=icon]")
    expect(icon).to_have_attribute("href", re.compile(r"favicon\.svg$"))
    visitor.gets(CODE)
    expect(page.locator("#said")).to_have_text(
        "New message from Acme ID: 482913 is your verification code. Code 4 8 2 9 1 3"
    )
    expect(visitor.rows.first).to_have_attribute("data-new", "")
    expect(page).to_have_title(f"(1) {visitor.address}")
    expect(icon).to_have_attribute("href", re.compile(r"favicon-dot\.svg$"))


def test_25_deleting_the_inbox_asks_first(reader: Visitor) -> None:
    page, address = reader.page, reader.address
    path, token = f"/api/v1/mailboxes/{address}", reader.token
    page.get_by_role("button", name="Delete this inbox").click()
    expect(page.locator("dialog")).to_contain_text(address)
    page.get_by_role("button", name="Keep it").click()
    assert reader.served.request("GET", path, token)[0] == 200
    page.get_by_role("button", name="Delete this inbox").click()
    page.click("#really")
    expect(page.locator(".land")).to_be_visible()
    assert reader.served.request("GET", path, token)[0] == 404
    assert reader.inboxes == []


def test_26_an_inbox_that_ends_soon_says_so(visitor: Visitor, web_dsn: str) -> None:
    visitor.makes()
    run_sql(web_dsn, MOVE_END, 290, visitor.address)
    for _ in range(2):  # also where the browser remembers it
        visitor.page.reload()
        expect(visitor.page.locator(".clock.low")).to_be_visible()
        expect(visitor.page.locator("#said")).to_contain_text("5 minutes left")


def test_27_the_keyboard_alone_is_enough(reader: Visitor) -> None:
    page = reader.page
    page.reload()
    reader.lives()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    assert reader.focused == "main"
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.row a')"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#subject")).to_have_text("Boarding pass")


def test_28_the_switcher_shows_all_inboxes_of_the_browser(reader: Visitor) -> None:
    page, first = reader.page, reader.address
    page.keyboard.press("n")
    page.click("dialog button.primary")
    reader.until(lambda: reader.address != first)
    second = reader.address
    page.get_by_role("button", name="Your throwaway address").click()
    menu = page.locator("#inboxes")
    expect(menu.locator("button")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="Your throwaway address").click()
    menu.get_by_text(first).click()
    expect(reader.rows).to_have_count(3)
    assert reader.address == first
    page.keyboard.press("Escape")
    page.reload()
    expect(reader.rows).to_have_count(3)
    assert {one["address"] for one in reader.inboxes} == {first, second}


def test_29_keys_work_again_after_a_click_into_a_mail(reader: Visitor) -> None:
    reader.reads("482913 is your verification code")
    page = reader.page
    page.frame_locator("iframe").locator("body").click()
    assert reader.focused == "iframe"
    page.mouse.move(300, 300)
    reader.until(lambda: reader.focused == "body")
    page.keyboard.press("k")
    expect(page.locator("#subject")).to_have_text("Confirm your email address")


def test_30_a_phone_shows_one_pane_at_a_time(visitors: Callable[..., Visitor]) -> None:
    phone = visitors(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone.makes()
    phone.gets(CODE)
    page = phone.page
    page.locator(".row a").tap()
    expect(page.locator("#subject")).to_be_focused()
    expect(page.locator(".list")).to_be_hidden()
    page.get_by_role("button", name="Back to inbox").tap()
    expect(page.locator(".list")).to_be_visible()
    assert phone.complaints() == []


@pytest.mark.alone
def test_26_and_50_the_end_is_seen_while_the_page_is_open(visitor: Visitor, web_dsn: str) -> None:
    visitor.makes()
    run_sql(web_dsn, MOVE_END, 5, visitor.address)
    visitor.page.reload()
    page = visitor.page
    expect(page.get_by_role("heading", level=1)).to_have_text("This inbox has expired")
    page.click("#again")
    expect(page.locator(".land")).to_be_visible()


def test_51_no_hour_is_added_beyond_the_plan(visitor: Visitor, web_dsn: str) -> None:
    visitor.makes(minutes=1440)
    visitor.page.keyboard.press("e")
    expect(visitor.page.locator(".toast")).to_contain_text("as long as its plan allows")


def test_a_test_mail_comes_at_a_click(visitor: Visitor) -> None:
    visitor.makes()
    visitor.page.get_by_role("button", name="Send me a test").click()
    expect(visitor.rows).to_have_count(1)
    visitor.reads(visitor.page.locator(".row .sub").inner_text())
    code = visitor.page.locator("#otp").inner_text().replace(" ", "")
    expect(visitor.page.frame_locator("iframe").locator("b").first).to_have_text(code)
