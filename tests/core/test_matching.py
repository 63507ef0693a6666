from __future__ import annotations

import time

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.matching import MAX_EXPRESSION, SEARCHED, Matcher, expression, matcher
from tempmail.model.errors import InvalidInput
from tempmail.model.message import Code, Link
from tests.core.doubles import VIEW, message


def within(given: str, text: str) -> bool:
    return expression(given).within(text)


class ExpressionTests(SynchronousTestCase):
    def test_a_substring_is_found_in_any_case(self) -> None:
        for given, text in [("CODE", "Your code"), ("straße", "STRASSE 7"), ("код", "Ваш КОД")]:
            self.assertTrue(within(given, text), given)
        self.assertFalse(within("code", "Your c-o-d-e"))

    def test_what_stands_between_slashes_is_a_pattern(self) -> None:
        self.assertTrue(within(r"/^Your \d{6}$/", "Your 123456"))
        self.assertFalse(within(r"/^Your \d{6}$/", "Your 12345"))

    def test_a_pattern_minds_the_case_unless_told_otherwise(self) -> None:
        self.assertFalse(within("/CODE/", "code"))
        self.assertTrue(within("/CODE/i", "code"))
        self.assertTrue(within("/A|B/i", "xb"))

    def test_other_slashes_are_themselves(self) -> None:
        for given in ["/", "//", "a/b", "/reset/you", "reset/", "/reset"]:
            self.assertTrue(within(given, f"go to {given} now"), given)
            self.assertFalse(within(given, "go"), given)

    def test_a_dot_matches_a_character_and_not_an_octet(self) -> None:
        self.assertTrue(within("/^.$/", "ü"))

    def test_what_is_wrong_with_a_pattern_is_said(self) -> None:
        for given, why in [
            ("/[/", "is no RE2 pattern: missing ]: ["),
            (r"/(a)\1/", "is no RE2 pattern: invalid escape sequence: \\1"),
            ("/(?=a)/", "is no RE2 pattern: invalid perl operator: (?="),
            (r"/\pL{200}/", "is no RE2 pattern: pattern too large - compile failed"),
            (r"/[^ab]{500}/", "is too costly a pattern; repeat less in it"),
            ("", f"has 1 to {MAX_EXPRESSION} characters"),
            ("x" * (MAX_EXPRESSION + 1), f"has 1 to {MAX_EXPRESSION} characters"),
        ]:
            error = self.assertRaises(InvalidInput, expression, given)
            self.assertEqual(error.detail, why)

    def test_useful_patterns_are_not_too_costly(self) -> None:
        for given in [r"/\pL+/", r"/\b[A-Z0-9]{4}-[A-Z0-9]{4}\b/", r"/code.{0,100}\d{4,8}/i"]:
            expression(given)

    def test_time_does_not_explode(self) -> None:
        text = "a" * SEARCHED
        for given in ["/(a*)*b/", "/(a|aa)+$b/", "/(.*)*x(.*)*y/", "/(?:(?:a?){20}b?){20}z/"]:
            started = time.thread_time()
            self.assertFalse(within(given, text), given)
            self.assertLess(time.thread_time() - started, 2, given)

    def test_only_the_beginning_of_a_long_text_is_looked_at(self) -> None:
        for given in ["end", "/end/"]:
            self.assertTrue(within(given, "x" * (SEARCHED - 3) + "end"))
            self.assertFalse(within(given, "x" * SEARCHED + "end"))


class MatcherTests(SynchronousTestCase):
    def test_nothing_asked_matches_everything(self) -> None:
        self.assertTrue(Matcher().matches(message()))

    def test_the_sender_is_the_address_or_the_name(self) -> None:
        for given in ["SHOP.TEST", "/^orders@/", "The Shop", "/^The/"]:
            self.assertTrue(matcher(sender=given).matches(message()), given)
        self.assertFalse(matcher(sender="customer@").matches(message()))

    def test_all_that_is_asked_has_to_match(self) -> None:
        self.assertTrue(matcher(sender="shop", subject="code", body="4711").matches(message()))
        for wrong in ["sender", "subject", "body"]:
            given = {"sender": "shop", "subject": "code", "body": "4711", wrong: "nothing"}
            self.assertFalse(matcher(**given).matches(message()), wrong)

    def test_the_body_is_the_text_or_else_the_html(self) -> None:
        both = message(evolve(VIEW, body_html="<b>0815</b>"))
        self.assertFalse(matcher(body="0815").matches(both))
        only_html = message(evolve(VIEW, body_text="", body_html="<b>0815</b>"))
        self.assertTrue(matcher(body="0815").matches(only_html))

    def test_only_patterns_are_costly(self) -> None:
        self.assertFalse(matcher(sender="a", subject="b", body="c").is_costly)
        for name in ["sender", "subject", "body"]:
            self.assertTrue(matcher(**{name: "/a/"}).is_costly)

    def test_a_refusal_has_the_name_that_the_client_knows(self) -> None:
        error = self.assertRaises(InvalidInput, matcher, sender="/[/")
        self.assertTrue(error.detail.startswith("from: "), error.detail)

    def test_a_message_has_to_have_a_code_or_a_link(self) -> None:
        unsubscribe = Link("https://shop.test/u", "", "unsubscribe")
        other = Link("https://shop.test/", "", "other")
        for has, view, matches in [
            ("code", evolve(VIEW, codes=(Code("4711", 0.9, "It is 4711."),)), True),
            ("code", evolve(VIEW, links=(other,)), False),
            ("link", evolve(VIEW, links=(unsubscribe, other)), True),
            ("link", evolve(VIEW, links=(unsubscribe,)), False),
            ("link", VIEW, False),
        ]:
            self.assertIs(matcher(has=has).matches(message(view)), matches)
