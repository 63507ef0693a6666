"""What becomes of recipients whom nobody made a mailbox for: the operator's choice.

``accept`` takes their mail and drops it, so that nobody learns which addresses exist; ``reject``
says so at RCPT; ``create`` makes a public mailbox of the first mail.
"""

from __future__ import annotations

import enum
from collections import OrderedDict
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from tempmail.core.limits import Rate, TokenBuckets
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Ingest, RecipientStore
from tempmail.model.message import Envelope, Placement
from tempmail.model.network import network

KNOWN_SECONDS = 2.0
"""For how long a mailbox that was found is believed to be there: those whose time is over are
noticed within that.  One that is deleted is forgotten at once by every daemon that hears of it,
see :data:`FORGET`, and else within that time.  A miss is never remembered, for the mailbox may be
made by another daemon at any moment."""

FORGET = "recipients"
"""The topic on which the addresses of deleted mailboxes are announced."""

_KNOWN_MOST = 50_000

CREATIONS = Rate(per_second=1, burst=600)
"""Public mailboxes that mail of one client network makes."""


class UnknownRecipients(enum.StrEnum):
    """What ``--unknown-recipients`` takes."""

    ACCEPT = "accept"
    REJECT = "reject"
    CREATE = "create"


class Standing(enum.StrEnum):
    """Whether mail for an address can be taken now."""

    OPEN = "open"
    FULL = "full"
    UNKNOWN = "unknown"


class RecipientCheck(Protocol):
    """What the SMTP edge asks at RCPT.

    :ivar tells: whether a sender may learn of mail that nobody got.
    """

    tells: bool

    def check(self, address: str) -> Standing | Deferred[Standing]:
        """How ``address`` stands; at once where memory says so.

        :raises Unavailable: storage is away.
        """


class AcceptAll:
    """Every address of our domains is open, as far as a sender can tell."""

    tells = False

    def check(self, address: str) -> Standing:  # noqa: ARG002  # nobody is to learn which exist
        return Standing.OPEN


class Known:
    """Addresses found lately, in bounded memory."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()  # oldest first

    def __contains__(self, address: str) -> bool:
        return self._until.get(address, 0.0) > self._clock.seconds()

    def add(self, address: str) -> None:
        self._until[address] = self._clock.seconds() + KNOWN_SECONDS
        self._until.move_to_end(address)
        if len(self._until) > _KNOWN_MOST:
            self._until.popitem(last=False)

    def forget(self, address: str) -> None:
        """Ask again; for an address that is not known, nothing."""
        self._until.pop(address, None)


class RejectUnknown:
    """Asks storage, and remembers for a moment who is there with room.

    :param store: says how addresses stand.
    """

    tells = True

    def __init__(self, store: RecipientStore, clock: IReactorTime) -> None:
        self._store = store
        self._known = Known(clock)

    def check(self, address: str) -> Standing | Deferred[Standing]:
        # Every host takes its postmaster's mail (RFC 5321 section 4.5.1).
        if address in self._known or address.startswith("postmaster@"):
            return Standing.OPEN
        return Deferred.fromCoroutine(self._ask(address))

    def forget(self, address: str) -> None:
        """Its mailbox was deleted."""
        self._known.forget(address)

    async def _ask(self, address: str) -> Standing:
        standing = Standing(await self._store.standing(address))
        if standing is Standing.OPEN:
            self._known.add(address)
        return standing


class CatchAll:
    """An :class:`~tempmail.core.ports.Ingest` before which unknown recipients get a mailbox.

    The mailboxes are made first and the mail is stored once: what fails before that answers
    451 with nothing stored.  Each client network makes only so many; beyond that its mail to
    unknown recipients is dropped as under ``accept``.

    :param ingest: stores.
    :param store: makes public mailboxes; not of addresses that are reserved for somebody.
    :param creations: of :data:`CREATIONS`, where daemons share them.
    """

    def __init__(
        self,
        ingest: Ingest,
        store: RecipientStore,
        metrics: Metrics,
        clock: IReactorTime,
        creations: TokenBuckets | None = None,
    ) -> None:
        self._ingest = ingest
        self._store = store
        self._known = Known(clock)
        self._clock = clock
        self._creations = creations or TokenBuckets(CREATIONS)
        self._denied = metrics.limit_denials.labels("public_mailboxes")

    def store(self, envelope: Envelope) -> Deferred[list[Placement]]:
        """See :meth:`tempmail.core.ports.Ingest.store`."""
        unknown = {
            recipient.address
            for recipient in envelope.recipients
            if recipient.address not in self._known
        }
        if not unknown:
            return self._ingest.store(envelope)
        return Deferred.fromCoroutine(self._make_and_store(sorted(unknown), envelope))

    def forget(self, address: str) -> None:
        """Its mailbox was deleted."""
        self._known.forget(address)

    async def _make_and_store(self, unknown: list[str], envelope: Envelope) -> list[Placement]:
        client, now = network(envelope.peer_ip), self._clock.seconds()
        allowed = not self._creations.wait(client, len(unknown), now)
        living, made = await self._store.ensure_public(unknown, create=allowed)
        if made:
            self._creations.take(client, made, now)
        elif not allowed:
            self._denied.inc()
        for address in living:
            self._known.add(address)
        return await self._ingest.store(envelope)
