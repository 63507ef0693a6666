"""A mailbox's messages over HTTP: list, read, take the raw bytes, remove."""

from __future__ import annotations

from uuid import UUID

from tempmail.core.documents import Documents
from tempmail.core.reading import Reading
from tempmail.http.answers import EMPTY, Answer, json
from tempmail.http.asked import ListMessages
from tempmail.http.conditional import conditional
from tempmail.http.cursors import Cursor
from tempmail.http.finishing import to_the_end
from tempmail.http.representations import (
    Message,
    MessageList,
    message_of,
    summary_of,
)
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Returns, Route
from tempmail.model.errors import InvalidInput, NotFound

_RAW_HEADERS = {
    "Content-Disposition": 'attachment; filename="message.eml"',
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
}


class MessageRoutes:
    """:param reading: what the owner of a mailbox can do with its messages.
    :param documents: give each message the address of its own.
    """

    def __init__(self, reading: Reading, documents: Documents) -> None:
        self._reading = reading
        self._documents = documents

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        messages = "/api/v1/mailboxes/<address>/messages"
        return [
            Route(
                "GET",
                messages,
                self.list,
                "List messages, newest first, or oldest first from a sequence number on",
                Access.READ,
                query=ListMessages,
                returns={200: Returns(description="A page of messages", shape=MessageList)},
                name="list_messages",
            ),
            Route(
                "DELETE",
                messages,
                self.empty,
                "Remove all messages",
                returns={204: Returns(description="They are gone")},
                name="delete_messages",
            ),
            Route(
                "GET",
                f"{messages}/<which>",
                self.read,
                "Read a message, which marks it as read",
                Access.READ,
                returns={
                    200: Returns(
                        description="The message", shape=Message, headers={"ETag": "Of just this"}
                    ),
                    304: Returns(description="It is what `If-None-Match` names"),
                },
                name="get_message",
            ),
            Route(
                "DELETE",
                f"{messages}/<which>",
                self.delete,
                "Remove a message",
                returns={204: Returns(description="It is gone")},
                name="delete_message",
            ),
            Route(
                "GET",
                f"{messages}/<which>/raw",
                self.raw,
                "Take the received bytes, verbatim",
                Access.READ,
                returns={200: Returns(description="The message", media_type="message/rfc822")},
                name="get_raw_message",
            ),
        ]

    async def list(self, ask: Ask[ListMessages], address: str) -> Answer:
        owner, asked = ask.owner, ask.given
        start = _start(asked)
        if start is not None and start.oldest_first:
            listing = self._reading.since(
                address,
                owner,
                limit=asked.limit,
                after=start.seq,
                unread=asked.unread,
                asker=ask.network,
                words=asked.q,
            )
        else:
            listing = self._reading.newest(
                address,
                owner,
                limit=asked.limit,
                before=None if start is None else start.seq,
                unread=asked.unread,
                asker=ask.network,
                words=asked.q,
            )
        page = await to_the_end(listing)
        upward = start is not None and start.oldest_first
        return json(
            MessageList(
                messages=[summary_of(one) for one in page.messages],
                next=None if page.cursor is None else Cursor(page.cursor, upward).text(),
            )
        )

    async def read(self, ask: Ask[Nothing], address: str, which: str) -> Answer:
        reading = self._reading.get(
            address, ask.owner, one_or_latest(which), ask.network, mark=ask.marks
        )
        message = await to_the_end(reading)
        signing = self._documents.url(message.summary)
        url = await self._reading.unless_gone(message.summary, signing)
        return conditional(ask.request, json(message_of(message, url)))

    async def raw(self, ask: Ask[Nothing], address: str, which: str) -> Answer:
        raw = await self._reading.raw(address, ask.owner, one_or_latest(which))
        return as_received(raw.content)

    async def delete(self, ask: Ask[Nothing], address: str, which: str) -> Answer:
        await to_the_end(self._reading.delete(address, ask.owner, _one(which)))
        return EMPTY

    async def empty(self, ask: Ask[Nothing], address: str) -> Answer:
        await to_the_end(self._reading.empty(address, ask.owner))
        return EMPTY


def as_received(raw: bytes) -> Answer:
    """A message's own bytes, to be kept as a file."""
    return Answer(200, raw, "message/rfc822", _RAW_HEADERS)


def _start(asked: ListMessages) -> Cursor | None:
    """Where the list begins: a cursor goes before the ``after`` that its first page had."""
    if asked.cursor is None:
        return None if asked.after is None else Cursor(asked.after, oldest_first=True)
    cursor = Cursor.read(asked.cursor)
    if asked.after is not None and not cursor.oldest_first:
        raise InvalidInput("cursor: of a list without 'after'; give one of the two")
    return cursor


def one_or_latest(which: str) -> UUID | None:
    return None if which == "latest" else _one(which)


def _one(which: str) -> UUID:
    """:raises NotFound: for any spelling but the one that we give out (RFC 9562 section 4)."""
    try:
        known = UUID(which)
    except ValueError:
        known = None
    if known is None or str(known) != which.lower():
        raise NotFound("there is no such message")
    return known
