"""Tickets: what opens a WebSocket or an event stream once, where a browser can set no header.

A ticket stands for the credential that it was given for and says no more than its digest: so
whatever became of that meanwhile counts, such as that it was revoked.
"""

from __future__ import annotations

import math
from datetime import datetime

from twisted.internet.interfaces import IReactorTime

from tempmail.core.account_ports import SingleUse
from tempmail.core.limits import Rate, TokenBuckets
from tempmail.core.tokens import digest, new_token
from tempmail.model.account import Caller
from tempmail.model.errors import LimitReached, Unauthenticated
from tempmail.model.mailbox import SessionOwner

LIFE_SECONDS = 30
"""From when it is given to when it is good for nothing."""

RATE = Rate(per_second=5, burst=100)
"""Tickets of one network: those that nobody uses lie in storage until they are swept."""

_PURPOSE = "ticket"


class Tickets:
    """:param single_use: keeps them for whichever daemon is shown them.
    :param clock: for how often they are given.
    """

    def __init__(self, single_use: SingleUse, clock: IReactorTime) -> None:
        self._single_use = single_use
        self._clock = clock
        self._given = TokenBuckets(RATE)

    async def give(self, caller: Caller, network: str) -> tuple[str, datetime]:
        """A new ticket for ``caller``, and until when it is good.

        :param network: that asks.
        :raises LimitReached: it was given too many.
        """
        now = self._clock.seconds()
        wait = self._given.wait(network, 1, now)
        if wait:
            raise LimitReached(
                "your network was given many tickets just now; wait a moment",
                retry_after=math.ceil(wait),
            )
        self._given.take(network, 1, now)
        kind, shown = _credential(caller)
        ticket = new_token()
        value = {"kind": kind, "digest": shown.hex()}
        return ticket, await self._single_use.keep(digest(ticket), _PURPOSE, value, LIFE_SECONDS)

    async def take(self, ticket: str) -> tuple[str, bytes]:
        """Use a ticket up.

        :returns: ``key``, ``cookie`` or ``token``, and the digest of that.
        :raises Unauthenticated: it is unknown, used or past its time.
        """
        value = await self._single_use.take(digest(ticket), _PURPOSE)
        if value is None:
            raise Unauthenticated("this ticket is unknown, was used or has expired; get another")
        return value["kind"], bytes.fromhex(value["digest"])


def _credential(caller: Caller) -> tuple[str, bytes]:
    if isinstance(caller.owner, SessionOwner):
        return "token", caller.owner.token_hash
    assert caller.digest is not None
    return ("cookie" if caller.key_id is None else "key"), caller.digest
