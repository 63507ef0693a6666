"""The client for programs that block."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
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


class Client:
    """A tempmail server.  Leaving its context closes its connections.

    :param url: where the server is; else the variable ``TEMPMAIL_URL`` says, else it is
        ``http://127.0.0.1:8080``.
    :param api_key: else the variable ``UCT_API_KEY``; without one, or with an empty one, mailboxes
        are anonymous.
    :param patience: seconds for which a request is repeated that the server puts off (429, 503).
    :param http: makes the connections where TLS or proxies need care; closed by whoever made it.
    :param clock, sleep: how time passes.
    :raises ValueError: ``url`` is no URL.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        patience: float = 10.0,
        http: httpx.Client | None = None,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._server = Server(url, api_key, patience, clock)
        settings = options(self._server.url)
        self._owns = http is None
        self._http = httpx.Client(**settings) if http is None else http
        self._sleep = sleep

    @property
    def url(self) -> str:
        return self._server.url

    def create(
        self,
        username: str | None = None,
        domain: str | None = None,
        *,
        ttl_minutes: int | None = None,
        style: str | None = None,
        client_id: str | None = None,
    ) -> Mailbox:
        """A new mailbox; what is left out is chosen by the server.

        :param ttl_minutes: its time to live.
        :param style: of its name, ``words`` or ``hex``.
        :param client_id: the same again returns the same mailbox.
        :raises Conflict: the address is taken or reserved.
        :raises InvalidRequest: a parameter is wrong.
        :raises LimitReached: the plan allows no more mailboxes.
        """
        wish = {
            "username": username,
            "domain": domain,
            "ttl_minutes": ttl_minutes,
            "style": style,
            "client_id": client_id,
        }
        return Mailbox(self, self.run(self._server.create(wish)))

    def mailbox(self, address: str, token: str | None = None) -> Mailbox:
        """One that is there already; nothing is asked yet.

        :param token: its session token, without one the API key opens it.
        """
        return Mailbox(self, Box(self._server, address, token))

    def mailboxes(self) -> Iterator[Mailbox]:
        """All of the API key's mailboxes."""
        cursor: str | None = None
        while True:
            boxes, cursor = self.run(self._server.mailboxes(cursor))
            yield from (Mailbox(self, box) for box in boxes)
            if cursor is None:
                return

    def close(self) -> None:
        """Close the connections; mailboxes live on."""
        if self._owns:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def run(self, steps: Steps[_T]) -> _T:
        """Carry out the requests of ``steps``."""
        try:
            request = next(steps)
            while True:
                try:
                    reply = self._exchanged(request)
                except Unreachable as error:
                    request = steps.throw(error)
                else:
                    request = steps.send(reply)
        except StopIteration as end:
            value: _T = end.value
            return value

    def follow(self, following: Following) -> Generator[Event, None, None]:
        """The events of ``following``, over one connection after another."""
        while True:
            try:
                with self._answering(following.request()) as response:
                    if response.status_code != 200:
                        raise problem_of(_reply(response))
                    for chunk in response.iter_raw():
                        yield from following.feed(chunk)
                        if following.ended:
                            return
                following.lost()
            except Error as error:
                following.lost(error)
            if following.ended:
                return
            self._sleep(following.pause)

    def _exchanged(self, request: Request) -> Reply:
        if request.delay:
            self._sleep(request.delay)
        with self._answering(request) as response:
            return _reply(response)

    @contextmanager
    def _answering(self, request: Request) -> Iterator[httpx.Response]:
        given = arguments(self.url, request)
        with translated(self.url), self._http.stream(**given) as response:
            yield response


def _reply(response: httpx.Response) -> Reply:
    collected = Collected()
    for chunk in response.iter_bytes():
        collected.add(chunk)
    return collected.reply(response)


