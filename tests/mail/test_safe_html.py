"""What is left of a mail's HTML, judged by parsers that are not those that made it."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import nh3
import pytest
import tinycss2  # type: ignore[import-untyped]  # published without types
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tempmail.mail.charsets import decode
from tempmail.mail.document import html_document, text_document
from tempmail.mail.document_style import STYLE
from tempmail.mail.safe_html import ATTRIBUTES, TAGS, WITHOUT_CONTENT, safe_html
from tempmail.mail.safe_links import linked, safe_link
from tempmail.mail.safe_style import safe_style
from tests.browser.vectors import ALL, Vector

SUBSTITUTE = {
    "JS": "top.pwned=`x`",
    "URL": "http://127.0.0.1:9/x",
    "TLS": "https://127.0.0.1:9/x",
    "HOST": "http://x.leak.test:9/",
    "PORT": "9",
    "N": "x",
}
IMAGES = {"logo@sender.test": "/m/TOKEN/images/0"}
ADDED = frozenset(("rel", "role", "target"))
FUNCTIONS = frozenset(("hsl", "hsla", "rgb", "rgba"))


class Checker(HTMLParser):
    """Another reader of the same HTML, which takes nothing that it does not know."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(sorted(attrs, key=str))))
        if tag not in TAGS:
            self.wrong.append(f"<{tag}>")
        allowed = ATTRIBUTES["*"] | ATTRIBUTES.get(tag, frozenset()) | ADDED
        for name, value in attrs:
            if name not in allowed or not _harmless(name, value):
                self.wrong.append(f"<{tag} {name}={value}>")
            elif name == "style" and value is not None:
                self.wrong += wrong_in_style(value)
        if tag == "a" and dict(attrs).get("rel") != "noopener noreferrer nofollow":
            self.wrong.append("a link with an opener")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.wrong.append(f"<!{decl}>")

    def unknown_decl(self, data: str) -> None:
        self.wrong.append(f"<![{data}]>")

    def handle_pi(self, data: str) -> None:
        self.wrong.append(f"<?{data}>")


def _harmless(name: str, value: str | None) -> bool:
    match name:
        case "href":
            form = r"(https?://[^/?#@\\]+|mailto:)[!-~]*\Z"
        case "src":
            form = r"https://|data:image/[a-z]+;base64,"
        case _:
            form = ""
    return value is not None and re.match(form, value) is not None


def wrong_in_style(style: str) -> list[str]:
    """By a parser of the CSS Syntax standard."""
    wrong = []
    for one in tinycss2.parse_blocks_contents(style, skip_whitespace=True):
        if one.type != "declaration":
            wrong.append(f"{one.type} in {style}")
            continue
        if one.lower_name in ("position", "content", "behavior", "z-index", "opacity"):
            wrong.append(one.name)
        for token in one.value:
            if token.type == "function" and token.lower_name in FUNCTIONS:
                continue
            if token.type in ("url", "function", "error", "at-rule") or "block" in token.type:
                wrong.append(f"{token.type} in {style}")
    return wrong


def checked(html: str) -> Checker:
    checker = Checker()
    checker.feed(html)
    checker.close()
    return checker


def seen(html: str) -> tuple[object, str]:
    """Elements with sorted attributes, and the text: what does not depend on how it is written."""
    checker = checked(html)
    return checker.elements, "".join(checker.texts)


@pytest.mark.parametrize("vector", ALL, ids=lambda vector: vector.name)
def test_a_hostile_mail_leaves_only_what_is_listed(vector: Vector) -> None:
    html = decode(vector.content(SUBSTITUTE), vector.label or vector.charset)
    assert checked(safe_html(html, {})).wrong == []


def test_the_checker_sees_what_is_wrong_with_the_raw_mails() -> None:
    """Else the test above could not fail."""
    blind = [
        one.name
        for one in ALL
        if not checked(decode(one.content(SUBSTITUTE), one.label or one.charset)).wrong
    ]
    # Remote images over https stay, for the document's policy to block.
    assert blind == ["img-https"]


