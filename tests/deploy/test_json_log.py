"""The log as JSON: one line an event, whatever the event holds."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from twisted.logger import ILogObserver, Logger, LogLevel, globalLogPublisher
from twisted.python import log as legacy
from twisted.python.failure import Failure
from zope.interface import implementer

from tempmail.log import line, observer_to

MAIL = "Dear Ann, your code is 815-4711"


@implementer(ILogObserver)
class Kept:
    """An observer that keeps what it sees."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def __call__(self, event: dict[str, Any]) -> None:
        self.events.append(dict(event))


def written(event: dict[str, Any]) -> dict[str, Any]:
    text = line(event)
    assert text.endswith("\n")
    assert text.count("\n") == 1
    shown: dict[str, Any] = json.loads(text)
    return shown


def event(format_: str, **fields: Any) -> dict[str, Any]:
    """An event as :class:`Logger` makes it."""
    kept = Kept()
    Logger("tempmail.test", observer=kept).emit(LogLevel.warn, format_, **fields)
    (made,) = kept.events
    return {**made, "log_time": 1_000_000_000.1234}


def failure() -> Failure:
    try:
        raise ValueError(MAIL)
    except ValueError:
        return Failure()


def test_an_event_shows_its_time_level_namespace_message_and_fields() -> None:
    assert written(event("refused {peer_ip}: {reason}", peer_ip="192.0.2.7", reason="full")) == {
        "time": "2001-09-09T01:46:40.123Z",
        "level": "warn",
        "namespace": "tempmail.test",
        "message": "refused 192.0.2.7: full",
        "peer_ip": "192.0.2.7",
        "reason": "full",
    }


def test_line_ends_and_control_characters_stay_within_the_line() -> None:
    assert written(event("{text}", text="a\r\nb\0c\u2028"))["message"] == "a\r\nb\0c\u2028"


def test_what_is_no_plain_value_is_not_shown_as_a_field() -> None:
    shown = written(event("hello", mail=MAIL.encode(), failure=failure(), things=[MAIL], count=3))
    assert MAIL not in json.dumps(shown)
    assert shown["count"] == 3


def test_an_exception_shows_its_class_and_way_but_not_its_words() -> None:
    shown = written(event("delivery failed", log_failure=failure()))
    assert (shown["message"], shown["error"]) == ("delivery failed", "ValueError")
    assert shown["trace"][-1].endswith(" failure")
    assert __file__ in shown["trace"][-1]
    assert MAIL not in json.dumps(shown)


def test_a_format_that_asks_for_the_failure_gets_its_class() -> None:
    shown = written(event("failed: {log_failure}", log_failure=failure()))
    assert shown["message"] == "failed: ValueError"


def test_an_error_logged_in_the_old_way_does_not_show_its_words_either() -> None:
    kept = Kept()
    globalLogPublisher.addObserver(kept)
    try:
        legacy.err(failure(), "while reading")
    finally:
        globalLogPublisher.removeObserver(kept)
    (seen,) = [one for one in kept.events if one.get("isError")]
    shown = written(seen)
    assert MAIL not in json.dumps(shown)
    assert (shown["message"], shown["level"]) == ("while reading", "critical")


@pytest.mark.parametrize("value", ["\udcff", 2**70, float("nan"), "x" * 100_000, True])
def test_no_field_makes_a_line_that_cannot_be_read(value: Any) -> None:
    assert len(line(event("{value}", value=value))) < 3000
    written(event("{value}", value=value))


def test_an_event_that_cannot_be_formatted_still_makes_a_line() -> None:
    assert "missing" in written(event("{missing}"))["message"]


def test_the_observer_writes_and_flushes_each_line() -> None:
    file = io.StringIO()
    observer_to(file)(event("one"))
    observer_to(file)(event("two"))
    assert [json.loads(one)["message"] for one in file.getvalue().splitlines()] == ["one", "two"]
