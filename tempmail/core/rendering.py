"""The documents of mails: each made once, however many open it, and the last ones remembered.

A document names the mail's images by the address at which it is opened, which differs for
everybody.  It is made with an address that nobody knows, drawn anew for each, in place of which
the reader's own is put; so no mail can have written it down to have that address put elsewhere.
"""

from __future__ import annotations

import secrets
import sys
from collections import OrderedDict
from collections.abc import Mapping
from math import inf
from typing import Protocol
from uuid import UUID

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from tempmail.core.metrics import Metrics
from tempmail.core.turns import Asker
from tempmail.mail.extracted import Extracted
from tempmail.model.errors import Unavailable
from tempmail.model.message import Message

MOST = 100
MOST_BYTES = 16 * 1024 * 1024
"""Documents that are remembered, and their bytes."""

MOST_GIVEN_UP = 10_000
"""Mails of which it is remembered that their HTML costs its worker, in some 2 MB."""

AGAIN = 60
"""Seconds after which HTML is tried again that may have failed for a busy machine."""

_MARK_BYTES = 64

_Key = tuple[UUID, int]


class GivenUp(Unavailable):
    """HTML was too much for the worker that made it a document.

    :ivar lasting: whether another try would end the same.
    """

    def __init__(self, detail: str, *, lasting: bool) -> None:
        super().__init__(detail)
        self.lasting = lasting


class Renderer(Protocol):
    """Makes documents and takes out parts, in a process that may be killed.

    Each says for whom it is; askers are served in turn.
    """

    def document(
        self, asker: Asker, html: str, text: str, images: Mapping[str, str]
    ) -> Deferred[str]:
        """A mail's HTML made safe; its text where it has no HTML.

        :param images: from content ids to where the parts are served.
        :raises GivenUp: it cost its worker.
        :raises Unavailable: no worker could be had.
        """

    def text_instead(self, asker: Asker, text: str) -> Deferred[str]:
        """A mail's text, as the document of one whose HTML was given up.

        :raises Unavailable: no worker could be had.
        """

    def extract(self, asker: Asker, raw: bytes, index: int) -> Deferred[Extracted]:
        """The attachment that the mail's view has at ``index``.

        :raises NotFound: there is none.
        :raises Unavailable: no worker could be had, or it could not be taken out.
        """


@frozen
class Made:
    """A document for any address.

    :ivar mark: what stands in it for the address.
    """

    text: str
    mark: str

    @property
    def size(self) -> int:
        """In bytes of memory."""
        return sys.getsizeof(self.text)

    def at(self, url: str) -> str:
        """The document that is opened at ``url``."""
        return self.text.replace(self.mark, url)


class Rendering:
    """:param renderer: makes documents.
    :param metrics: counts what was made, shared, remembered and given up.
    :param clock: for what may be tried again.
    """

    def __init__(self, renderer: Renderer, metrics: Metrics, clock: IReactorTime) -> None:
        self._renderer = renderer
        self._count = metrics.documents
        self._clock = clock
        self._under_way: dict[_Key, list[Deferred[Made]]] = {}
        self._made: OrderedDict[_Key, Made] = OrderedDict()  # opened the longest ago first
        self._bytes = 0
        self._given_up: OrderedDict[_Key, float] = OrderedDict()  # until when, oldest first

    def document(self, message: Message, asker: Asker) -> Deferred[Made]:
        """The document of a message that has its view.

        Whether the message still lives is for the caller to look, afterwards: what is remembered
        outlives it.  Whoever cancels the result stops waiting; the others still get theirs.

        :raises Unavailable: it cannot be made now.
        """
        assert message.view is not None
        key = (message.summary.id, message.view.parser_version)
        own: Deferred[Made] = Deferred()
        made = self._made.get(key)
        if made is not None:
            self._made.move_to_end(key)
            self._count.labels("remembered").inc()
            own.callback(made)
        elif key in self._under_way:
            self._count.labels("shared").inc()
            self._under_way[key].append(own)
        else:
            self._under_way[key] = [own]
            Deferred.fromCoroutine(self._make(key, message, asker)).addBoth(self._ended, key)
        return own

    def _ended(self, outcome: Made | Failure, key: _Key) -> None:
        if isinstance(outcome, Made):
            self._remember(key, outcome)
        for own in self._under_way.pop(key):
            if own.called:
                continue
            if isinstance(outcome, Failure):
                own.errback(outcome)
            else:
                own.callback(outcome)

    async def _make(self, key: _Key, message: Message, asker: Asker) -> Made:
        view = message.view
        assert view is not None
        mark = secrets.token_urlsafe(_MARK_BYTES)
        if self._given_up.get(key, 0) <= self._clock.seconds():
            images = {
                one.content_id: f"{mark}/images/{one.index}"
                for one in view.attachments
                if one.content_id
            }
            try:
                made = await self._renderer.document(asker, view.body_html, view.body_text, images)
            except GivenUp as why:
                self._give_up(key, lasting=why.lasting)
            else:
                self._given_up.pop(key, None)
                self._count.labels("made").inc()
                return Made(made, mark)
        return Made(await self._renderer.text_instead(asker, view.body_text), mark)

    def _give_up(self, key: _Key, *, lasting: bool) -> None:
        self._count.labels("given_up").inc()
        self._given_up[key] = inf if lasting else self._clock.seconds() + AGAIN
        self._given_up.move_to_end(key)
        if len(self._given_up) > MOST_GIVEN_UP:
            self._given_up.popitem(last=False)

    def _remember(self, key: _Key, made: Made) -> None:
        until = self._given_up.get(key, inf)
        if made.size > MOST_BYTES or until < inf:  # the text may not be the last word
            return
        self._made[key] = made
        self._bytes += made.size
        while len(self._made) > MOST or self._bytes > MOST_BYTES:
            _, oldest = self._made.popitem(last=False)
            self._bytes -= oldest.size
