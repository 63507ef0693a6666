"""Views of ordinary, damaged and hostile messages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from tempmail.mail.contents import MAX_BODY_BYTES
from tempmail.mail.envelope_headers import scan
from tempmail.mail.parse import MAX_ATTACHMENTS, parse
from tempmail.mail.parser_version import PARSER_VERSION
from tempmail.mail.unparsed import unparsed
from tempmail.model.message import View

HOSTILE_LINES = b"""
Content-Type: multipart/mixed; boundary=b
Content-Type: multipart/digest; boundary="b"
Content-Type: text/plain; charset=utf-7
Content-Type: text/html; charset*0*=x''y; charset*=z
Content-Type: message/rfc822
Content-Type: message/delivery-status
Content-Type: \xff/x
Content-Transfer-Encoding: base64
Content-Transfer-Encoding: uuencode
Content-Disposition: inline
Content-Disposition: attachment; filename*1*=%00; filename*=idna''%ff; filename="
Content-ID: <\0>
From: <
Subject: =?utf-7?q?+2AA-?=
Date: 1 Jan 0000 25:61 +9999
Cc: a@b, "
X: \xff
Content-Type: text/plain; format=flowed; delsp=yes
Content-Type: application/ms-tnef
Content-Type: multipart/mixed
Content-Type: text/html; charset=utf-16
--b
--b--
> quoted\x20
`
end
no field
begin 644 x
=?utf-8?b?//8=?=
\xed\xa0\x80
"""
FRAGMENT = st.one_of(st.binary(max_size=12), st.sampled_from(HOSTILE_LINES.split(b"\n")))
MESSAGE = st.lists(FRAGMENT, max_size=30).map(b"\r\n".join)


def texts(view: View) -> Iterator[str]:
    yield from (view.subject, view.from_address, view.from_name, view.body_text, view.body_html)
    yield from chain(view.cc, view.reply_to, view.defects, *view.headers)
    for one in view.attachments:
        yield from (one.filename, one.content_type, one.content_id or "")


def multipart(*parts: bytes) -> bytes:
    lines = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + lines + b"--b--\r\n"


def test_an_ordinary_message_is_read_whole() -> None:
    message = EmailMessage(policy=SMTP)
    message["From"] = "Jürgen <j@example.org>"
    message["To"] = "box@tempmail.localhost"
    message["Cc"] = "Ann <ann@example.org>, bob@example.org"
    message["Reply-To"] = "answers@example.org"
    message["Subject"] = "Willkommen, Jürgen"
    message["Date"] = "Thu, 20 Nov 2025 10:00:00 +0200"
    message.set_content("Grüße\nund mehr\n")
    message.add_alternative("<p>Grüße <img src=cid:logo></p>", subtype="html")
    message.add_attachment(b"\0\1\2", maintype="image", subtype="png", filename="Bild é.png")
    view = parse(message.as_bytes())

    assert (view.subject, view.from_address, view.from_name) == (
        "Willkommen, Jürgen",
        "j@example.org",
        "Jürgen",
    )
    assert view.cc == ("ann@example.org", "bob@example.org")
    assert view.reply_to == ("answers@example.org",)
    assert view.date == datetime(2025, 11, 20, 8, tzinfo=UTC)
    assert view.body_text == "Grüße\nund mehr\n"
    assert "<p>Grüße" in view.body_html
    assert view.headers[0] == ("From", "Jürgen <j@example.org>")
    assert [name for name, _ in view.headers][:4] == ["From", "To", "Cc", "Reply-To"]
    (attachment,) = view.attachments
    assert (attachment.filename, attachment.content_type, attachment.size, attachment.inline) == (
        "Bild é.png",
        "image/png",
        3,
        False,
    )
    assert view.defects == ()
    assert view.parser_version == PARSER_VERSION


def test_an_image_with_a_content_id_is_inline() -> None:
    (image,) = parse(
        multipart(b"Content-Type: image/gif\r\nContent-ID: <logo@x>\r\n\r\nGIF")
    ).attachments
    assert (image.content_id, image.inline) == ("logo@x", True)


def test_a_forwarded_message_is_an_attachment_byte_for_byte() -> None:
    forwarded = b"Subject: inner\r\n\r\ninner text"
    view = parse(multipart(b"\r\nouter", b"Content-Type: message/rfc822\r\n\r\n" + forwarded))
    assert view.body_text == "outer"
    assert [(one.content_type, one.size) for one in view.attachments] == [
        ("message/rfc822", len(forwarded))
    ]


def test_a_multipart_without_its_boundary_shows_its_text() -> None:
    view = parse(b"Content-Type: multipart/mixed\r\n\r\nall there is")
    assert view.body_text == "all there is"
    assert "no boundary in multipart" in view.defects


def test_a_message_without_headers_has_a_body() -> None:
    assert parse(b"\r\nonly text").body_text == "only text"
    assert parse(b"only text, no header").body_text == "only text, no header"
    assert parse(b"").body_text == ""


def test_an_impossible_date_is_a_defect() -> None:
    for date in (b"yesterday", b"1 Jan 999 00:00 +0100", b"Thu, 32 Nov 2025 10:00:00 +0000"):
        view = parse(b"Date: " + date + b"\r\n\r\n")
        assert view.date is None
        assert view.defects == ("date not understood",)


def test_a_date_without_zone_is_in_utc() -> None:
    view = parse(b"Date: Thu, 20 Nov 2025 10:00:00 -0000\r\n\r\n")
    assert view.date == datetime(2025, 11, 20, 10, tzinfo=UTC)


def test_parts_beyond_the_bound_are_left_out() -> None:
    view = parse(multipart(*[b"\r\nx"] * 1005))
    assert view.body_text.split() == ["x"] * 1000
    assert "more than 1000 parts" in view.defects


def test_depth_beyond_the_bound_is_left_out() -> None:
    nested = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n\r\n" % (n, n)
        + b"level %d\r\n--b%d\r\n" % (n, n)
        for n in range(60)
    )
    view = parse(nested)
    assert "level 49" in view.body_text
    assert "level 55" not in view.body_text
    assert "parts nested deeper than 50" in view.defects


def test_attachments_beyond_the_bound_are_left_out() -> None:
    part = b"Content-Disposition: attachment; filename=x\r\n\r\nx"
    view = parse(multipart(*[part] * (MAX_ATTACHMENTS + 1)))
    assert len(view.attachments) == MAX_ATTACHMENTS
    assert view.attachments[-1].index == MAX_ATTACHMENTS - 1
    assert f"more than {MAX_ATTACHMENTS} attachments" in view.defects


def test_headers_beyond_the_bounds_are_left_out() -> None:
    view = parse(b"X: y\r\n" * 1500 + b"\r\nbody")
    assert len(view.headers) == 1000
    assert view.defects == ("more than 1000 headers",)
    view = parse(b"X: " + b"y" * 10_000 + b"\r\n\r\nbody")
    assert len(view.headers[0][1]) < 8 * 1024
    assert view.defects == ("header too long",)


def test_bodies_beyond_the_bound_are_cut() -> None:
    body = "日本語".encode() * 500_000
    view = parse(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + body)
    assert MAX_BODY_BYTES - 3 < len(view.body_text.encode()) <= MAX_BODY_BYTES
    assert view.defects == (f"text cut at {MAX_BODY_BYTES} bytes",)


@given(MESSAGE)
def test_any_bytes_give_a_view_that_can_be_stored(raw: bytes) -> None:
    for text in texts(parse(raw)):
        assert "\0" not in text
        text.encode("utf-8")


def test_the_view_agrees_with_the_scan_at_arrival() -> None:
    author = b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\n"
    raw = author + b"Subject: =?utf-8?b?w4k=?= x\r\n y\r\n\r\n"
    view, scanned = parse(raw), scan([raw])
    assert (view.subject, view.from_address, view.from_name) == (
        scanned.subject,
        scanned.from_address,
        scanned.from_name,
    )
    assert scanned.subject == "É x y"


def test_the_view_agrees_with_the_scan_behind_a_line_that_ended_the_header() -> None:
    view = parse(b"Received: x\r\nno field\r\nnor this\r\nFrom: a@b\r\nSubject: x\r\n\r\n")
    assert (view.subject, view.from_address) == ("x", "a@b")


def test_a_message_that_cannot_be_parsed_shows_its_subject_and_author() -> None:
    view = unparsed(b"From: a@b\r\nSubject: x\r\n\r\nbody", "the parser crashed", lasting=True)
    assert (view.subject, view.from_address, view.body_text) == ("x", "a@b", "")
    assert view.defects == ("the parser crashed",)
    assert view.parser_version == PARSER_VERSION


def test_what_may_go_better_next_time_is_of_an_older_version() -> None:
    assert unparsed(b"", "the parser crashed", lasting=False).parser_version < PARSER_VERSION


def test_controls_that_nobody_sees_are_left_out_of_both_bodies() -> None:
    controls = bytes(range(1, 32)).replace(b"\t", b"").replace(b"\n", b"").replace(b"\r", b"")
    silent = controls.replace(b"\x0b", b"").replace(b"\x0c", b"").replace(b"\x1b", b"")
    text = b"a" + silent + b"b\tc\x0cd\x0be\r\nf"
    assert parse(b"\r\n" + text).body_text == "ab\tc d e\nf"
    html = b"<a\x0chref='https://x.test/1'>g\x01o</a>"
    view = parse(b"Content-Type: text/html\r\n\r\n" + html)
    assert view.body_html == "<a href='https://x.test/1'>go</a>"
    assert [(link.href, link.text) for link in view.links] == [("https://x.test/1", "go")]


def test_controls_do_not_count_towards_the_bound() -> None:
    view = parse(b"\r\n" + b"a\x01" * MAX_BODY_BYTES)
    assert view.body_text == "a" * MAX_BODY_BYTES
    assert len(json.encode(view.body_text)) == MAX_BODY_BYTES + 2
