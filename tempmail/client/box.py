"""What can be asked of one mailbox, and of a server: steps without a network."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from tempmail.client.errors import is_ours
from tempmail.client.exchange import Clock, Reply, Request, Steps, asked, made
from tempmail.client.models import Attachment, MailboxInfo, Message, Summary
from tempmail.client.waiting import Wanted

DEFAULT_URL = "http://127.0.0.1:8080"
_MAILBOXES = "/api/v1/mailboxes"
_T = TypeVar("_T")
__tracebackhide__ = is_ours


class Box:
    """One mailbox.

    :ivar token: the session token, None where an API key opens it.
    :ivar given: sequence numbers of the mails that waits have given out: each is given once.
    :ivar reached: how far each kind of wait has looked.
    """

    def __init__(self, server: Server, address: str, token: str | None = None) -> None:
        self.server = server
        self.clock = server.clock
        self.address = address
        self.token = token
        self.path = f"{_MAILBOXES}/{quote(address, safe='@')}"
        self.given: set[int] = set()
        self.reached: dict[Wanted, int] = {}

    @property
    def credential(self) -> str | None:
        return self.token or self.server.api_key

    def ask(self, method: str, path: str = "", **more: Any) -> Steps[Reply]:
        """:param path: below the mailbox's own."""
        request = Request(method, self.path + path, credential=self.credential, **more)
        return asked(request, self.clock, self.server.patience)

    def info(self) -> Steps[MailboxInfo]:
        reply = yield from self.ask("GET")
        return made(MailboxInfo.read, reply.json())

    def extend(self, ttl_minutes: int) -> Steps[MailboxInfo]:
        reply = yield from self.ask("PATCH", body={"ttl_minutes": ttl_minutes})
        return made(MailboxInfo.read, reply.json())

    def delete(self) -> Steps[None]:
        yield from self.ask("DELETE")

    def page(self, query: Mapping[str, Any]) -> Steps[tuple[list[Summary], str | None]]:
        """Some messages, and the cursor of the next page."""
        reply = yield from self.ask("GET", "/messages", query=query)
        return made(lambda document: _page(Summary.read, document, "messages"), reply.json())

    def read(self, which: Summary | str) -> Steps[Message]:
        reply = yield from self.ask("GET", _message(which))
        return made(Message.read, reply.json())

    def raw(self, which: Summary | str) -> Steps[bytes]:
        reply = yield from self.ask("GET", f"{_message(which)}/raw", accept="*/*")
        return reply.body

    def attachment(self, which: Summary | str, attachment: Attachment | int) -> Steps[bytes]:
        index = attachment.index if isinstance(attachment, Attachment) else attachment
        path = f"{_message(which)}/attachments/{index:d}"
        reply = yield from self.ask("GET", path, accept="*/*")
        return reply.body

    def delete_message(self, which: Summary | str) -> Steps[None]:
        yield from self.ask("DELETE", _message(which))

    def empty(self) -> Steps[None]:
        yield from self.ask("DELETE", "/messages")


class OfMailbox:
    """What both kinds of mailboxes can say without asking."""

    def __init__(self, box: Box) -> None:
        self._box = box

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.address}>"  # without its token

    @property
    def address(self) -> str:
        return self._box.address

    @property
    def token(self) -> str | None:
        """What opens this mailbox and nothing else; None where the API key does."""
        return self._box.token


class Server:
    """A tempmail server, as far as it need be known for asking it.

    :ivar patience: seconds for which requests that it puts off are repeated.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        patience: float = 10.0,
        clock: Clock = time.monotonic,
    ) -> None:
        self.url = (url or os.environ.get("TEMPMAIL_URL") or DEFAULT_URL).rstrip("/")
        self.api_key = (os.environ.get("UCT_API_KEY") if api_key is None else api_key) or None
        self.patience = patience
        self.clock = clock

    def create(self, wish: Mapping[str, Any]) -> Steps[Box]:
        """A new mailbox.

        :param wish: what is None is left to the server.
        """
        asked_for = {name: value for name, value in wish.items() if value is not None}
        request = Request("POST", _MAILBOXES, body=asked_for, credential=self.api_key)
        reply = yield from asked(request, self.clock, self.patience)
        return made(self._box, reply.json())

    def mailboxes(self, cursor: str | None) -> Steps[tuple[list[Box], str | None]]:
        """Some of the API key's mailboxes, and the cursor of the next page."""
        request = Request(
            "GET", _MAILBOXES, {"limit": 200, "cursor": cursor}, credential=self.api_key
        )
        reply = yield from asked(request, self.clock, self.patience)
        return made(lambda document: _page(self._box, document, "mailboxes"), reply.json())

    def _box(self, document: Mapping[str, Any]) -> Box:
        return Box(self, document["address"], document.get("session_token"))


def _page(
    read: Callable[[Mapping[str, Any]], _T], document: Mapping[str, Any], name: str
) -> tuple[list[_T], str | None]:
    return [read(one) for one in document[name]], document.get("next")


def _message(which: Summary | str) -> str:
    return f"/messages/{quote(which if isinstance(which, str) else which.id, safe='')}"
