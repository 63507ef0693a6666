"""Waiting for a mail, in a time that passes only where it should."""

from __future__ import annotations

import pytest

from tempmail.client.errors import (
    BadAnswer,
    Interrupted,
    LimitReached,
    NotFound,
    Timeout,
    Unavailable,
)
from tempmail.client.exchange import Reply
from tempmail.client.waiting import Wanted, code_of, for_link, link_of, wait
from tests.client.script import Script, answer, mail, nothing

ANY = Wanted()
CODE = [{"value": "471123", "confidence": 0.9, "context": "x"}]
EMPTY = answer({"messages": [], "next": None})
NO_DELIVERIES = answer({"deliveries": []})


def timed_out(script: Script, wanted: Wanted = ANY, seconds: float = 5) -> Timeout:
    with pytest.raises(Timeout) as caught:
        script.run(wait(script.box, wanted, seconds, None))
    return caught.value


def test_what_is_wanted_is_said_in_the_servers_words() -> None:
    script = Script(mail(3))
    wanted = Wanted(sender="shop", subject="/code/i", body="hi", has="code")
    script.then(mail(4, codes=CODE))
    assert script.run(wait(script.box, wanted, 20, 2)).seq == 4
    request = script.sent[0]
    assert request.path == "/api/v1/mailboxes/box@server.test/messages/wait"
    assert {name: value for name, value in request.query.items() if value is not None} == {
        "from": "shop",
        "subject": "/code/i",
        "body": "hi",
        "has": "code",
        "timeout": 20,
        "after": 2,
    }
    assert request.credential == "token"


def test_a_long_wait_is_cut_into_polls_that_go_on_from_each_other() -> None:
    script = Script(nothing(3), nothing(7), mail(8))
    assert script.run(wait(script.box, ANY, 120, None)).seq == 8
    assert [request.query["timeout"] for request in script.sent] == [50, 50, 20]
    assert [request.query["after"] for request in script.sent] == [0, 3, 7]
    assert all(request.seconds > request.query["timeout"] for request in script.sent)


def test_time_is_up_when_it_is_up() -> None:
    script = Script(nothing(), nothing(), EMPTY, NO_DELIVERIES)
    timed_out(script, seconds=70)
    assert script.now == 170


def test_without_time_what_is_there_is_still_looked_at() -> None:
    script = Script(mail(1), nothing(1), EMPTY, NO_DELIVERIES)
    assert script.run(wait(script.box, ANY, 0, None)).seq == 1
    timed_out(script, seconds=0)


def test_each_mail_is_given_out_once() -> None:
    script = Script(mail(1), mail(2))
    assert script.run(wait(script.box, ANY, 5, None)).seq == 1
    assert script.run(wait(script.box, ANY, 5, None)).seq == 2
    assert script.sent[1].query["after"] == 1


def test_a_mail_that_was_given_out_is_not_given_to_other_words() -> None:
    script = Script(mail(1, subject="hello"), mail(1, codes=CODE), mail(2, codes=CODE))
    script.run(wait(script.box, Wanted(subject="hello"), 5, None))
    assert script.run(wait(script.box, Wanted(has="code"), 5, None)).seq == 2
    assert [request.query["after"] for request in script.sent] == [0, 0, 1]


def test_a_mail_that_came_before_another_can_be_asked_for_after_it() -> None:
    script = Script(mail(2, subject="welcome"), mail(1, codes=CODE))
    script.run(wait(script.box, Wanted(subject="welcome"), 5, None))
    assert script.run(wait(script.box, Wanted(has="code"), 5, None)).seq == 1


def test_after_gives_again_what_was_given_out() -> None:
    script = Script(mail(1), mail(1), mail(2))
    script.run(wait(script.box, ANY, 5, None))
    assert script.run(wait(script.box, ANY, 5, 0)).seq == 1
    assert script.run(wait(script.box, ANY, 5, None)).seq == 2, "its own place is kept"
    assert script.sent[2].query["after"] == 1


def test_what_was_given_out_with_after_is_given_out() -> None:
    script = Script(mail(1), mail(1), mail(2))
    script.run(wait(script.box, ANY, 5, 0))
    assert script.run(wait(script.box, ANY, 5, None)).seq == 2


def test_the_likeliest_code_and_link_are_given() -> None:
    links = [
        {"href": "https://x.test/out", "kind": "unsubscribe"},
        {"href": "https://x.test/in", "kind": "sign_in"},
        {"href": "https://x.test/ok", "kind": "confirm"},
    ]
    script = Script(mail(1, codes=[*CODE, {"value": "2"}], links=links))
    message = script.run(wait(script.box, ANY, 5, None))
    assert code_of(message) == "471123"
    assert link_of(message, None) == "https://x.test/in"
    assert link_of(message, "confirm") == "https://x.test/ok"
    assert link_of(message, "unsubscribe") == "https://x.test/out"


