"""Reading mail: what is hostile stays in its frame, what is wanted comes out of it."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve
from playwright.sync_api import Dialog, Route, expect

from tests.browser.vectors import ALL
from tests.web.visitor import CODE, CONFIRM, LINK, Visitor, mail

PICTURE = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
    b"\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x56\xc7"
    b"\x2f\x0d\x00\x00\x00\x00IEND\xaeB`\x82"
)
REMOTE = '<p>Look</p><img src="https://track.leak.test/a.png"><img src="https://track.leak.test/b">'
BLOCKED = "Content Security Policy"  # what Chromium says of an image that a mail did not get


def test_09_a_mail_is_in_a_frame_that_may_do_nothing(visitor: Visitor) -> None:
    visitor.makes()
    visitor.gets(CODE)
    visitor.reads("482913 is your verification code")
    frame = visitor.page.locator("iframe")
    sandbox = "allow-popups allow-popups-to-escape-sandbox"
    expect(frame).to_have_attribute("sandbox", sandbox)
    expect(frame).to_have_attribute("src", re.compile(r"^/m/"))
    assert visitor.page.frames[1].evaluate("origin") == "null"
    expect(visitor.page.frame_locator("iframe").locator("b")).to_have_text("482913")


def test_the_code_and_the_link_are_picked_out(visitor: Visitor) -> None:
    visitor.makes()
    visitor.gets(CODE)
    visitor.reads("482913 is your verification code")
    expect(visitor.page.locator("#otp")).to_have_text("482913")
    visitor.page.click("#copy-code")
    visitor.until(lambda: visitor.clipboard == "482913")
    visitor.gets(CONFIRM)
    visitor.reads("Confirm your email address")
    expect(visitor.page.locator(".otp .host")).to_have_text("app.lumen.example")
    link = visitor.page.locator("#open-link")
    expect(link).to_have_attribute("href", LINK)
    expect(link).to_have_attribute("rel", re.compile("noopener"))


HOSTILE = mail(
    "URGENT",
    "Your account will be closed.\n",
    '<script>parent.document.title="taken"</script><img src=x onerror="alert(1)">'
    '<svg onload="alert(2)"></svg><meta http-equiv="refresh" content="0;url=https://a.leak.test/">'
    '<form action="https://b.leak.test/"><input name=p><button>Log in</button></form>'
    '<a href="https://198.51.100.7/login" target="_top">https://northbank.example/login</a>'
    '<a href="javascript:alert(3)">here</a><base href="https://c.leak.test/">',
    "NorthBank Security <alert@northbank.example>",
)


def test_19_a_hostile_mail_is_inert_and_warned_of_20_so_is_its_form(visitor: Visitor) -> None:
    visitor.makes()
    visitor.gets(HOSTILE)
    visitor.reads("URGENT")
    page = visitor.page
    expect(page.locator(".note.bad")).to_contain_text(
        "A link shows northbank.example but opens 198.51.100.7."
    )
    frame = page.frame_locator("iframe")
    expect(frame.locator("a").first).to_be_visible()
    assert frame.locator("form, input, button, script, base, svg").count() == 0
    expect(page).to_have_title(re.compile("@tempmail.localhost$"))
    assert page.url.startswith(visitor.origin)


def test_21_and_45_images_are_shown_by_consent_for_one_message(
    visitors: Callable[..., Visitor],
) -> None:
    visitor = visitors()
    seen: list[str] = []

    def serve(route: Route) -> None:
        seen.append(route.request.url)
        route.fulfill(body=PICTURE)

    visitor.context.route(
        "https://track.leak.test/**",
        serve,
    )
    visitor.makes()
    visitor.gets(mail("First", html=REMOTE), mail("Other", html=REMOTE))
    visitor.reads("First")
    note = visitor.page.locator("#images")
    expect(note).to_contain_text("Remote images are blocked")
    expect(visitor.page.frame_locator("iframe").locator("p")).to_have_text("Look")
    assert seen == []
    note.get_by_role("button").click()
    visitor.until(lambda: len(seen) == 2)
    expect(visitor.page.locator("iframe")).to_have_attribute("src", re.compile(r"\?images=1$"))
    expect(note).to_have_count(0)
    visitor.reads("Other")
    expect(note).to_be_visible()
    expect(visitor.page.frame_locator("iframe").locator("p")).to_have_text("Look")
    visitor.reads("First")
    expect(note).to_be_visible()
    assert len(seen) == 2
    assert visitor.complaints(BLOCKED) == []


def test_22_links_in_a_text_are_http_alone_and_open_apart(visitor: Visitor) -> None:
    visitor.makes()
    text = "See https://a.example/x?y=1. Or javascript:alert(1), data:text/html,x or <b>bold</b>\n"
    visitor.gets(mail("Links", text))
    visitor.reads("Links")
    links = visitor.page.locator(".txt a")
    expect(links).to_have_count(1)
    expect(links).to_have_attribute("href", "https://a.example/x?y=1")
    expect(links).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(visitor.page.locator(".txt")).to_contain_text("<b>bold</b>")


def test_42_attachments_have_harmless_names_and_are_never_opened(visitor: Visitor) -> None:
    visitor.makes()
    names = {"report.pdf": b"%PDF-1.4 x", "../../evil.txt": b"up", "ann\u202efdp.txt": b"turned"}
    visitor.gets(mail("Files", files={**names, "setup.exe": b"MZ"}))
    visitor.reads("Files")
    page = visitor.page
    files = page.locator(".att")
    expect(files).to_have_count(4)
    saved = {}
    for index in range(3):
        with page.expect_download() as download:
            files.nth(index).click()
        name = download.value.suggested_filename
        saved[name] = Path(download.value.path()).read_bytes()
    assert saved["report.pdf"] == b"%PDF-1.4 x"
    assert sorted(saved.values()) == sorted(names.values())
    assert all(re.fullmatch(r"\w[\w. -]+", name) for name in saved), saved  # no way up, none back
    expect(files.nth(3)).to_contain_text("blocked")
    path = f"/api/v1/mailboxes/{visitor.address}/messages/latest/attachments/0"
    answer = visitor.context.request.get(
        visitor.origin + path, headers={"Authorization": f"Bearer {visitor.token}"}
    )
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_43_the_eml_is_what_was_received(visitor: Visitor) -> None:
    visitor.makes()
    sent = b"Subject: Odd bytes\r\n\r\n\xff\xfe\x00 and a tail\r\n"
    with smtplib.SMTP("127.0.0.1", visitor.served.smtp) as client:
        client.sendmail("a@sender.test", [visitor.address], sent)
    visitor.reads("Odd bytes")
    with visitor.page.expect_download() as download:
        visitor.page.locator(".rd-acts [data-do=eml]").click()
    assert download.value.suggested_filename == "Odd bytes.eml"
    got = Path(download.value.path()).read_bytes()
    path = f"/api/v1/mailboxes/{visitor.address}/messages/latest/raw"
    assert got == visitor.served.request("GET", path, visitor.token)[1]
    assert sent in got


def test_44_own_images_are_shown_and_remote_ones_not_asked_for(
    visitors: Callable[..., Visitor],
) -> None:
    visitor = visitors()
    visitor.makes()
    related = (
        b"Subject: Own\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n"
        b'--b\r\nContent-Type: text/html\r\n\r\n<img src="cid:one"><img'
        b' src="https://x.leak.test/a">\r\n--b\r\nContent-Type: image/png\r\nContent-ID: <one>\r\n'
        b"Content-Transfer-Encoding: binary\r\n\r\n" + PICTURE + b"\r\n--b--\r\n"
    )
    visitor.gets(related)
    visitor.reads("Own")
    image = visitor.page.frame_locator("iframe").locator("img").first
    visitor.until(lambda: image.evaluate("one => one.complete && one.naturalWidth") == 1)
    assert visitor.complaints(BLOCKED) == []
    heard = [r for r in visitor.requests if "leak.test" in r.url and r.failure != "csp"]
    assert heard == []


def test_46_the_corpus_of_attacks_does_nothing(visitors: Callable[..., Visitor]) -> None:
    visitor = visitors()
    visitor.makes()
    page = visitor.page
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    attacks = ALL[:: len(ALL) // 30]
    told = {"JS": "alert(1)", "URL": "http://u.leak.test", "TLS": "https://t.leak.test"}
    for number, attack in enumerate(attacks):
        vector = evolve(attack, name=f"Attack {number}.")
        visitor.deliver(vector.mail({**told, "HOST": "h.leak.test", "N": attack.name}))
    expect(visitor.rows).to_have_count(len(attacks))
    for number in range(len(attacks)):
        visitor.row(f"Attack {number}.").locator("a").click()
        expect(page.locator("#subject")).to_have_text(f"Attack {number}.")
        page.wait_for_selector("[role=tablist]")
    assert dialogs == []
    assert page.url.startswith(visitor.origin)
    assert len(visitor.context.pages) == 1
    reached = [r.url for r in visitor.requests if r.failure is None]
    assert [one for one in reached if not one.startswith((visitor.origin, "data:", "blob:"))] == []
    assert [one for one in visitor.said if one.startswith("error:")] == []


def test_47_a_frames_address_is_good_for_its_message_alone(
    visitors: Callable[..., Visitor],
) -> None:
    one, other = visitors(), visitors()
    one.makes()
    other.makes()
    one.gets(CODE)
    one.reads("482913 is your verification code")
    address = one.page.locator("iframe").get_attribute("src") or ""
    message = one.page.url.rpartition("/")[2]
    asks = other.context.request
    assert asks.get(other.origin + address).status == 200  # whoever has it may see it
    assert asks.get(f"{other.origin}{address[:-4]}AAAA").status == 404
    other.page.goto(f"{other.origin}/#/m/{message}")
    expect(other.page.locator(".reader")).to_contain_text("This message is gone")
    own = {"Authorization": f"Bearer {other.token}"}
    for box in (one.address, other.address):
        path = f"/api/v1/mailboxes/{box}/messages/{message}"
        assert asks.get(other.origin + path, headers=own).status == 404


def test_markup_that_repeats_itself_without_end_holds_nobody_up(visitor: Visitor) -> None:
    visitor.makes()
    html = "<p>Here</p>" + "<img " * 40_000 + "url(" + " " * 200_000
    text = " ".join(f"https://{number}.test/" for number in range(20_000))
    visitor.gets(mail("Long", text, html), mail("Short"))
    visitor.reads("Long")
    visitor.page.get_by_role("tab", name="Text").click()
    expect(visitor.page.locator(".txt a")).to_have_count(1000)
    expect(visitor.page.locator(".txt")).to_contain_text("https://19999.test/")
    visitor.page.keyboard.press("#")
    expect(visitor.rows).to_have_count(1)


@pytest.mark.parametrize(
    "markup",
    [
        '<img alt="{long}" src="https://x.leak.test/a.png">',
        "<img src = ' https://x.leak.test/a.png'>",
        '<td background="http://x.leak.test/a.png">x</td>',
        "<p style=\"background: url( 'https://x.leak.test/a.png')\">x</p>",
    ],
)
def test_21_images_of_any_kind_can_be_asked_for(
    visitors: Callable[..., Visitor], markup: str
) -> None:
    visitor = visitors()
    visitor.makes()
    visitor.gets(mail("News", "x", f"<table>{markup.format(long='x' * 2000)}</table>"))
    visitor.reads("News")
    expect(visitor.page.get_by_role("button", name="Show images")).to_be_visible()


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"Subject: Bare\r\n\r\n", "This message is empty."),
        (b"Subject: Bare\r\nContent-Type: text/html\r\n\r\n<p>Only HTML</p>\r\n", "Only HTML"),
    ],
)
def test_a_message_of_one_kind_or_none_is_shown(visitor: Visitor, body: bytes, shown: str) -> None:
    visitor.makes()
    visitor.gets(body)
    visitor.reads("Bare")
    frame = visitor.page.locator("iframe")
    place = frame.content_frame.locator("body") if frame.count() else visitor.page.locator(".txt")
    expect(place).to_have_text(shown)
