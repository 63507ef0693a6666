"""Where Amazon SNS posts what SES has received."""

from __future__ import annotations

import enum
from typing import Annotated, Protocol

import msgspec
from twisted.internet.defer import Deferred

from tempmail.http.answers import Answer, json
from tempmail.http.described import described
from tempmail.http.problems import Problem, Refused
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Returns, Route
from tempmail.model.errors import Forbidden, InvalidInput

PATH = "/api/v1/ses/inbound"
MOST_BYTES = 1024 * 1024
"""Of a call: SNS sends 256 KB at most, which JSON within JSON can double twice."""


class Calls(Protocol):
    """What is behind the route, see :class:`tempmail.ses.inbound.Inbound`."""

    async def take(self, body: bytes, peer_ip: str) -> enum.StrEnum: ...


class Taken(msgspec.Struct):
    """What became of a call; SNS looks at the status alone."""

    outcome: Annotated[str, described("What became of it, in a word", "stored")]


class SnsRoutes:
    """:param calls: deals with them."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [
            Route(
                "POST",
                PATH,
                self.take,
                "Take a mail that Amazon SES received (for Amazon SNS alone)",
                Access.ANYBODY,
                returns={200: Returns(description="It was dealt with", shape=Taken)},
                refuses=(Forbidden,),
                name="take_sns_call",
            )
        ]

    async def take(self, ask: Ask[Nothing]) -> Answer:
        """The body counts whatever its media type says, which SNS gives as plain text.

        :raises Refused: it makes no sense; SNS does not send it again.
        """
        content = ask.request.content
        body = content.read() if content is not None else b""
        host = getattr(ask.request.getClientAddress(), "host", "local")
        # Whoever leaves meanwhile would cancel it; who commits cannot be stopped halfway.
        outcome: Deferred[enum.StrEnum] = Deferred()
        Deferred.fromCoroutine(self._calls.take(body, host)).chainDeferred(outcome)
        try:
            return json(Taken(await outcome))
        except InvalidInput as error:
            raise Refused(Problem(400, "malformed_notification", error.detail)) from error