def test_a_link_of_another_kind_is_waited_past() -> None:
    sign_in = [{"href": "https://x.test/in", "kind": "sign_in"}]
    confirm = [{"href": "https://x.test/ok", "kind": "confirm"}]
    script = Script(mail(1, links=sign_in), mail(2, links=confirm), mail(1, links=sign_in))
    assert script.run(wait(script.box, for_link("confirm", None, None, None), 5, None)).seq == 2
    seq = script.run(wait(script.box, for_link(None, None, None, None), 5, None)).seq
    assert seq == 1, "nobody was given it"


def test_the_server_is_not_asked_for_a_link_where_one_to_unsubscribe_is_wanted() -> None:
    assert for_link("unsubscribe", None, None, None).query()["has"] is None
    assert for_link("confirm", None, None, None).query()["has"] == "link"


def test_a_server_that_says_later_is_asked_later_within_the_time() -> None:
    refusal = {"code": "limit_reached", "detail": "too many"}
    script = Script(answer(refusal, 429, retry_after="3"), mail(1))
    assert script.run(wait(script.box, ANY, 5, None)).seq == 1
    assert script.sent[1].delay == 3
    script.then(answer(refusal, 429, retry_after="6"))
    with pytest.raises(LimitReached):
        script.run(wait(script.box, ANY, 5, None))


def test_the_time_that_passed_before_is_not_waited_again() -> None:
    script = Script(answer({"code": "x", "detail": "y"}, 503, retry_after="3"), nothing())
    script.then(EMPTY, NO_DELIVERIES)
    timed_out(script, seconds=4)
    assert script.now == 104


def test_a_connection_that_breaks_is_made_again() -> None:
    script = Script(Interrupted("reset"), mail(1))
    assert script.run(wait(script.box, ANY, 5, None)).seq == 1


def test_a_mailbox_that_has_ended_is_said_at_once() -> None:
    script = Script(answer({"code": "not_found", "detail": "the mailbox has ended"}, 404))
    with pytest.raises(NotFound):
        script.run(wait(script.box, ANY, 5, None))


def test_a_proxy_that_removes_headers_is_noticed() -> None:
    script = Script(Reply(204))
    with pytest.raises(BadAnswer, match="Tempmail-After"):
        script.run(wait(script.box, ANY, 5, None))


def test_a_timeout_says_what_came_instead() -> None:
    arrived = {"id": "i", "seq": 2, "subject": "Welcome", "from_address": "shop@x.test"}
    coded = {**arrived, "seq": 1, "codes": CODE}
    full = {"verdict": "full", "mail_from": "late@x.test", "reason": "", "size": 5}
    script = Script(nothing(2), answer({"messages": [arrived, coded], "next": None}))
    script.then(answer({"deliveries": [full, {**full, "verdict": "stored"}]}))
    error = timed_out(script, Wanted(subject="Bye", has="link", kind="confirm"))
    assert str(error).splitlines() == [
        "no mail with subject 'Bye' with a link of kind 'confirm' for box@server.test within 5 s",
        "in the mailbox (those that were given out before are not given again):",
        "  #2 'Welcome' from 'shop@x.test'",
        "  #1 'Welcome' from 'shop@x.test' (code 471123)",
        "not kept:",
        "  full: a mail from 'late@x.test'",
    ]
    assert [summary.seq for summary in error.arrived] == [2, 1]
    assert isinstance(error, TimeoutError)


def test_a_timeout_is_one_even_where_nobody_can_say_what_came() -> None:
    gone = answer({"code": "x", "detail": "y"}, 500)
    error = timed_out(Script(nothing(), gone, gone))
    assert "no mail for box@server.test within 5 s" in str(error)


def test_a_subject_cannot_write_lines_into_the_report() -> None:
    arrived = {"id": "i", "seq": 2, "subject": "a\nb\x1b[31m", "from_address": "shop@x.test"}
    script = Script(nothing(2), answer({"messages": [arrived], "next": None}), NO_DELIVERIES)
    assert r"  #2 'a\nb\x1b[31m' from 'shop@x.test'" in str(timed_out(script))


def test_a_server_that_says_at_once_is_not_asked_without_end() -> None:
    refusal = answer({"code": "x", "detail": "y"}, 503, retry_after="0")
    script = Script(*[refusal] * 40)
    with pytest.raises((Unavailable, Timeout)):
        script.run(wait(script.box, ANY, 2, None))
    assert 2 <= len(script.sent) <= 25
