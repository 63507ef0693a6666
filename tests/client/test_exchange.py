"""What becomes of replies, without a network."""

from __future__ import annotations

import pytest

from tempmail.client.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    Interrupted,
    InvalidRequest,
    LimitReached,
    NotFound,
    Problem,
    Unauthenticated,
    Unavailable,
    Unreachable,
)
from tempmail.client.exchange import Reply, problem_of
from tests.client.script import Script, answer

LATER = {"code": "limit_reached", "detail": "too many"}
MAILBOX = {
    "address": "box@server.test",
    "created_at": "2026-01-01T00:00:00Z",
    "expires_at": "2026-01-01T01:00:00.25Z",
}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequest),
        (401, Unauthenticated),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (422, InvalidRequest),
        (429, LimitReached),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
def test_each_kind_of_problem_has_its_class(status: int, kind: type[Problem]) -> None:
    problem = problem_of(answer({"code": "word", "detail": "do this"}, status, retry_after="7"))
    assert type(problem) is kind
    assert (problem.status, problem.code, problem.detail) == (status, "word", "do this")
    assert problem.retry_after == 7
    assert str(problem) == f"{status} word: do this (again in 7 s)"


@pytest.mark.parametrize(
    "body", [b"<html>Bad gateway</html>", b"[]", b'{"code": 1}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_problem_document_points_to_the_url(body: bytes) -> None:
    problem = problem_of(Reply(502, {}, body))
    assert isinstance(problem, Unavailable)
    assert problem.code == ""
    assert "not the answer of a tempmail server" in problem.detail


def test_a_retry_after_that_is_no_number_of_seconds_is_not_taken() -> None:
    for given in ("Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1.5", "9" * 400, "\u0663"):
        assert problem_of(Reply(503, {"retry-after": given})).retry_after is None


def test_a_request_that_is_put_off_is_sent_again_after_so_many_seconds() -> None:
    script = Script(answer(LATER, 429, retry_after="4"), answer(LATER, 503), answer(MAILBOX))
    script.run(script.box.info())
    assert [request.delay for request in script.sent] == [0, 4, 1]


def test_a_request_that_is_put_off_beyond_patience_is_refused_at_once() -> None:
    script = Script(answer(LATER, 429, retry_after="11"))
    with pytest.raises(LimitReached) as caught:
        script.run(script.box.info())
    assert caught.value.retry_after == 11
    assert script.now == 100


def test_patience_ends() -> None:
    script = Script(*[answer(LATER, 503, retry_after="4")] * 3)
    with pytest.raises(Unavailable):
        script.run(script.box.info())
    assert script.now == 108


def test_another_refusal_is_not_asked_again() -> None:
    script = Script(answer({"code": "internal", "detail": "noted"}, 500))
    with pytest.raises(Unavailable, match="500 internal: noted"):
        script.run(script.box.info())


def test_reading_survives_one_broken_connection() -> None:
    script = Script(Interrupted("reset"), answer(MAILBOX))
    assert script.run(script.box.info()).address == "box@server.test"
    script.then(Interrupted("reset"), Interrupted("reset"))
    with pytest.raises(Interrupted):
        script.run(script.box.info())


def test_what_may_have_been_done_is_not_done_again() -> None:
    script = Script(Interrupted("reset"))
    with pytest.raises(Interrupted):
        script.run(script.server.create({}))


def test_a_server_that_is_not_there_is_not_asked_again() -> None:
    script = Script(Unreachable("refused"))
    with pytest.raises(Unreachable):
        script.run(script.box.info())


@pytest.mark.parametrize(
    "document",
    [{}, [], {**MAILBOX, "expires_at": 5}, {**MAILBOX, "created_at": "soon"}, "text"],
)
def test_an_answer_of_another_shape_is_a_bad_answer(document: object) -> None:
    script = Script(answer(document))
    with pytest.raises(BadAnswer):
        script.run(script.box.info())


def test_only_what_was_wished_for_is_sent() -> None:
    script = Script(answer({**MAILBOX, "session_token": "t0"}, 201))
    box = script.run(script.server.create({"username": "ann", "domain": None, "client_id": None}))
    assert script.sent[0].body == {"username": "ann"}
    assert script.sent[0].credential is None
    assert (box.address, box.token, box.credential) == ("box@server.test", "t0", "t0")


def test_an_api_key_makes_opens_and_lists_mailboxes() -> None:
    script = Script(
        answer(MAILBOX, 201),
        answer({"mailboxes": [MAILBOX], "next": "c1"}),
        answer({"mailboxes": [], "next": None}),
    )
    script.server.api_key = "uct_key"
    assert script.run(script.server.create({})).credential == "uct_key"
    boxes, cursor = script.run(script.server.mailboxes(None))
    assert [box.address for box in boxes] == ["box@server.test"]
    assert script.run(script.server.mailboxes(cursor)) == ([], None)
    assert {request.credential for request in script.sent} == {"uct_key"}
    assert script.sent[2].query["cursor"] == "c1"


def test_what_stands_in_a_path_is_escaped() -> None:
    script = Script(answer({}, 204))
    script.run(script.box.delete_message("../a?b#c"))
    assert script.sent[0].path == ("/api/v1/mailboxes/box@server.test/messages/..%2Fa%3Fb%23c")
