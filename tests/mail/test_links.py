"""Links found in mails, and what they are taken for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from tempmail.mail.links import MAX_HREF, MAX_LINKS, find_links

SECRET = "https://a.example/x?t=Zk81Lq02&u=7"


def kinds(text: str = "", html: str = "") -> list[str]:
    return [link.kind for link in find_links(text, html)]


class LinkTests(TestCase):
    def test_a_reference_is_verbatim_but_for_html_escapes(self) -> None:
        for written, href in (
            ("https://a.example/?a=1&amp;b=2", "https://a.example/?a=1&b=2"),
            ("https://a.example/?a=1&copy=2", "https://a.example/?a=1&copy=2"),
            ("https://a.example/?q=%C3%A9+x&#38;z", "https://a.example/?q=%C3%A9+x&z"),
            ("HTTPS://A.example/Path#Part", "HTTPS://A.example/Path#Part"),
            ("\n https://a.example/a\n b", "https://a.example/a b"),
        ):
            (link,) = find_links("", f'<a class="x>y" href="{written}">go</a>')
            self.assertEqual(link.href, href)
            self.assertEqual(link.text, "go")

    def test_only_http_and_https_are_links(self) -> None:
        for href in (
            "mailto:a@a.example",
            "javascript:alert(1)",
            "//a.example",
            "ftp://a",
            "http:",
        ):
            self.assertEqual(kinds(html=f'<a href="{href}">confirm</a>'), [])

    def test_punctuation_around_a_link_in_plain_text_is_no_part_of_it(self) -> None:
        for text in (f"({SECRET})", f"<{SECRET}>.", f"Go to {SECRET}.", f'"{SECRET}", please'):
            self.assertEqual([link.href for link in find_links(text, "")], [SECRET])
        balanced = "https://a.example/a_(b)"
        self.assertEqual([link.href for link in find_links(balanced, "")], [balanced])

    def test_what_is_written_on_a_link_tells_its_kind(self) -> None:
        for text, kind in (
            ("Confirm your address", "confirm"),
            ("Sign in to Example", "sign_in"),
            ("Choose a new password", "reset"),
            ("Accept the invitation", "invite"),
            ("Unsubscribe", "unsubscribe"),
            ("Read more", "other"),
        ):
            self.assertEqual(kinds(html=f'<a href="{SECRET}">{text}</a>'), [kind])

    def test_what_is_written_before_a_bare_link_tells_its_kind(self) -> None:
        self.assertEqual(kinds(f"Confirm your address:\n\n{SECRET}"), ["confirm"])
        self.assertEqual(kinds(f"Your meeting is confirmed: {SECRET}"), ["other"])

    def test_the_words_before_a_link_are_not_those_of_the_next(self) -> None:
        html = f'<p>Confirm below.</p><a href="{SECRET}">Go</a> <a href="{SECRET}8">Privacy</a>'
        self.assertEqual(kinds(html=html), ["confirm", "other"])

    def test_a_link_without_a_secret_is_an_ordinary_one(self) -> None:
        self.assertEqual(kinds("Reset your password: https://a.example/password/reset/"), ["other"])

    def test_what_is_called_a_secret_is_one_however_it_looks(self) -> None:
        for query in ("token=abcd", "confirmation_token=abc", "oobCode=abc", "x=1&code=wxyz"):
            link = f"https://a.example/verify?{query}"
            self.assertEqual(kinds(f"Please confirm your account: {link}"), ["confirm"], query)
        for query in ("token=", "campaign_code=abc", "monkey=abc"):
            link = f"https://a.example/verify?{query}"
            self.assertEqual(kinds(f"Please confirm your account: {link}"), ["other"], query)

    def test_an_image_speaks_by_its_alternative_text(self) -> None:
        html = f'<p>Confirm</p><a href="{SECRET}"><img src=x alt="Example"></a>'
        (link,) = find_links("", html)
        self.assertEqual((link.text, link.kind), ("Example", "other"))

    def test_a_link_in_text_and_html_is_given_once_with_its_text(self) -> None:
        html = f'<a href="{SECRET.replace("&", "&amp;")}">Open</a>'
        (link,) = find_links(f"Confirm your address: {SECRET}", html)
        self.assertEqual((link.href, link.text, link.kind), (SECRET, "Open", "confirm"))

    def test_the_likeliest_comes_first_and_unsubscribing_last(self) -> None:
        html = "".join(
            f'<a href="{SECRET}{n}">{text}</a>'
            for n, text in enumerate(("Unsubscribe", "Read more", "Confirm"))
        )
        self.assertEqual(kinds(html=html), ["confirm", "other", "unsubscribe"])

    def test_no_more_than_a_hundred_links_are_given_and_none_cut_short(self) -> None:
        text = " ".join(f"https://a.example/{n}" for n in range(500))
        self.assertEqual(len(find_links(text, "")), MAX_LINKS)
        self.assertEqual(find_links("https://a.example/" + "a" * MAX_HREF, ""), ())

    @given(st.text("<>ahref='\"/:tps.! -&;#x\n", max_size=300))
    def test_any_html_is_read(self, html: str) -> None:
        for link in find_links(html, html):
            self.assertRegex(link.href, "^(?i:https?)://")
