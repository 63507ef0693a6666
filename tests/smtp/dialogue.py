"""Dialogue files: what a client sends, what it hears, and which mail is kept of it.

# a comment: the rule, and where it stands
% max_recipients=2          a setting of the edge; "tls" offers STARTTLS, "budget" is its octets
C: EHLO client.example.org  is sent, with CR LF
C| BDAT 2\\r\\n\\0x          is sent as it stands, with Python's escapes
C| {x*2049}\\r\\n            ... and with repetitions
S: 250                      the code of the next reply, with its enhanced code where it has one
S: 550 5.7.1 *9             nine of them
S: 250-PIPELINING           a reply line by line
* handshake                 the server has begun TLS; what follows is sent in it
* closed                    the server has hung up
E: a@example.org box+tag@example.com    the envelope of each mail that is kept ...
K| hi\\r\\n                   ... and its content; there are no others
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.task import Clock

from tempmail.model.message import Envelope
from tests.smtp.edge import Edge, codes

FOLDER = Path(__file__).resolve().parents[1] / "dialogues"
CERTIFICATE: Any = object()
"""Stands for a context: these sessions are in memory, and so is their TLS."""

_REPLY_LINE = re.compile(rb"([245]\d\d)([ -])(?:(\d)\.\d+\.\d+ )?|(354) ")
_REPEATED = re.compile(r"\{(.*?)\*(\d+)\}")

Cut = Callable[[bytes], list[bytes]]
"""How what is sent at once arrives."""


@define
class Flight:
    """What is sent before the server has to do something else, in turns with what is heard."""

    turns: list[tuple[bytes, list[str]]] = field(factory=list)

    @property
    def sent(self) -> bytes:
        return b"".join(sent for sent, _ in self.turns)


@define
class Dialogue:
    """A file.

    :ivar flights: one more than there are handshakes.
    """

    name: str
    settings: dict[str, Any] = field(factory=dict)
    flights: list[Flight] = field(factory=lambda: [Flight()])
    envelopes: list[str] = field(factory=list)
    contents: list[bytes] = field(factory=list)
    closed: bool = False


def dialogues() -> list[Dialogue]:
    return [read(path) for path in sorted(FOLDER.rglob("*.txt"))]


def read(path: Path) -> Dialogue:
    dialogue = Dialogue(str(path.relative_to(FOLDER).with_suffix("")))
    for line in path.read_text("utf-8").splitlines():
        mark, text = line[:2], line[3:]
        turns = dialogue.flights[-1].turns
        if mark in ("C:", "C|"):
            octets = text.encode() + b"\r\n" if mark == "C:" else unescaped(text)
            if not turns or turns[-1][1]:
                turns.append((octets, []))
            else:
                turns[-1] = (turns[-1][0] + octets, [])
        elif mark == "S:":
            if not turns:
                turns.append((b"", []))
            reply, _, count = text.partition(" *")
            turns[-1][1].extend([reply] * int(count or 1))
        elif mark == "E:":
            dialogue.envelopes.append(text)
        elif mark == "K|":
            dialogue.contents.append(unescaped(text))
        elif line == "* handshake":
            dialogue.flights.append(Flight())
        elif line == "* closed":
            dialogue.closed = True
        elif mark == "% ":
            name, _, value = line[2:].partition("=")
            dialogue.settings[name] = value in ("", "True") or int(value)
        else:
            assert line.startswith("#"), f"{path}: {line}"
    return dialogue


def unescaped(text: str) -> bytes:
    repeated = _REPEATED.sub(lambda match: match[1] * int(match[2]), text)
    return repeated.encode("latin-1").decode("unicode_escape").encode("latin-1")


class Play:
    """A dialogue on an edge of its own."""

    def __init__(self, dialogue: Dialogue) -> None:
        settings = dict(dialogue.settings)
        tls = CERTIFICATE if settings.pop("tls", False) else None
        self.dialogue = dialogue
        self.clock = Clock()
        self.edge = Edge(tls_context=tls, clock=self.clock, **settings)
        self.session = self.edge.connect()
        self.heard = self.session.greeting

    def turn_by_turn(self) -> None:
        """As a client does that waits for each reply."""
        for number, flight in enumerate(self.dialogue.flights):
            for sent, expected in flight.turns:
                self._send([sent] if sent else [])
                if expected:
                    assert list(_replies(self.heard, expected)) == expected, sent[:200]
                    self.heard = b""
            self._handshake(number)
        assert not self.heard
        self._judge()

    def cut(self, cut: Cut) -> None:
        """As a client does that waits for nothing but handshakes."""
        for number, flight in enumerate(self.dialogue.flights):
            self._send(cut(flight.sent))
            expected = [reply for _, replies in flight.turns for reply in replies]
            assert list(_replies(self.heard, expected)) == expected
            self.heard = b""
            self._handshake(number)
        self._judge()

    def _send(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            if self.session.closed or self.session.wire.in_handshake:
                break  # what is still in clear goes to TLS, which has no use for it
            self.heard += self.session.send(piece)
            self.clock.advance(0)
            self.heard += self.session.said()

    def _handshake(self, number: int) -> None:
        last = number == len(self.dialogue.flights) - 1
        assert self.session.wire.in_handshake is not last
        self.session.wire.in_handshake = False

    def _judge(self) -> None:
        assert self.session.closed is self.dialogue.closed
        assert self.edge.door.contents == self.dialogue.contents
        if self.dialogue.envelopes:
            assert list(map(_shown, self.edge.door.envelopes)) == self.dialogue.envelopes
        self.session.leave()
        assert self.edge.budget.held == 0


def _replies(heard: bytes, expected: list[str]) -> Iterator[str]:
    """Codes of replies; where lines of one are expected, those lines as well."""
    for octets in heard.splitlines(keepends=True):
        match = _REPLY_LINE.match(octets)
        assert match is not None, octets
        assert octets.endswith(b"\r\n"), octets
        assert not match[3] or match[3] == match[1][:1], f"RFC 3463 section 2: {octets!r}"
    if not any(map(_is_whole, expected)):
        yield from codes(heard)
        return
    wanted = iter(expected)
    for line in heard.decode().split("\r\n")[:-1]:
        whole = _is_whole(next(wanted, ""))
        yield line if whole else codes(f"{line}\r\n".encode())[0]


def _is_whole(reply: str) -> bool:
    return len(reply) > len("550 5.6.11")


def _shown(envelope: Envelope) -> str:
    recipients = []
    for each in envelope.recipients:
        local, _, domain = each.address.rpartition("@")
        local += f"+{each.tag}" if each.tag else ""
        recipients.append(f'"{local}"@{domain}' if " " in local else f"{local}@{domain}")
    return " ".join([envelope.mail_from or "<>", *recipients])
