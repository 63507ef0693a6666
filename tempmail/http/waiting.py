"""Waiting for messages over HTTP: the long poll."""

from __future__ import annotations

import msgspec
from twisted.web.http import NO_CONTENT
from twisted.web.server import Request

from tempmail.core.documents import Documents
from tempmail.core.long_polls import LongPolls, Wanted
from tempmail.core.matching import matcher
from tempmail.http.answers import Answer
from tempmail.http.credentials import client_network, session_owner
from tempmail.http.representations import WaitForMessages, message_of
from tempmail.http.requests import parameters
from tempmail.http.routes import Route
from tempmail.model.message import Message


class WaitRoutes:
    """:param polls: those who wait.
    :param documents: give each message the address of its own.
    """

    def __init__(self, polls: LongPolls, documents: Documents) -> None:
        self._polls = polls
        self._documents = documents
        self._encoded: tuple[Message | None, bytes] = (None, b"")

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [Route("GET", "/api/v1/mailboxes/<address>/messages/wait", self.wait)]

    async def wait(self, request: Request, address: str) -> Answer:
        owner = session_owner(request)
        asked = parameters(request, query=WaitForMessages)
        wanted = Wanted(
            matcher(sender=asked.sender, subject=asked.subject, body=asked.body, has=asked.has),
            asked.count or 1,
            asked.after,
            asked.timeout,
        )
        caught = await self._polls.wait(address, owner, wanted, client_network(request))
        headers = {"Tempmail-After": str(caught.after)}
        if not caught.messages:
            return Answer(NO_CONTENT, headers=headers)
        bodies = [await self._json(one) for one in caught.messages]
        if asked.count is None:
            (body,) = bodies
        else:
            body = b'{"messages":[' + b",".join(bodies) + b"]}"
        return Answer(200, body, "application/json", headers)

    async def _json(self, message: Message) -> bytes:
        """Encoded once for all who waited for the same message: they are answered in a row, and
        then share the memory of what may be megabytes."""
        if self._encoded[0] is not message:
            url = await self._documents.url(message.summary)
            if self._encoded[0] is not message:  # by another, while the keys were looked up
                self._encoded = (message, msgspec.json.encode(message_of(message, url)))
        return self._encoded[1]
