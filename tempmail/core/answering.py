"""How much mail an answer of several messages may hold."""

from __future__ import annotations

from attrs import evolve

from tempmail.core.metrics import Metrics
from tempmail.model.message import Message, View

MOST_BYTES = 4 * 1024 * 1024
"""Of texts, HTML and headers in such an answer, as JSON has them, but for those of the first
message: encoding them holds up everybody, whichever thread does it."""

LEFT_OUT = "text, HTML and headers left out of an answer of several messages; read it by its id"
"""The defect that says so."""

_ESCAPED = '"\\\t\n\r'
"""What JSON writes as a backslash and a character (RFC 8259 section 7).  Views hold none of the
controls that take six."""


class Answering:
    """Makes the messages of one answer fit, in their order.

    :param metrics: counts what was left out.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._left_out = metrics.answers_cut
        self._room: int | None = None

    def fit(self, message: Message) -> Message:
        """``message``, which has its view; without what is long in it where it is too much."""
        view = message.view
        assert view is not None
        if self._room is None:  # the first is whole, as it would be alone
            self._room = MOST_BYTES
            return message
        size = _bytes(view)
        if size > self._room:
            self._left_out.inc()
            return evolve(message, view=_shortened(view))
        self._room -= size
        return message


def _bytes(view: View) -> int:
    """What is long in a view, in JSON; of headers, which may stand there twice, no less."""
    headers = sum(len(name) + len(value.encode()) for name, value in view.headers)
    return _in_json(view.body_text) + _in_json(view.body_html) + 4 * headers


def _in_json(text: str) -> int:
    return len(text.encode()) + sum(map(text.count, _ESCAPED))


def _shortened(view: View) -> View:
    return evolve(view, body_text="", body_html="", headers=(), defects=(*view.defects, LEFT_OUT))
