"""Public mailboxes: whoever knows the address reads them, and nothing in them lasts.

A message lives 15 minutes from its arrival, the mailbox until an hour after it was last asked
for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from attrs import frozen
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime

from tempmail.core import naming
from tempmail.core.limits import Rate, TokenBuckets
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Messages, PublicStore
from tempmail.core.views import Views
from tempmail.model.address import RESERVED, Domains, local_part
from tempmail.model.errors import AddressUnavailable, LimitReached, NotFound, TempmailError
from tempmail.model.mailbox import Everybody
from tempmail.model.message import Message, Summary

CLAIMS = Rate(per_second=0.5, burst=100)
"""Public mailboxes that one client network has made for it over HTTP."""

MOST_MESSAGES = 50
"""Shown of a mailbox: the newest."""

_MOST_BYTES = 8 * 1024 * 1024
_TRIES = 5


@frozen
class Shown:
    """A message of a public mailbox.

    :ivar message: the same with its view; None where too much is asked for at once, or where it
        cannot be made readable now.
    """

    summary: Summary
    message: Message | None


class PublicInboxes:
    """:param store: keeps public mailboxes.
    :param messages: stored ones.
    :param views: makes them readable.
    :param domains: ours.
    :param creations: what each client network may make.
    :param clock: for those.
    """

    def __init__(
        self,
        store: PublicStore,
        messages: Messages,
        views: Views,
        domains: Domains,
        creations: TokenBuckets,
        metrics: Metrics,
        clock: IReactorTime,
    ) -> None:
        self._store = store
        self._messages = messages
        self._views = views
        self._domains = domains
        self._creations = creations
        self._denied = metrics.limit_denials.labels("public_mailboxes")
        self._clock = clock

    @property
    def domain(self) -> str:
        """Of the mailboxes that are claimed."""
        return self._domains.default

    async def claim(self, username: str | None, client: str, style: str = "words") -> str:
        """The address of a public mailbox, which is made where there is none.

        :param username: a local part; None for one that we choose.
        :param client: the network that asks.
        :param style: of a local part that we choose, see :data:`tempmail.core.naming.STYLES`.
        :raises InvalidInput: no mailbox can have this name.
        :raises AddressUnavailable: it is somebody's own, or reserved.
        :raises LimitReached: the network made as many as it may for now.
        """
        if username is not None:
            name = local_part(username)
            if name in RESERVED:
                raise AddressUnavailable(f"{name} is reserved; ask for another username")
            return await self._claimed(name, client)
        for _ in range(_TRIES - 1):
            try:
                return await self._claimed(naming.STYLES[style](), client)
            except AddressUnavailable:
                continue
        return await self._claimed(naming.STYLES[style](), client)

    async def _claimed(self, name: str, client: str) -> str:
        address, now = f"{name}@{self._domains.default}", self._clock.seconds()
        wait = self._creations.wait(client, 1, now)
        try:
            made = await self._store.claim(address, create=not wait)
        except AddressUnavailable:
            if not wait:
                raise
            self._denied.inc()
            raise LimitReached(
                "your network made as many public mailboxes as it may for now",
                retry_after=math.ceil(wait),
            ) from None
        if made:
            self._creations.take(client, 1, now)
        else:
            await self._store.prolong(address)
        return address

    async def read(self, address: str, client: str) -> Sequence[Shown]:
        """The newest messages of a public mailbox, newest first.

        :param client: the network that asks.
        :raises InvalidInput: for what is no address of ours.
        :raises NotFound: there is no such mailbox, or it is somebody's own.
        """
        address = self._domains.canonical(address)
        page = await self._messages.newest(
            address, Everybody(), limit=MOST_MESSAGES, before=None, unread=False
        )
        await self._store.prolong(address)
        room = _MOST_BYTES
        reading = []
        for summary in page.messages:
            room -= summary.size
            reading.append(Deferred.fromCoroutine(self._shown(summary, client, readable=room >= 0)))
        at_once = all(one.called for one in reading)
        shown = await gatherResults(reading, consumeErrors=True)
        if not at_once:  # what has expired meanwhile is gone
            oldest = page.messages[-1].seq
            there = await self._messages.arrivals(page.mailbox_id, oldest - 1, MOST_MESSAGES)
            left = {one.message_id for one in there}
            shown = [one for one in shown if one is not None and one.summary.id in left]
        return [one for one in shown if one is not None]

    async def _shown(self, summary: Summary, client: str, *, readable: bool) -> Shown | None:
        if not readable:
            return Shown(summary, None)
        try:
            message = await self._views.read(summary.mailbox_id, summary.id, client)
        except NotFound:  # its time has come
            return None
        except TempmailError:
            return Shown(summary, None)
        return Shown(message.summary, message)
