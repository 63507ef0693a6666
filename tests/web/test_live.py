"""New mail comes by itself, whatever becomes of the network: nothing missed, nothing twice."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, WebSocketRoute, expect

from tempmail.storage.embedded import EmbeddedCluster
from tests.daemon import Daemon, daemon
from tests.web.apart import apart
from tests.web.visitor import CODE, Visitor, deliver, mail
from tests.web.wire import Wire


def numbered(*numbers: int) -> list[bytes]:
    return [mail(f"Number {one}.") for one in numbers]


def streams(visitor: Visitor) -> int:
    """How often the browser has asked for events."""
    return sum("/events" in one for one in visitor.asked)


@pytest.fixture
def wire(served: Daemon) -> Iterator[Wire]:
    wire = Wire(served.http)
    yield wire
    wire.close()


@pytest.fixture
def wired(visitors: Callable[..., Visitor], wire: Wire) -> Visitor:
    return visitors(f"http://127.0.0.1:{wire.port}")


@pytest.mark.alone
def test_34_a_mail_is_seen_within_a_second(visitor: Visitor) -> None:
    visitor.makes()
    visitor.gets(CODE)  # the first one starts the parser
    visitor.page.evaluate("window.here = true")
    sent = time.monotonic()
    visitor.gets(mail("Second"))
    assert time.monotonic() - sent < 1
    assert visitor.page.evaluate("window.here"), "the page was loaded anew"


@pytest.mark.alone
def test_35_a_burst_of_500_mails_holds_nobody_up(
    visitor: Visitor, served: Daemon, cluster: EmbeddedCluster
) -> None:
    visitor.makes()
    visitor.gets(CODE)
    began = visitor.now
    database = int((cluster.cluster / "postmaster.pid").read_text().split()[0])
    with apart(served.process.pid, database):
        visitor.deliver(*numbered(*range(500)))
        expect(visitor.rows).to_have_count(501, timeout=60_000)
    subjects = visitor.page.locator(".row .sub").all_text_contents()
    assert len(set(subjects)) == 501
    longest = visitor.longest_task(began)
    print(f"longest task {longest} ms")
    assert longest < 100
    visitor.page.reload()
    expect(visitor.rows).to_have_count(50)
    visitor.page.get_by_role("button", name="Show older mail").click()
    visitor.until(lambda: visitor.rows.count() >= 100)  # scrolling to the button fetches as well


def test_36_after_a_cut_it_goes_on_from_the_last_message(wired: Visitor, wire: Wire) -> None:
    wired.makes()
    wired.gets(*numbered(1, 2))
    wire.cut()
    pill = wired.page.locator("tm-live")
    expect(pill).to_have_attribute("data-s", "retry")
    expect(pill).to_have_text("Reconnecting…")
    gone = wired.served.request("GET", f"/api/v1/mailboxes/{wired.address}/messages", wired.token)
    first = gone[1]["messages"][1]["id"]
    path = f"/api/v1/mailboxes/{wired.address}/messages/{first}"
    assert wired.served.request("DELETE", path, wired.token)[0] == 204
    wired.deliver(*numbered(3, 4, 5))
    wire.mend()
    expect(pill).to_have_attribute("data-s", "live")
    expect(wired.rows).to_have_count(4)  # one was deleted meanwhile
    wired.gets(*numbered(6))
    texts = wired.page.locator(".row .sub").all_text_contents()
    assert texts == [f"Number {one}." for one in (6, 5, 4, 3, 2)]
    last = [one for one in wired.requests if "/events" in one.url][-1]
    assert last.headers["last-event-id"] == "2"


def test_37_a_restarted_server_is_found_again(browser: Browser, tmp_path: Path) -> None:
    with daemon(tmp_path / "data", "--dns", "off") as first:
        wire = Wire(first.http)
        visitor = Visitor(browser, first, f"http://127.0.0.1:{wire.port}")
        address = visitor.makes()
        visitor.gets(*numbered(1))
        first.terminate()
        expect(visitor.page.locator("tm-live")).to_have_attribute("data-s", "retry")
    with daemon(tmp_path / "data", "--dns", "off") as second:
        wire._to = second.http
        deliver(second, address, *numbered(2))
        expect(visitor.rows).to_have_count(2, timeout=40_000)
        visitor.lives()
        visitor.close()
        wire.close()


def test_38_the_clock_is_right_after_sleep(visitors: Callable[..., Visitor]) -> None:
    visitor = visitors()
    visitor.page.clock.install()
    visitor.makes()
    asked = streams(visitor)
    visitor.page.clock.fast_forward(30 * 60 * 1000)  # no timer fires in between
    visitor.until(lambda: streams(visitor) > asked)
    visitor.lives()
    # The machine's clock is half an hour ahead now, of which the server's answers tell.
    visitor.page.clock.run_for(2000)
    visitor.until(lambda: "59:" in (visitor.page.text_content(".clock b") or ""))


def test_39_eight_tabs_share_one_stream_and_hand_it_over(visitor: Visitor) -> None:
    visitor.makes()
    others: list[Page] = []
    for _ in range(7):
        page = visitor.context.new_page()
        visitor.opens(page=page)
        others.append(page)
    for page in others:
        visitor.lives(page)
    assert streams(visitor) == 1
    visitor.gets(CODE)
    for page in others:
        expect(page.locator(".row")).to_have_count(1)
    address = visitor.address
    visitor.page.close()
    visitor.until(lambda: streams(visitor) == 2)
    deliver(visitor.served, address, mail("After the leader"))
    for page in others:
        expect(page.locator(".row")).to_have_count(2)
    others[0].locator(".row a").first.click()
    expect(others[1].locator(".row[data-unread]")).to_have_count(1)
    assert streams(visitor) == 2


def test_39_what_a_new_leader_loads_is_for_the_other_tabs_as_well(visitor: Visitor) -> None:
    visitor.makes()
    visitor.gets(CODE)
    heir, other = visitor.context.new_page(), visitor.context.new_page()
    for page in (heir, other):
        visitor.opens(page=page)
        visitor.lives(page)
        expect(page.locator(".row")).to_have_count(1)
    held: list[Route] = []
    loaded: list[Page] = []

    def hold(route: Route) -> None:
        page = route.request.frame.page
        loaded.append(page)
        if page is heir:
            held.append(route)
        else:
            route.continue_()

    visitor.context.route(re.compile(r"/messages\?limit=50"), hold)
    address = visitor.address
    visitor.page.close()
    visitor.until(lambda: held and other in loaded)
    other.wait_for_load_state("networkidle")
    deliver(visitor.served, address, mail("While the new leader loads"))
    other.wait_for_timeout(300)  # in which its event comes
    for one in held:
        one.continue_()
    for page in (heir, other):
        expect(page.locator(".row")).to_have_count(2)


def test_40_a_link_opens_the_inbox_in_another_browser(visitors: Callable[..., Visitor]) -> None:
    visitor, phone = visitors(), visitors(viewport={"width": 390, "height": 844})
    visitor.makes()
    visitor.gets(CODE)
    visitor.page.keyboard.press("q")
    link = visitor.page.get_by_label("Private link", exact=True).input_value()
    phone.page.goto(link)
    expect(phone.rows).to_have_count(1)
    assert phone.page.url == phone.origin + "/"
    assert phone.page.evaluate("history.length") <= 2
    assert phone.address == visitor.address
    phone.page.goto("about:blank")
    phone.page.goto(link)
    expect(phone.page.locator(".toast")).to_contain_text("already in this browser")
    phone.page.evaluate("location.hash = '#k=nothing&a=nobody@tempmail.localhost'")
    expect(phone.page.locator(".toast").last).to_contain_text("opens no inbox")
    assert phone.page.url == phone.origin + "/"
    log = "".join(visitor.served.output)
    assert "/qr" in log
    assert visitor.token not in log


def test_40_a_link_asks_where_there_are_inboxes_already(
    visitors: Callable[..., Visitor],
) -> None:
    visitor, other = visitors(), visitors()
    visitor.makes()
    other.makes()
    visitor.page.keyboard.press("q")
    link = visitor.page.get_by_label("Private link", exact=True).input_value()
    own = other.address
    other.page.goto("about:blank")
    other.page.goto(link)
    dialog = other.page.get_by_role("dialog")
    expect(dialog).to_contain_text(visitor.address)
    dialog.get_by_role("button", name="Not now").click()
    assert other.address == own
    assert [one["address"] for one in other.inboxes] == [own]
    other.page.evaluate(f"location.hash = {link.partition('#')[2]!r}")
    dialog.get_by_role("button", name="Open inbox").click()
    expect(other.page.locator("#addr")).to_have_text(visitor.address)
    expect(dialog).to_have_count(0)
    assert [one["address"] for one in other.inboxes] == [own, visitor.address]
    assert other.page.url == other.origin + "/"


def test_what_is_late_for_one_inbox_is_not_taken_for_another(visitor: Visitor) -> None:
    visitor.makes()
    first = visitor.address
    visitor.makes_another()
    second = visitor.address
    held: list[Route] = []
    late = re.compile(r"/messages\?limit=200&after=")
    visitor.context.route(late, lambda route: held.append(route))
    visitor.deliver(mail("For the second"))
    visitor.until(lambda: held)
    visitor.switches(first)
    for one in held:
        one.continue_()
    visitor.context.unroute(late)
    visitor.gets(mail("For the first"))
    expect(visitor.rows).to_have_count(1)
    expect(visitor.row("For the first")).to_be_visible()
    visitor.switches(second)
    expect(visitor.rows).to_have_count(1)
    expect(visitor.row("For the second")).to_be_visible()


def test_41_what_one_deletes_goes_from_the_other(visitors: Callable[..., Visitor]) -> None:
    one, other = visitors(), visitors()
    one.makes()
    one.gets(CODE, mail("Stays"))
    one.page.keyboard.press("q")
    other.page.goto(one.page.get_by_label("Private link", exact=True).input_value())
    one.page.keyboard.press("Escape")
    expect(other.rows).to_have_count(2)
    other.reads("482913 is your verification code")
    one.reads("482913 is your verification code")
    one.page.keyboard.press("#")
    expect(other.page.locator(".reader")).to_contain_text("This message is gone")
    expect(other.rows).to_have_count(1)
    one.page.get_by_role("button", name="Delete this inbox").click()
    one.page.click("#really")
    expect(other.page.get_by_role("heading", level=1)).to_have_text("This inbox is gone")


def test_a_websocket_takes_over_where_no_stream_comes_through(
    visitors: Callable[..., Visitor],
) -> None:
    visitor = visitors()
    sockets: list[str] = []
    visitor.context.route("**/events", lambda route: route.fulfill(status=502))
    visitor.page.on("websocket", lambda socket: sockets.append(socket.url))
    visitor.makes()
    visitor.gets(CODE)
    assert sockets
    assert visitor.token not in sockets[0]


def test_long_polls_are_the_last_resort(visitors: Callable[..., Visitor]) -> None:
    visitor = visitors()

    def refuse(socket: WebSocketRoute) -> None:
        socket.close()

    visitor.context.route("**/events", lambda route: route.fulfill(status=502))
    visitor.context.route_web_socket("**/ws/**", refuse)
    visitor.context.route("**/tickets", lambda route: route.fulfill(status=503))
    visitor.makes()
    visitor.gets(CODE)
    assert any("/messages/wait" in one for one in visitor.asked)
