"""Reading messages: the stored row, and the parsed view made when it is first needed."""

from __future__ import annotations

from uuid import UUID

from attrs import evolve
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger

from tempmail.core.ports import Bus, Messages, Page, Parser
from tempmail.model.errors import TempmailError, Unavailable
from tempmail.model.mailbox import SessionOwner
from tempmail.model.message import Message, Summary, View

_PARSE_PER_LIST = 20
_PARSE_BYTES_PER_LIST = 8 * 1024 * 1024


class Reading:
    """What the owner of a mailbox can do with its messages.

    :param messages: stored ones.
    :param parser: makes views.
    :param bus: hears of deletions.
    """

    _log = Logger()

    def __init__(self, messages: Messages, parser: Parser, bus: Bus) -> None:
        self._messages = messages
        self._parser = parser
        self._bus = bus

    async def newest(
        self, address: str, owner: SessionOwner, *, limit: int, before: int | None, unread: bool
    ) -> Page:
        """A page of summaries, newest first, those with a sequence number below ``before``."""
        page = await self._messages.newest(
            address, owner, limit=limit, before=before, unread=unread
        )
        return await self._with_previews(page, address, owner)

    async def since(
        self, address: str, owner: SessionOwner, *, limit: int, after: int, unread: bool
    ) -> Page:
        """A page of summaries, oldest first, those with a sequence number above ``after``."""
        page = await self._messages.since(address, owner, limit=limit, after=after, unread=unread)
        return await self._with_previews(page, address, owner)

    async def get(self, address: str, owner: SessionOwner, which: UUID | None) -> Message:
        """One message with its view, marked as read; the newest where ``which`` is None.

        :raises Unavailable: it has no view yet and no worker could make one.
        """
        message = await self._messages.get(address, owner, which)
        if message.view is not None and message.view.parser_version >= self._parser.version:
            return message
        view = await self._parse(message.summary, address, owner)
        return evolve(message, view=view, summary=_with_view(message.summary, view))

    async def raw(self, address: str, owner: SessionOwner, which: UUID | None) -> bytes:
        """The received bytes, verbatim."""
        return await self._messages.raw(address, owner, which)

    async def delete(self, address: str, owner: SessionOwner, which: UUID) -> None:
        """Remove one message for good."""
        self._bus.publish(await self._messages.delete(address, owner, which))

    async def empty(self, address: str, owner: SessionOwner) -> None:
        """Remove every message of the mailbox."""
        self._bus.publish(await self._messages.empty(address, owner))

    async def _with_previews(self, page: Page, address: str, owner: SessionOwner) -> Page:
        """Parse what nobody has parsed yet, as much as one request may ask for."""
        wanted: dict[UUID, Deferred[Summary]] = {}
        room = _PARSE_BYTES_PER_LIST
        for summary in page.messages:
            if summary.parser_version is None and len(wanted) < _PARSE_PER_LIST:
                room -= summary.size
                if room < 0:
                    break
                wanted[summary.id] = Deferred.fromCoroutine(
                    self._previewed(summary, address, owner)
                )
        if not wanted:
            return page
        made = {
            summary.id: summary
            for summary in await gatherResults(wanted.values(), consumeErrors=True)
        }
        return evolve(page, messages=[made.get(one.id, one) for one in page.messages])

    async def _previewed(self, summary: Summary, address: str, owner: SessionOwner) -> Summary:
        try:
            return _with_view(summary, await self._parse(summary, address, owner))
        except TempmailError as why:  # a list without a preview beats no list
            self._log.debug("no preview: {why}", why=why.code)
            return summary

    async def _parse(self, summary: Summary, address: str, owner: SessionOwner) -> View:
        raw = await self._messages.raw(address, owner, summary.id)
        view = await self._parser.parse(raw)
        try:
            await self._messages.keep_view(summary, view)
        except Unavailable as why:  # it is made again for the next reader
            self._log.warn("a view was not kept: {why}", why=why.code)
        return view


PREVIEW_CHARACTERS = 160


def _with_view(summary: Summary, view: View) -> Summary:
    return evolve(
        summary,
        subject=view.subject,
        from_address=view.from_address,
        from_name=view.from_name,
        preview=preview(view.body_text),
        attachment_count=len(view.attachments),
        parser_version=view.parser_version,
    )


def preview(body_text: str) -> str:
    """The beginning of a text on one line."""
    return " ".join(body_text[: 4 * PREVIEW_CHARACTERS].split())[:PREVIEW_CHARACTERS]
