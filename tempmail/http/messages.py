"""A mailbox's messages over HTTP: list, read, take the raw bytes, remove."""

from __future__ import annotations

from uuid import UUID

from twisted.web.server import Request

from tempmail.core.documents import Documents
from tempmail.core.reading import Reading
from tempmail.http.answers import EMPTY, Answer, json
from tempmail.http.credentials import session_owner
from tempmail.http.cursors import Cursor
from tempmail.http.finishing import to_the_end
from tempmail.http.representations import ListMessages, MessageList, message_of, summary_of
from tempmail.http.requests import Nothing, parameters
from tempmail.http.routes import Route
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
            Route("GET", messages, self.list),
            Route("DELETE", messages, self.empty),
            Route("GET", f"{messages}/<which>", self.read),
            Route("DELETE", f"{messages}/<which>", self.delete),
            Route("GET", f"{messages}/<which>/raw", self.raw),
        ]

    async def list(self, request: Request, address: str) -> Answer:
        owner = session_owner(request)
        asked = parameters(request, query=ListMessages)
        start = _start(asked)
        if start is not None and start.oldest_first:
            listing = self._reading.since(
                address,
                owner,
                limit=asked.limit,
                after=start.seq,
                unread=asked.unread,
                words=asked.q,
            )
        else:
            listing = self._reading.newest(
                address,
                owner,
                limit=asked.limit,
                before=None if start is None else start.seq,
                unread=asked.unread,
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

    async def read(self, request: Request, address: str, which: str) -> Answer:
        owner = session_owner(request)
        parameters(request, query=Nothing)
        message = await to_the_end(self._reading.get(address, owner, one_or_latest(which)))
        return json(message_of(message, await self._documents.url(message.summary)))

    async def raw(self, request: Request, address: str, which: str) -> Answer:
        owner = session_owner(request)
        parameters(request, query=Nothing)
        raw = await self._reading.raw(address, owner, one_or_latest(which))
        return Answer(200, raw, "message/rfc822", _RAW_HEADERS)

    async def delete(self, request: Request, address: str, which: str) -> Answer:
        owner = session_owner(request)
        parameters(request, query=Nothing)
        await to_the_end(self._reading.delete(address, owner, _one(which)))
        return EMPTY

    async def empty(self, request: Request, address: str) -> Answer:
        owner = session_owner(request)
        parameters(request, query=Nothing)
        await to_the_end(self._reading.empty(address, owner))
        return EMPTY


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