PIECES = st.sampled_from(
    [
        *("<", ">", "</", "/>", "=", "'", '"', "`", "&", ";", " ", "\n", "\0", "<!--", "-->"),
        *("<![CDATA[", "]]>", "<?", "--!>", "&lt;", "&#x3c;", "&Tab;", "\u2028", "\u202e"),
        *(f"<{tag}>" for tag in sorted(TAGS | WITHOUT_CONTENT | {"form", "p/", "mglyph"})),
        *(f"</{tag}>" for tag in sorted(TAGS | WITHOUT_CONTENT | {"form", "mtext"})),
        *("<img src=x onerror=alert(1)>", "<a href='javascript:x'>", "<a href=https://x.test/>"),
        *("<p style='", "url(", "\\75rl(", "color:red", "position:fixed", "/*", "*/", "{", "}"),
        *("<a href='", "https:", "//", "\\", "@", "x.test", "<img src=cid:x>", "data:image/png;"),
    ]
)
HTML = st.lists(PIECES | st.text(max_size=5), max_size=40).map("".join)


@settings(max_examples=300, deadline=None)
@given(HTML)
@example("<a href='https://x.test/\u202e'>")
def test_whatever_comes_in_only_what_is_listed_comes_out(html: str) -> None:
    assert checked(safe_html(html, {})).wrong == []


@settings(max_examples=300, deadline=None)
@given(HTML)
def test_what_was_made_safe_is_left_as_it_is(html: str) -> None:
    once = safe_html(html, {})
    assert seen(safe_html(once, {})) == seen(once)


@settings(max_examples=300, deadline=None)
@given(HTML)
def test_plain_text_becomes_text_and_links_alone(text: str) -> None:
    made = checked(linked(text))
    assert {tag for tag, _ in made.elements} <= {"a"}
    assert made.wrong == []
    assert "".join(made.texts).replace("\ufffd", "\0") == text.replace("\ufffd", "\0")


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [*";:(){}[]'\"\\/*@!#,. \n-", "color", "red", "url", "rgb(", "1px", "--x", "!important"]
        )
        | st.text(max_size=3),
        max_size=25,
    ).map(lambda parts: "color:" + "".join(parts))
)
def test_whatever_stands_in_a_style_no_parser_of_css_finds_more(style: str) -> None:
    assert wrong_in_style(safe_style(style) or "") == []


@pytest.mark.parametrize(
    ("style", "kept"),
    [
        ("color: red", "color:red"),
        ("COLOR:#FFF;margin:0 auto !important", "color:#FFF;margin:0 auto!important"),
        ('font:12px/1.5 "Helvetica Neue",Arial', 'font:12px/1.5 "Helvetica Neue",Arial'),
        ("color:rgba(0, 0, 0, .5)", "color:rgba(0, 0, 0, .5)"),
        ("background:#111 url('x;y') no-repeat;color:#fff", "background:#111 no-repeat;color:#fff"),
        ("position:fixed;top:0", None),
        ("background:u\\72l(x)", None),
        ("width:expression(alert(1))", None),
        ("font-family:'a;color:red\";b", None),
        ("color:red/**/;--x:y", None),
        ("color:" + "a " * 5000, None),
    ],
)
def test_a_style_keeps_what_dresses_its_own_element(style: str, kept: str | None) -> None:
    assert safe_style(style) == kept


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://x.test/a?b=c&d=e#f", "https://x.test/a?b=c&d=e#f"),
        (" HTTP://x.test:8080 ", "http://x.test:8080"),
        ("https://[::1]/x", "https://[::1]/x"),
        ("https://m\u00fcnchen.test/\u00fc b", "https://xn--mnchen-3ya.test/%C3%BC%20b"),
        ("https://stra\u00dfe.test/", "https://xn--strae-oqa.test/"),
        ("https://p\u0430ypal.test/", "https://xn--pypal-4ve.test/"),
        ("https://x.test/\u202etxt", "https://x.test/%E2%80%AEtxt"),
        ("mailto:a@x.test?subject=b", "mailto:a@x.test?subject=b"),
        ("java\nscript:alert(1)", None),
        ("https://bank.test@evil.test/", None),
        ("https:\\\\evil.test/", None),
        ("https://bank.test\\@evil.test/", None),
        ("https://%65vil.test/", None),
        ("https:evil.test", None),
        ("//evil.test/", None),
        ("/api", None),
        ("", None),
        ("tel:123", None),
        ("https://x.test/" + "a" * 10_000, None),
    ],
)
def test_a_link_is_kept_where_everybody_reads_it_alike(url: str, kept: str | None) -> None:
    assert safe_link(url) == kept


