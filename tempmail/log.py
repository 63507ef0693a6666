"""The log as JSON, a line an event: ``twistd -n --logger=tempmail.log.json_observer tempmail``."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TextIO

import msgspec
from twisted.logger import FileLogObserver, ILogObserver, LogEvent, formatEvent
from twisted.python.failure import Failure

_LONGEST_MESSAGE = 2000
_LONGEST_FIELD = 500
_MOST_FRAMES = 20
_NAMES = ("time", "level", "namespace", "message", "error", "trace")
_TWISTEDS_OWN = frozenset("format failure isError logLevel system".split())
"""Keys of events in the way of ``twisted.python.log``, which say nothing of our own."""


def json_observer() -> ILogObserver:
    """What twistd's ``--logger`` asks for: an observer that writes to standard output."""
    return observer_to(sys.stdout)


def observer_to(file: TextIO) -> ILogObserver:
    """An observer that writes each event as one line to ``file``, in UTF-8 whatever its locale."""
    return FileLogObserver(file, line)


def line(event: LogEvent) -> str:
    """``event`` as a JSON object and a newline.

    ``time`` (RFC 3339, UTC), ``level``, ``namespace`` and ``message`` come first, then the event's
    own fields as far as they are plain values.  Of an exception its class (``error``) and the
    places it came through (``trace``) are shown and never its words: the database and the parsers
    put what they choke on into them, which may be mail.
    """
    shown = dict(event)
    failure = shown.get("log_failure", shown.get("failure"))
    told: dict[str, object] = {}
    if isinstance(failure, Failure):
        told = {"error": failure.type.__qualname__ if failure.type else "", "trace": _way(failure)}
        shown["log_failure"] = told["error"]
        # The old way of logging puts the whole traceback into the text.
        if "log_text" in shown:
            shown["log_text"] = shown.get("why") or "an error that nobody handled"
    level = shown.get("log_level")
    record: dict[str, object] = {
        "time": _moment(shown.get("log_time")),
        "level": getattr(level, "name", "info"),
        "namespace": str(shown.get("log_namespace", "")),
        "message": formatEvent(shown)[:_LONGEST_MESSAGE],
        **told,
    }
    for name, value in event.items():
        if name.startswith("log_") or name in _TWISTEDS_OWN or name in _NAMES:
            continue
        if isinstance(value, str):
            record[name] = value[:_LONGEST_FIELD]
        elif isinstance(value, bool | int | float):
            record[name] = value
    # Surrogates, of names that were no UTF-8, have no place in JSON.
    safe = {name: _encodable(value) for name, value in record.items()}
    return msgspec.json.encode(safe).decode() + "\n"


def _moment(seconds: object) -> str | None:
    if not isinstance(seconds, int | float):
        return None
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _way(failure: Failure) -> list[str]:
    """``file:line function`` of the innermost frames, outermost first."""
    frames = [*failure.stack, *failure.frames][-_MOST_FRAMES:]
    return [f"{file}:{number} {function}" for function, file, number, *_ in frames]


def _encodable(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    # JSON has no words for what is no number, and only so many digits are read back right.
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    return value
