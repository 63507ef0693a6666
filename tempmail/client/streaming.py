"""A mailbox's events as the server sends them (WHATWG HTML, section 9.2), without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tempmail.client.errors import BadAnswer, Error, Interrupted, NotFound, Problem, Unreachable
from tempmail.client.exchange import Request, made
from tempmail.client.models import Event

if TYPE_CHECKING:
    from tempmail.client.box import Box

SILENCE = 60.0
"""Seconds; the server shows every 20 that it is there."""

LONGEST = 64 * 1024
"""Bytes of an event; a notice has some hundred."""

_ATTEMPTS = 5
_PAUSE = 2.0
_LONGEST_PAUSE = 60.0


class Following:
    """One who follows a mailbox, over as many connections as that takes.

    :ivar ended: the mailbox is gone, nothing more will come.
    :ivar pause: seconds to let pass before the next connection.
    """

    def __init__(self, box: Box, after: int) -> None:
        self.ended = False
        self.pause = 0.0
        self._box = box
        self._after = after
        self._failures = 0
        self._connected = False
        self._retry = _PAUSE
        self._decoder = _Decoder()

    def request(self) -> Request:
        """The next connection, from where the last one got to."""
        self._decoder = _Decoder()
        return Request(
            "GET",
            f"{self._box.path}/events",
            {"after": self._after},
            credential=self._box.credential,
            accept="text/event-stream",
            seconds=SILENCE,
        )

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that ``data`` completes."""
        self._connected, self._failures = True, 0
        for kind, text, last_id in self._decoder.feed(data):
            if last_id.isascii() and last_id.isdigit():
                self._after = int(last_id)
            if kind in ("", "ping"):
                continue
            event = made(lambda text: Event.read(json.loads(text)), text)  # type: ignore[arg-type]
            self.ended = self.ended or event.kind == "expired"
            yield event
        if self._decoder.retry is not None:
            self._retry = self._decoder.retry / 1000

    def lost(self, error: Error | None = None) -> None:
        """The connection ended.

        :param error: why, where it was not the server's wish.
        :raises Error: there is no use in coming again: ``error``.
        """
        if isinstance(error, NotFound) and self._connected:
            self.ended = True  # while nobody was connected
            return
        error = error or Interrupted("the stream of events ends before it begins")
        self._failures += 1
        asked_for = error.retry_after if isinstance(error, Problem) else None
        self.pause = self._retry if asked_for is None else asked_for
        if not _passes(error) or self._failures >= _ATTEMPTS or self.pause > _LONGEST_PAUSE:
            raise error


def _passes(error: Error) -> bool:
    return isinstance(error, Unreachable) or (
        isinstance(error, Problem) and error.status in (429, 503)
    )


class _Decoder:
    """Cuts a stream into (event, data, last id); without an event's name it is "".

    :ivar retry: milliseconds that the server wants to pass between connections.
    """

    def __init__(self) -> None:
        self.retry: int | None = None
        self._rest = b""
        self._event = ""
        self._data: list[str] = []
        self._held = 0
        self._last_id = ""

    def feed(self, data: bytes) -> Iterator[tuple[str, str, str]]:
        *lines, self._rest = (self._rest + data).replace(b"\r\n", b"\n").split(b"\n")
        if len(self._rest) > LONGEST:
            raise BadAnswer("an event of too many bytes")
        for line in lines:
            if line:
                self._field(*line.decode("utf-8", "replace").partition(":")[::2])
                continue
            yield self._event, "\n".join(self._data), self._last_id
            self._event, self._data, self._held = "", [], 0

    def _field(self, name: str, value: str) -> None:
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._event = value
            case "data":
                self._data.append(value)
                self._held += len(value) + 1
                if self._held > LONGEST:
                    raise BadAnswer("an event of too many bytes")
            case "id":
                self._last_id = value
            case "retry" if value.isascii() and value.isdigit() and len(value) < 7:
                self.retry = int(value)