def test_a_link_opens_elsewhere_and_tells_nothing() -> None:
    safe = safe_html("<a href=http://x.test/ target=_top>x</a>", {})
    ((tag, attributes),) = checked(safe).elements
    assert (tag, dict(attributes)) == (
        "a",
        {
            "href": "http://x.test/",
            "rel": "noopener noreferrer nofollow",
            "target": "_blank",
        },
    )


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("cid:logo@sender.test", "/m/TOKEN/images/0"),
        ("CID:logo%40sender.test", "/m/TOKEN/images/0"),
        ("cid:other@sender.test", None),
        ("https://x.test/pixel.gif", "https://x.test/pixel.gif"),
        ("http://x.test/pixel.gif", None),
        ("data:image/png;base64,AAAA", "data:image/png;base64,AAAA"),
        ("data:image/svg+xml;base64,AAAA", None),
        ("data:text/html,x", None),
        ("/m/TOKEN/images/0", None),
    ],
)
def test_an_image_is_a_part_or_within_or_remote_over_https(source: str, kept: str | None) -> None:
    ((_, attributes),) = checked(safe_html(f'<img src="{source}">', IMAGES)).elements
    assert dict(attributes).get("src") == kept


def test_the_look_of_a_newsletter_stays() -> None:
    table = (
        '<table role="presentation" width="600" cellpadding="0" bgcolor="#eee"><tbody>'
        '<tr><td align="center" style="padding:8px;font-family:Arial, sans-serif">'
        '<font color="red">Hi</font></td></tr></tbody></table>'
    )
    assert seen(safe_html(table, {})) == seen(table)


def test_styles_scripts_and_titles_go_with_what_they_hold() -> None:
    html = "<title>a</title><style>b</style><script>c</script><svg>d</svg><form>e<input></form>"
    assert safe_html(html, {}) == "e"


@pytest.mark.alone
def test_a_large_newsletter_takes_milliseconds() -> None:
    cell = '<td style="padding:8px;color:#333;font-size:14px"><a href="https://x.test/y">z</a></td>'
    html = f"<table><tr>{cell * 2000}</tr></table>"
    begin = time.process_time()
    safe_html(html, {})
    assert time.process_time() - begin < 0.5


@pytest.mark.alone
@pytest.mark.parametrize(
    "style",
    [
        *("url(" + " " * 8000, "url(" * 2000, 'url("' * 1600, "color" + " " * 8000),
        *("color:" + many for many in ("a" + " " * 8000 + "(", "'" * 8000, "1a " * 2600 + "(")),
    ],
)
def test_a_style_takes_linear_time(style: str) -> None:
    begin = time.process_time()
    safe_style(style[:8192])
    assert time.process_time() - begin < 0.1


@pytest.mark.alone
def test_links_in_a_long_text_take_linear_time() -> None:
    begin = time.process_time()
    for text in (")" * 4000, "(" * 2000 + ")" * 2000, "https://" * 500):
        linked(f"https://x.test/{text} " * 100)
    assert time.process_time() - begin < 2


def test_text_is_shown_as_written_with_its_links() -> None:
    document = text_document("a <b> & \n see https://x.test/y(z). javascript:1")
    assert "a &lt;b&gt; &amp; \n see <a href=" in document
    assert 'href="https://x.test/y(z)"' in document
    assert document.count("<a ") == 1
    assert "javascript:1" in document


def test_a_document_says_where_text_stands_for_its_html() -> None:
    assert 'class="note"' in text_document("x", instead=True)
    assert 'class="note"' not in text_document("x")


def test_every_document_brings_its_own_head_and_one_style_sheet() -> None:
    for document in (text_document("x"), html_document("<p>x", {})):
        assert document.startswith("<!doctype html>")
        assert '<meta charset="utf-8">' in document
        assert '<meta name="referrer" content="no-referrer">' in document
        assert document.count("<style>") == 1
        assert f"<style>{STYLE}</style>" in document


def test_the_sanitiser_is_the_one_whose_order_of_judging_is_relied_on() -> None:
    """An address that the filter gives back is not judged by its scheme again."""
    cleaned = nh3.clean(
        "<img src=cid:x>",
        tags={"img"},
        attributes={"img": {"src"}},
        url_schemes={"cid"},
        attribute_filter=lambda *_: "/y",
    )
    assert cleaned == '<img src="/y">'
