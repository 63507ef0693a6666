"""Reading messages: the stored row, and the parsed view made when it is first needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar
from uuid import UUID

from attrs import evolve
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger

from tempmail.core.ahead import ParsingAhead
from tempmail.core.authenticity import Authenticity
from tempmail.core.living import check_lives
from tempmail.core.ports import Bus, Messages, Page
from tempmail.core.turns import Asker, Room
from tempmail.core.views import Views, viewed
from tempmail.model.address import Domains
from tempmail.model.errors import TempmailError, Unavailable
from tempmail.model.mailbox import Owner
from tempmail.model.message import Message, Received, Summary

_PARSE_PER_LIST = 20
_PARSE_PER_SEARCH = 100
_PARSE_BYTES = 8 * 1024 * 1024

_SEARCHES_WAITING = 20
_SEARCHES_WAITING_EACH = 5
_SEARCHES_AT_ONCE = 2
"""Fewer than there are connections to storage, for a search may take it hundreds of ms; one of an
asker, for it may wait long for mails that are parsed at last."""

_T = TypeVar("_T")


class Reading:
    """What the owner of a mailbox can do with its messages.

    :param domains: ours; a mailbox's address may be written in many ways.
    :param messages: stored ones.
    :param views: makes them readable.
    :param ahead: hears of mailboxes that are listed.
    :param bus: hears of deletions.
    :param authenticity: says where messages come from; None where nobody finds out.
    """

    _log = Logger()

    def __init__(
        self,
        domains: Domains,
        messages: Messages,
        views: Views,
        ahead: ParsingAhead,
        bus: Bus,
        authenticity: Authenticity | None = None,
    ) -> None:
        self._domains = domains
        self._messages = messages
        self._views = views
        self._ahead = ahead
        self._bus = bus
        self._authenticity = authenticity
        self._searching = Room(_SEARCHES_AT_ONCE, 1)

    async def newest(
        self,
        address: str,
        owner: Owner,
        *,
        limit: int,
        before: int | None,
        unread: bool,
        asker: Asker,
        words: str | None = None,
    ) -> Page:
        """A page of summaries, newest first, those with a sequence number below ``before``.

        :param asker: whose turns it takes for what has to be parsed.
        :param words: that must be in subject, sender or text; None for any.
        """

        address = self._domains.canonical(address)

        async def page() -> Page:
            return await self._messages.newest(
                address, owner, limit=limit, before=before, unread=unread, words=words
            )

        if words is None:
            return await self._listed(page, asker)
        return await self._search(page, address, owner, asker)

    async def since(
        self,
        address: str,
        owner: Owner,
        *,
        limit: int,
        after: int,
        unread: bool,
        asker: Asker,
        words: str | None = None,
    ) -> Page:
        """A page of summaries, oldest first, those with a sequence number above ``after``.

        :param asker, words: as in :meth:`newest`.
        """

        address = self._domains.canonical(address)

        async def page() -> Page:
            return await self._messages.since(
                address, owner, limit=limit, after=after, unread=unread, words=words
            )

        if words is None:
            return await self._listed(page, asker)
        return await self._search(page, address, owner, asker)

    async def get(
        self,
        address: str,
        owner: Owner,
        which: UUID | None,
        asker: Asker,
        *,
        mark: bool = True,
    ) -> Message:
        """One message with its view, marked as read; the newest where ``which`` is None.

        :param asker: whose turn it takes where it has to be parsed.
        :param mark: False to leave it as unread as it is.
        :raises Unavailable: it has no view yet and no worker could make one.
        """
        address = self._domains.canonical(address)
        message = await self._messages.get(address, owner, which, mark=mark)
        return await self.unless_gone(message.summary, self._completed(message, asker))

    async def raw(self, address: str, owner: Owner, which: UUID | None) -> Received:
        """The received bytes, verbatim."""
        return await self._messages.raw(self._domains.canonical(address), owner, which)

    async def unless_gone(
        self, message: Summary | Received, work: Coroutine[Deferred[Any], Any, _T]
    ) -> _T:
        """What ``work`` makes of a message that has been read, or of something in it.

        Where that took its time, the message is looked for once more: what was deleted or has
        expired meanwhile is gone.  What is there at once costs no further trip to storage.

        :raises NotFound: the message is gone, or its mailbox has ended.
        """
        working = Deferred.fromCoroutine(work)
        at_once = working.called
        made = await working
        if not at_once:
            await check_lives(self._messages, message)
        return made

    async def delete(self, address: str, owner: Owner, which: UUID) -> None:
        """Remove one message for good."""
        address = self._domains.canonical(address)
        self._bus.publish(await self._messages.delete(address, owner, which))

    async def empty(self, address: str, owner: Owner) -> None:
        """Remove every message of the mailbox."""
        address = self._domains.canonical(address)
        self._bus.publish(await self._messages.empty(address, owner))

    async def _completed(self, message: Message, asker: Asker) -> Message:
        """The message with its view, and with where it comes from."""
        if message.view is None or message.view.parser_version < self._views.version:
            made = await self._views.read(message.summary.mailbox_id, message.summary.id, asker)
            assert made.view is not None
            message = viewed(message, made.view)
        if self._authenticity is None:
            return message
        return evolve(message, authentication=await self._authenticity.of(message))

    async def _search(
        self, page: Callable[[], Awaitable[Page]], address: str, owner: Owner, asker: Asker
    ) -> Page:
        if self._searching.waiting(asker) >= _SEARCHES_WAITING_EACH:
            raise Unavailable("too many searches of yours are waiting; try again")
        if self._searching.waiting() >= _SEARCHES_WAITING:
            raise Unavailable("too many searches are waiting; try again")
        found: Page = await self._searching.run(asker, self._found, page, address, owner, asker)
        return found

    async def _listed(self, page: Callable[[], Awaitable[Page]], asker: Asker) -> Page:
        """A page with previews, of which as many are made as one request may ask for."""
        found = await page()
        self._ahead.listed(found.mailbox_id)
        unparsed = [one for one in found.messages if one.parser_version is None]
        wanted = _affordable(unparsed[:_PARSE_PER_LIST])
        if not wanted:
            return found
        made = await gatherResults(
            [Deferred.fromCoroutine(self._previewed(one, asker)) for one in wanted],
            consumeErrors=True,
        )
        known = {one.id: one for one in made}
        found = await page()  # that took its time: what has gone meanwhile is not shown
        return evolve(
            found,
            messages=[
                known.get(one.id, one) if one.parser_version is None else one
                for one in found.messages
            ],
        )

    async def _previewed(self, summary: Summary, asker: Asker) -> Summary:
        try:
            return (await self._views.read(summary.mailbox_id, summary.id, asker)).summary
        except TempmailError as why:  # a list without a preview beats no list
            self._log.debug("no preview: {why}", why=why.code)
            return summary

    async def _found(
        self, page: Callable[[], Awaitable[Page]], address: str, owner: Owner, asker: Asker
    ) -> Page:
        """A page of what is found, once the texts to search are there: as many as are made for
        one request, newest first.  Of the others, subject and sender are known from arrival."""
        unparsed = await self._messages.unparsed(
            address, owner, version=self._views.version, limit=_PARSE_PER_SEARCH
        )
        await gatherResults(
            [self._views.stored(one.mailbox_id, one.id, asker) for one in _affordable(unparsed)]
        )
        return await page()


def _affordable(summaries: Iterable[Summary]) -> list[Summary]:
    """The first of them, as long as they are no more bytes together than one request may parse."""
    affordable = []
    room = _PARSE_BYTES
    for summary in summaries:
        room -= summary.size
        if room < 0:
            break
        affordable.append(summary)
    return affordable