class Mailbox(OfMailbox):
    """A mailbox.  Leaving its context deletes it.

    :meth:`wait`, :meth:`code` and :meth:`link` give each mail out once: the next call with the
    same words waits for a newer mail, and a mail that nobody asked for yet still counts, whenever
    it came.  With ``after`` every mail with a greater sequence number counts, given out or not;
    ``after=0`` is all of them.
    """

    def __init__(self, client: Client, box: Box) -> None:
        super().__init__(box)
        self._client = client

    def info(self) -> MailboxInfo:
        """The mailbox as it is now.

        :raises NotFound: it has ended.
        """
        return self._client.run(self._box.info())

    def wait(
        self,
        *,
        sender: str | None = None,
        subject: str | None = None,
        body: str | None = None,
        has: str | None = None,
        timeout: float = 30.0,
        after: int | None = None,
    ) -> Message:
        """The oldest mail that matches and was not given out before, once it is there.

        It is not marked as read.

        :param sender, subject, body: a substring in any case, or ``/pattern/`` in RE2's syntax.
        :param has: ``code`` or ``link``.
        :param timeout: seconds, in whole ones as far as the server is concerned.
        :param after: see the class.
        :raises Timeout: none came; its text says what did.
        :raises NotFound: the mailbox has ended.
        """
        return self._wait(Wanted(sender, subject, body, has), timeout, after)

    def code(
        self,
        *,
        sender: str | None = None,
        subject: str | None = None,
        body: str | None = None,
        timeout: float = 30.0,
        after: int | None = None,
    ) -> str:
        """The likeliest code of the mail that :meth:`wait` gives with ``has="code"``."""
        return code_of(self._wait(Wanted(sender, subject, body, "code"), timeout, after))

    def link(
        self,
        kind: str | None = None,
        *,
        sender: str | None = None,
        subject: str | None = None,
        body: str | None = None,
        timeout: float = 30.0,
        after: int | None = None,
    ) -> str:
        """The likeliest link of the mail that :meth:`wait` gives with ``has="link"``.

        :param kind: ``confirm``, ``sign_in``, ``reset``, ``invite``, ``unsubscribe`` or ``other``;
            without it any but to unsubscribe.
        """
        wanted = for_link(kind, sender, subject, body)
        return link_of(self._wait(wanted, timeout, after), kind)

    def _wait(self, wanted: Wanted, timeout: float, after: int | None) -> Message:
        return self._client.run(wait(self._box, wanted, timeout, after))

    def messages(
        self, *, after: int | None = None, unread: bool = False, q: str | None = None
    ) -> Iterator[Summary]:
        """All messages, newest first, or from the sequence number ``after`` on, oldest first.

        :param q: words in subject, sender or text, as web search engines read them.
        """
        query = {"after": after, "unread": unread or None, "q": q, "limit": 100}
        cursor: str | None = None
        while True:
            page, cursor = self._client.run(self._box.page({**query, "cursor": cursor}))
            yield from page
            if cursor is None:
                return

    def read(self, message: Summary | str = "latest") -> Message:
        """A message in full, which marks it as read.

        :param message: it, its id, or ``latest``.
        :raises NotFound: there is no such message.
        """
        return self._client.run(self._box.read(message))

    def raw(self, message: Summary | str = "latest") -> bytes:
        """The bytes of a message as they were received."""
        return self._client.run(self._box.raw(message))

    def attachment(self, message: Summary | str, attachment: Attachment | int) -> bytes:
        """The bytes of an attachment.

        :raises Forbidden: it is of a dangerous kind.
        """
        return self._client.run(self._box.attachment(message, attachment))

    def delete_message(self, message: Summary | str) -> None:
        """Remove one message."""
        self._client.run(self._box.delete_message(message))

    def empty(self) -> None:
        """Remove all messages."""
        self._client.run(self._box.empty())

    def extend(self, ttl_minutes: int) -> MailboxInfo:
        """Let it end so many minutes from now, within the plan."""
        return self._client.run(self._box.extend(ttl_minutes))

    def delete(self) -> None:
        """End the mailbox and all its mail at once."""
        self._client.run(self._box.delete())

    def events(self, after: int = 0) -> Generator[Event, None, None]:
        """What happens to the mailbox, until it has ended; each new message once.

        A lost connection is made again.  With ``contextlib.closing`` around it, the connection
        is let go as soon as the loop is left.

        :param after: new messages with a greater sequence number are told of, those that are
            there already first.
        """
        return self._client.follow(Following(self._box, after))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(Error):  # it ends by itself, and what happened inside matters more
            self.delete()
