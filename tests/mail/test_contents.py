"""What a reader sees of every shape that mail takes."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from tempmail.mail.contents import Body, File, contents
from tempmail.mail.parse import parse
from tempmail.mail.tree import read
from tempmail.model.message import View


def part(headers: bytes, body: bytes = b"") -> bytes:
    return headers.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body


def multipart(kind: bytes, *parts: bytes, boundary: bytes = b"b") -> bytes:
    lines = b"".join(b"--" + boundary + b"\r\n" + one + b"\r\n" for one in parts)
    return part(
        b"Content-Type: multipart/" + kind + b'; boundary="' + boundary + b'"',
        lines + b"--" + boundary + b"--\r\n",
    )


def files(raw: bytes) -> Iterator[File]:
    return (one for one in contents(read(raw)[0]) if isinstance(one, File))


TEXT = part(b"Content-Type: text/plain; charset=utf-8", b"the text")
HTML = part(b"Content-Type: text/html; charset=utf-8", b"<p>the html</p>")
IMAGE = part(b"Content-Type: image/png\nContent-ID: <logo@x>", b"PNG")
PDF = part(b'Content-Type: application/pdf; name="a.pdf"\nContent-Disposition: attachment', b"PDF")
INNER = b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nFrom: a@b\r\n\r\ninner text"


def shown(view: View) -> tuple[str, str, list[str]]:
    return view.body_text, view.body_html, [one.filename for one in view.attachments]


@pytest.mark.parametrize(
    ("raw", "text", "html", "names"),
    [
        (TEXT, "the text", "", []),
        (HTML, "", "<p>the html</p>", []),
        (multipart(b"alternative", TEXT, HTML), "the text", "<p>the html</p>", []),
        (multipart(b"mixed", TEXT, PDF), "the text", "", ["a.pdf"]),
        (
            multipart(b"mixed", multipart(b"alternative", TEXT, HTML, boundary=b"c"), PDF),
            "the text",
            "<p>the html</p>",
            ["a.pdf"],
        ),
        (
            multipart(b"mixed", TEXT, PDF, b"\r\nand a footer"),
            "the text\nand a footer",
            "",
            ["a.pdf"],
        ),
        (multipart(b"related", HTML, IMAGE), "", "<p>the html</p>", [""]),
        (multipart(b"x-unheard-of", TEXT, PDF), "the text", "", ["a.pdf"]),
        (
            multipart(b"signed", TEXT, part(b"Content-Type: application/pgp-signature", b"S")),
            "the text",
            "",
            [""],
        ),
        (
            multipart(
                b"encrypted",
                part(b"Content-Type: application/pgp-encrypted", b"Version: 1"),
                part(b"Content-Type: application/octet-stream; name=encrypted.asc", b"-----"),
            ),
            "",
            "",
            ["", "encrypted.asc"],
        ),
        (
            part(b"Content-Type: application/pkcs7-mime; name=smime.p7m", b"x"),
            "",
            "",
            ["smime.p7m"],
        ),
        (
            multipart(b"mixed", TEXT, part(b"Content-Type: application/ms-tnef", b"x")),
            "the text",
            "",
            ["winmail.dat"],
        ),
        (
            multipart(b"mixed", TEXT, part(b"Content-Type: message/rfc822", INNER)),
            "the text",
            "",
            ["Grüße.eml"],
        ),
        (
            multipart(b"digest", b"\r\n" + INNER, b"\r\nTo: x\r\n\r\ny"),
            "",
            "",
            ["Grüße.eml", "message.eml"],
        ),
        (
            multipart(
                b"report",
                TEXT,
                part(b"Content-Type: message/delivery-status", b"Status: 5.1.1"),
                part(b"Content-Type: text/rfc822-headers", b"Subject: lost"),
            ),
            "the text",
            "",
            ["", ""],
        ),
        (part(b"Content-Disposition: attachment", b"no body"), "", "", [""]),
        (part(b"Content-Type: text/plain; name=notes.txt", b"notes"), "", "", ["notes.txt"]),
        (part(b"Content-Disposition: inline", b"the text"), "the text", "", []),
        (part(b"Content-Type: text/x-amp-html", b"<amp>"), "", "", [""]),
    ],
)
def test_parts_are_bodies_or_files(raw: bytes, text: str, html: str, names: list[str]) -> None:
    assert shown(parse(raw)) == (text, html, names)
    assert parse(raw).defects == ()


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        (b'Content-Disposition: attachment; filename="a.txt"', "a.txt"),
        (b'Content-Disposition: attachment; FileName="a.txt"', "a.txt"),
        (b"Content-Disposition: attachment; filename=a b.txt", "a b.txt"),
        (b"Content-Disposition: attachment; filename*=utf-8''%E2%82%AC.txt", "€.txt"),
        (
            b"Content-Disposition: attachment; filename*0*=iso-8859-1''%E9; filename*1=b.txt",
            "éb.txt",
        ),
        (b'Content-Disposition: attachment;\n filename*0="a";\n filename*1="b.txt"', "ab.txt"),
        (b'Content-Disposition: attachment; filename="=?utf-8?B?4oKsLnR4dA==?="', "€.txt"),
        (
            b'Content-Disposition: attachment; filename="=?utf-8?Q?=E2=82?=\n =?utf-8?Q?=AC.txt?="',
            "€.txt",
        ),
        ("Content-Disposition: attachment; filename=€.txt".encode(), "€.txt"),
        (b'Content-Type: image/png; name="a.png"', "a.png"),
        (b"Content-Type: image/png; name*=utf-8''%E2%82%AC.png", "€.png"),
        (
            b"Content-Type: image/png; name=b.png\nContent-Disposition: inline; filename=a.png",
            "a.png",
        ),
        (
            b"Content-Type: image/png; name=b.png\nContent-Disposition: attachment; filename=",
            "b.png",
        ),
        (b"Content-Type: application/octet-stream; file=a.exe", "a.exe"),
        (b"Content-Type: image/png name=a.png", "a.png"),
        (b"Content-Disposition: attachment filename=a.png", "a.png"),
        (b'Content-Disposition: attachment; filename="a;b=c.txt"; size=3', "a;b=c.txt"),
        (b'Content-Disposition: attachment; filename="../../etc/passwd"', "../../etc/passwd"),
        (b'Content-Disposition: attachment; filename="a\0b\x1b.txt"', "a\ufffdb .txt"),
    ],
)
def test_files_have_the_names_that_senders_gave(headers: bytes, name: str) -> None:
    assert [one.filename for one in files(part(headers, b"x"))] == [name]


@pytest.mark.parametrize(
    ("raw", "inline"),
    [
        (multipart(b"related", HTML, IMAGE), True),
        (multipart(b"related", HTML, part(b"Content-Type: image/png", b"x")), True),
        (multipart(b"mixed", HTML, IMAGE), True),
        (multipart(b"mixed", TEXT, part(b"Content-Type: image/png", b"x")), False),
        (multipart(b"mixed", TEXT, PDF), False),
        (multipart(b"related", HTML, PDF), False),
        (multipart(b"alternative", TEXT, part(b"Content-Type: text/calendar", b"BEGIN")), True),
        (multipart(b"mixed", TEXT, part(b"Content-Type: text/calendar", b"BEGIN")), False),
    ],
)
def test_what_belongs_to_a_body_is_inline(raw: bytes, inline: bool) -> None:
    assert [one.inline for one in parse(raw).attachments] == [inline]


@pytest.mark.parametrize(
    ("headers", "body", "text"),
    [
        (b"Content-Type: text/plain; charset=utf-8", "Grüße".encode(), "Grüße"),
        (b"Content-Type: text/plain", "Grüße".encode(), "Grüße"),
        (b"Content-Type: text/plain", "Grüße".encode("latin-1"), "Grüße"),
        (b"Content-Type: text/plain; charset=us-ascii (plain text)", b"abc", "abc"),
        (b"Content-Type: text/plain; charset='utf-8'", "é".encode(), "é"),
        (b"Content-Type: text/plain charset=iso-8859-2", "Łódź".encode("iso-8859-2"), "Łódź"),
        (b"Content-Type: text/plain (text); charset=iso-8859-2", "Ł".encode("iso-8859-2"), "Ł"),
        (b"Content-Type: text; charset=utf-8", b"abc", "abc"),
        (b"Content-Type:", b"abc", "abc"),
        (b"Content-Type: TEXT/PLAIN; CHARSET=UTF-8", "é".encode(), "é"),
        (b"Content-Type: text/plain; charset*=us-ascii''iso-8859-2", b"\xa3", "Ł"),
        (b"Content-Type: text/plain; charset=utf-16", "text".encode("utf-16"), "text"),
        (b"Content-Type: text/plain", "text €".encode("utf-16"), "text €"),
        (b"Content-Type: text/plain", "日本語".encode("iso2022_jp"), "日本語"),
        (b"Content-Transfer-Encoding: quoted-printable", b"a=\r\nb=20=C3=A9", "ab é"),
        (b"Content-Transfer-Encoding: BASE64", base64.encodebytes(b"abc"), "abc"),
        (b"Content-Transfer-Encoding: 7-bit", "é".encode(), "é"),
        (b"Content-Transfer-Encoding: binary", b"a\0b", "a\ufffdb"),
        (b"X: y", b"=ybegin line=128 size=3 name=x\r\nabc\r\n=yend size=3", None),
    ],
)
def test_text_is_read(headers: bytes, body: bytes, text: str | None) -> None:
    expected = body.decode().replace("\r\n", "\n") if text is None else text
    assert list(contents(read(part(headers, body))[0])) == [Body(expected, html=False)]


def test_html_names_its_charset_where_the_header_does_not() -> None:
    document = '<html><head><meta charset="windows-1251"></head>Привет'.encode("cp1251")
    assert "Привет" in parse(part(b"Content-Type: text/html", document)).body_html
    other = '<meta http-equiv=Content-Type content="text/html; charset=koi8-r">Привет'
    assert "Привет" in parse(part(b"Content-Type: text/html", other.encode("koi8-r"))).body_html


def test_flowed_text_is_put_together() -> None:
    flowed = part(b"Content-Type: text/plain; format=Flowed; delsp=yes", b"one \r\ntwo\r\n")
    assert parse(flowed).body_text == "onetwo\n"


def test_uuencoded_files_stand_in_the_text_and_are_files() -> None:
    text = b"see\r\nbegin 644 a b.txt\r\n#86)C\r\n`\r\nend\r\nbye"
    view = parse(b"\r\n" + text)
    assert view.body_text == text.decode().replace("\r\n", "\n")
    assert [(one.filename, one.size) for one in view.attachments] == [("a b.txt", 3)]


def test_a_forwarded_message_is_kept_byte_for_byte() -> None:
    raw = multipart(b"mixed", TEXT, part(b"Content-Type: message/rfc822", INNER))
    assert [one.content() for one in files(raw)] == [INNER]
