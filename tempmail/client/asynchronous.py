"""The client for asyncio: as :mod:`tempmail.client.sync`, which says what everything does."""

# Its timeouts are the server's as well: asyncio's could not say what arrived meanwhile.
# ruff: noqa: ASYNC109

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self, TypeVar

import httpx

from tempmail.client.box import Box, OfMailbox, Server
from tempmail.client.errors import Error, Unreachable, is_ours
from tempmail.client.exchange import Clock, Reply, Request, Steps, problem_of
from tempmail.client.models import Attachment, Event, MailboxInfo, Message, Summary
from tempmail.client.over_httpx import Collected, arguments, options, translated
from tempmail.client.streaming import Following
from tempmail.client.waiting import Wanted, code_of, for_link, link_of, wait

_T = TypeVar("_T")
__tracebackhide__ = is_ours


class AsyncClient:
    """As :class:`tempmail.client.Client`."""

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        patience: float = 10.0,
        http: httpx.AsyncClient | None = None,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._server = Server(url, api_key, patience, clock)
        settings = options(self._server.url)
        self._owns = http is None
        self._http = httpx.AsyncClient(**settings) if http is None else http
        self._sleep = sleep

    @property
    def url(self) -> str:
        return self._server.url

    async def create(
        self,
        username: str | None = None,
        domain: str | None = None,
        *,
        ttl_minutes: int | None = None,
        style: str | None = None,
        client_id: str | None = None,
    ) -> AsyncMailbox:
        """As :meth:`Client.create`."""
        wish = {
            "username": username,
            "domain": domain,
            "ttl_minutes": ttl_minutes,
            "style": style,
            "client_id": client_id,
        }
        return AsyncMailbox(self, await self.run(self._server.create(wish)))

    def mailbox(self, address: str, token: str | None = None) -> AsyncMailbox:
        """As :meth:`Client.mailbox`."""
        return AsyncMailbox(self, Box(self._server, address, token))

    async def mailboxes(self) -> AsyncIterator[AsyncMailbox]:
        """All of the API key's mailboxes."""
        cursor: str | None = None
        while True:
            boxes, cursor = await self.run(self._server.mailboxes(cursor))
            for box in boxes:
                yield AsyncMailbox(self, box)
            if cursor is None:
                return

    async def close(self) -> None:
        """Close the connections; mailboxes live on."""
        if self._owns:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def run(self, steps: Steps[_T]) -> _T:
        """Carry out the requests of ``steps``."""
        try:
            request = next(steps)
            while True:
                try:
                    reply = await self._exchanged(request)
                except Unreachable as error:
                    request = steps.throw(error)
                else:
                    request = steps.send(reply)
        except StopIteration as end:
            value: _T = end.value
            return value

    async def follow(self, following: Following) -> AsyncGenerator[Event, None]:
        """The events of ``following``, over one connection after another."""
        while True:
            try:
                async with self._answering(following.request()) as response:
                    if response.status_code != 200:
                        raise problem_of(await _reply(response))
                    async for chunk in response.aiter_raw():
                        for event in following.feed(chunk):
                            yield event
                        if following.ended:
                            return
                following.lost()
            except Error as error:
                following.lost(error)
            if following.ended:
                return
            await self._sleep(following.pause)

    async def _exchanged(self, request: Request) -> Reply:
        if request.delay:
            await self._sleep(request.delay)
        async with self._answering(request) as response:
            return await _reply(response)

    @asynccontextmanager
    async def _answering(self, request: Request) -> AsyncIterator[httpx.Response]:
        given = arguments(self.url, request)
        with translated(self.url):
            async with self._http.stream(**given) as response:
                yield response


async def _reply(response: httpx.Response) -> Reply:
    collected = Collected()
    async for chunk in response.aiter_bytes():
        collected.add(chunk)
    return collected.reply(response)


class AsyncMailbox(OfMailbox):
    """As :class:`tempmail.client.Mailbox`."""

    def __init__(self, client: AsyncClient, box: Box) -> None:
        super().__init__(box)
        self._client = client

    async def info(self) -> MailboxInfo:
        """As :meth:`Mailbox.info`."""
        return await self._client.run(self._box.info())

    async def wait(
        self,
        *,
        sender: str | None = None,
        subject: str | None = None,
        body: str | None = None,
        has: str | None = None,
        timeout: float = 30.0,
        after: int | None = None,
    ) -> Message:
        """As :meth:`Mailbox.wait`."""
        return await self._wait(Wanted(sender, subject, body, has), timeout, after)

    async def code(
        self,
        *,
        sender: str | None = None,
        subject: str | None = None,
        body: str | None = None,
        timeout: float = 30.0,
        after: int | None = None,
    ) -> str:
        """The likeliest code of the mail that :meth:`wait` gives with ``has="code"``."""
        return code_of(await self._wait(Wanted(sender, subject, body, "code"), timeout, after))

    async def link(
        self,
        kind: str | None = None,
        *,
        sender: str | None = None,
        subject: str | None = None,
        body: str | None = None,
        timeout: float = 30.0,
        after: int | None = None,
    ) -> str:
        """As :meth:`Mailbox.link`."""
        wanted = for_link(kind, sender, subject, body)
        return link_of(await self._wait(wanted, timeout, after), kind)

    async def _wait(self, wanted: Wanted, timeout: float, after: int | None) -> Message:
        return await self._client.run(wait(self._box, wanted, timeout, after))

    async def messages(
        self, *, after: int | None = None, unread: bool = False, q: str | None = None
    ) -> AsyncIterator[Summary]:
        """As :meth:`Mailbox.messages`."""
        query = {"after": after, "unread": unread or None, "q": q, "limit": 100}
        cursor: str | None = None
        while True:
            page, cursor = await self._client.run(self._box.page({**query, "cursor": cursor}))
            for summary in page:
                yield summary
            if cursor is None:
                return

    async def read(self, message: Summary | str = "latest") -> Message:
        """As :meth:`Mailbox.read`."""
        return await self._client.run(self._box.read(message))

    async def raw(self, message: Summary | str = "latest") -> bytes:
        """The bytes of a message as they were received."""
        return await self._client.run(self._box.raw(message))

    async def attachment(self, message: Summary | str, attachment: Attachment | int) -> bytes:
        """As :meth:`Mailbox.attachment`."""
        return await self._client.run(self._box.attachment(message, attachment))

    async def delete_message(self, message: Summary | str) -> None:
        """Remove one message."""
        await self._client.run(self._box.delete_message(message))

    async def empty(self) -> None:
        """Remove all messages."""
        await self._client.run(self._box.empty())

    async def extend(self, ttl_minutes: int) -> MailboxInfo:
        """Let it end so many minutes from now, within the plan."""
        return await self._client.run(self._box.extend(ttl_minutes))

    async def delete(self) -> None:
        """End the mailbox and all its mail at once."""
        await self._client.run(self._box.delete())

    def events(self, after: int = 0) -> AsyncGenerator[Event, None]:
        """As :meth:`Mailbox.events`; ``contextlib.aclosing`` lets the connection go."""
        return self._client.follow(Following(self._box, after))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(Error):  # it ends by itself, and what happened inside matters more
            await self.delete()
