"""Waiting for messages over HTTP: the long poll."""

from __future__ import annotations

import msgspec
from attrs import evolve
from twisted.web.http import NO_CONTENT

from tempmail.core.documents import Documents
from tempmail.core.long_polls import LongPolls, Wanted
from tempmail.core.matching import matcher
from tempmail.http.answers import Answer, json
from tempmail.http.asked import WaitForMessages
from tempmail.http.representations import (
    Codes,
    Message,
    Messages,
    codes_of,
    message_of,
)
from tempmail.http.routes import Access, Ask, Returns, Route
from tempmail.model import message as kept
from tempmail.model.account import Scope
from tempmail.model.errors import Forbidden, LimitReached

_SHORTEST = 1.0  # second, in which what is there is looked at
_AFTER = {"Tempmail-After": "The sequence number to go on from"}
_FOR_CODES = frozenset(("sender", "has", "after", "timeout"))
"""What a key that may see codes alone may ask: the rest would tell it of subjects and texts."""


class WaitRoutes:
    """:param polls: those who wait.
    :param documents: give each message the address of its own.
    """

    def __init__(self, polls: LongPolls, documents: Documents) -> None:
        self._polls = polls
        self._documents = documents
        self._encoded: tuple[kept.Message | None, bytes] = (None, b"")

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [
            Route(
                "GET",
                "/api/v1/mailboxes/<address>/messages/wait",
                self.wait,
                "Wait for a message that matches",
                Access.CODES,
                query=WaitForMessages,
                returns={
                    200: Returns(
                        description="The message, or a list of them where `count` was given; to a"
                        " key of scope `codes` only what it may see",
                        shape=Message,
                        or_else=(Messages, Codes),
                        headers=_AFTER,
                    ),
                    204: Returns(description="Time is up", headers=_AFTER),
                },
                refuses=(Forbidden, LimitReached),
                name="wait_for_message",
            )
        ]

    async def wait(self, ask: Ask[WaitForMessages], address: str) -> Answer:
        asked = ask.given
        codes_alone = not ask.caller.scope.includes(Scope.READ)
        if codes_alone:
            _check_codes_alone(asked)
        wanted = Wanted(
            matcher(sender=asked.sender, subject=asked.subject, body=asked.body, has=asked.has),
            asked.count or 1,
            asked.after,
            max(_SHORTEST, asked.timeout) if ask.marks else 0,
        )
        caught = await self._polls.wait(address, ask.owner, wanted, ask.network)
        headers = {"Tempmail-After": str(caught.after)}
        if not caught.messages:
            return Answer(NO_CONTENT, headers=headers)
        if codes_alone:
            (message,) = caught.messages
            return evolve(json(codes_of(message)), headers=headers)
        bodies = [await self._json(one) for one in caught.messages]
        if asked.count is None:
            (body,) = bodies
        else:
            body = b'{"messages":[' + b",".join(bodies) + b"]}"
        return Answer(200, body, "application/json", headers)

    async def _json(self, message: kept.Message) -> bytes:
        """Encoded once for all who waited for the same message: they are answered in a row, and
        then share the memory of what may be megabytes."""
        if self._encoded[0] is not message:
            url = await self._documents.url(message.summary)
            if self._encoded[0] is not message:  # by another, while the keys were looked up
                self._encoded = (message, msgspec.json.encode(message_of(message, url)))
        return self._encoded[1]


def _check_codes_alone(asked: WaitForMessages) -> None:
    """:raises Forbidden: it asks for what only readers may know."""
    for field in msgspec.structs.fields(asked):
        if field.name not in _FOR_CODES and getattr(asked, field.name) != field.default:
            raise Forbidden(
                f"{field.encode_name}: a key of scope codes may give from, has, after and timeout"
            )
