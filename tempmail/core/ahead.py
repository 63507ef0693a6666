"""Parsing what has just arrived where somebody watches, before they ask for it.

A mailbox is watched while somebody follows it, and for a minute after it was listed.  Nothing
depends on this: what is left out under load is parsed when it is first read.
"""

from __future__ import annotations

from uuid import UUID

from attrs import define
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from tempmail.core.metrics import Metrics
from tempmail.core.ports import Bus, Subscription
from tempmail.core.views import Views
from tempmail.model.event import Event, EventKind

_LISTED_SECONDS = 60
_MOST_LISTED = 10_000
_AT_ONCE = 4
"""Messages parsed ahead at a time; there is no queue."""


@define
class _Listed:
    subscription: Subscription
    forget: IDelayedCall


class ParsingAhead:
    """:param views: makes what is wanted.
    :param bus: says what arrives in mailboxes that were listed.
    :param clock: to let whoever handed a mail over be answered first.
    """

    def __init__(self, views: Views, bus: Bus, metrics: Metrics, clock: IReactorTime) -> None:
        self._views = views
        self._bus = bus
        self._clock = clock
        self._made = metrics.parses_ahead.labels("started")
        self._left_out = metrics.parses_ahead.labels("left_out")
        self._under_way: set[UUID] = set()
        self._listed: dict[int, _Listed] = {}

    def arrived(self, event: Event) -> None:
        """Somebody watches the mailbox of ``event``: a message that it tells of is parsed soon."""
        message_id = event.message_id
        if event.kind is not EventKind.NEW_MESSAGE or message_id is None:
            return
        if message_id in self._under_way:
            return
        if len(self._under_way) >= _AT_ONCE:
            self._left_out.inc()
            return
        self._made.inc()
        self._under_way.add(message_id)
        self._clock.callLater(0, self._parse, event.mailbox_id, message_id)

    def listed(self, mailbox_id: int) -> None:
        """Somebody looked into the mailbox, and may do so again."""
        known = self._listed.get(mailbox_id)
        if known is not None:
            known.forget.reset(_LISTED_SECONDS)
        elif len(self._listed) < _MOST_LISTED:
            self._listed[mailbox_id] = _Listed(
                self._bus.subscribe(mailbox_id, self.arrived),
                self._clock.callLater(_LISTED_SECONDS, self._forget, mailbox_id),
            )

    def _forget(self, mailbox_id: int) -> None:
        self._listed.pop(mailbox_id).subscription.cancel()

    def _parse(self, mailbox_id: int, message_id: UUID) -> None:
        def ended(_: object) -> None:  # whoever reads it is told what went wrong
            self._under_way.discard(message_id)

        self._views.read(mailbox_id, message_id, mailbox_id).addBoth(ended)
