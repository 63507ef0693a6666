"""Waiting for a mail, by long-polls that proxies let through."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tempmail.client.errors import BadAnswer, Error, Problem, Timeout, is_ours
from tempmail.client.exchange import SILENCE, Request, Steps, asked, later, made
from tempmail.client.models import Message, Summary

if TYPE_CHECKING:
    from tempmail.client.box import Box

__tracebackhide__ = is_ours

LONGEST_POLL = 50
"""Seconds: proxies commonly end a silent request after 60."""

_NO_CONTENT = 204
_SHOWN = 20
_REFUSALS_SHOWN = 5


@dataclass(frozen=True)
class Wanted:
    """What a mail must be like; what is None does not matter.

    :ivar sender, subject, body: a substring in any case, or ``/pattern/`` in RE2's syntax.
    :ivar has: ``code`` or ``link``.
    :ivar kind: of the link.
    """

    sender: str | None = None
    subject: str | None = None
    body: str | None = None
    has: str | None = None
    kind: str | None = None

    def fits(self, message: Message) -> bool:
        """Whether ``message`` has what is wanted: the server cannot be asked for kinds of links."""
        return not (
            (self.has == "code" and message.code is None)
            or ((self.has == "link" or self.kind) and message.link(self.kind) is None)
        )

    def query(self) -> Mapping[str, str | None]:
        """The parameters that the server knows."""
        return {
            "from": self.sender,
            "subject": self.subject,
            "body": self.body,
            "has": self.has,
        }

    def __str__(self) -> str:
        words = [
            f"{name} {value!r}"
            for name, value in (
                ("from", self.sender),
                ("with subject", self.subject),
                ("with body", self.body),
            )
            if value is not None
        ]
        if self.has is not None:
            words.append(f"with a {self.has}")
        if self.kind is not None:
            words.append(f"of kind {self.kind!r}" if self.has else f"with a link to {self.kind}")
        return " ".join(["mail", *words])


def for_link(kind: str | None, sender: str | None, subject: str | None, body: str | None) -> Wanted:
    """A mail with a link, of a kind where one is given, else any but to unsubscribe."""
    # Which the server does not take for a link either.
    return Wanted(sender, subject, body, None if kind == "unsubscribe" else "link", kind)


def code_of(message: Message) -> str:
    """:param message: one that fits who wants a code."""
    assert message.code is not None
    return message.code


def link_of(message: Message, kind: str | None) -> str:
    """:param message: one that fits who wants such a link."""
    href = message.link(kind)
    assert href is not None
    return href


def wait(box: Box, wanted: Wanted, seconds: float, after: int | None) -> Steps[Message]:
    """The oldest mail that is as ``wanted`` and was not given out before.

    :param seconds: how long to wait at most, rounded up to whole ones.
    :param after: mails with a greater sequence number count, those given out before as well.
    :raises Timeout: there was none.
    :raises Problem: the server refuses, or says "later" beyond ``seconds``.
    :raises Unreachable: nothing answers.
    """
    clock = box.clock
    end = clock() + seconds
    here = box.reached.get(wanted, 0) if after is None else after
    delay = 0.0
    first = True
    while first or clock() + delay < end:
        first = False
        poll = min(max(math.ceil(end - clock() - delay), 1), LONGEST_POLL)
        request = Request(
            "GET",
            f"{box.path}/messages/wait",
            {**wanted.query(), "timeout": poll, "after": here},
            credential=box.credential,
            seconds=poll + SILENCE,
            delay=delay,
        )
        try:
            reply = yield from asked(request, clock, 0)
        except Problem as problem:
            pause = later(problem)
            if pause is None or clock() + pause >= end:
                raise
            delay = pause
            continue
        delay = 0.0
        if reply.status == _NO_CONTENT:
            here = max(here, _sequence(reply.headers.get("tempmail-after", "")))
            message = None
        else:
            message = made(Message.read, reply.json())
            here = message.seq
        if after is None:
            box.reached[wanted] = here
        if message is None or not wanted.fits(message):
            continue
        if after is not None or message.seq not in box.given:
            box.given.add(message.seq)
            return message
    raise (yield from _missed(box, wanted, seconds))


def _sequence(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise BadAnswer("the answer lacks its Tempmail-After; does a proxy remove headers?")
    return int(text)


def _missed(box: Box, wanted: Wanted, seconds: float) -> Steps[Timeout]:
    """What to say of a wait in vain: what arrived, and what was not kept."""
    arrived: list[Summary] = []
    turned_away: list[str] = []
    with suppress(Error):  # the wait's end is what counts
        arrived, _ = yield from box.page({"limit": _SHOWN})
    with suppress(Error):
        turned_away = yield from _turned_away(box)
    return Timeout(str(wanted), box.address, seconds, arrived, turned_away)


def _turned_away(box: Box) -> Steps[list[str]]:
    request = Request("GET", f"{box.path}/deliveries", credential=box.credential)
    reply = yield from asked(request, box.clock, 0)
    refused = [
        f"{one['verdict']}: a mail from {str(one['mail_from'])[:200]!r}"
        for one in made(lambda document: list(document["deliveries"]), reply.json())
        if isinstance(one, dict) and one.get("verdict") != "stored" and "mail_from" in one
    ]
    return refused[:_REFUSALS_SHOWN]
