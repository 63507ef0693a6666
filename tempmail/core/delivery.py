"""The one door through which every mail comes in."""

from __future__ import annotations

from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tempmail.core.arrivals import Arrivals
from tempmail.core.delivery_log import DeliveryLog
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Bus, Ingest
from tempmail.model.delivery import Refused
from tempmail.model.event import Event, EventKind
from tempmail.model.message import Envelope, Placement, Verdict

_WHY = {
    Verdict.FULL: "the mailbox had no room",
    Verdict.TOO_LARGE: "the message was larger than the mailbox's plan allows",
}


class Door(Protocol):
    """Where complete mails are handed in, see :class:`Delivery`."""

    def deliver(self, envelope: Envelope) -> Deferred[list[Placement]]: ...

    def turned_away(self, envelope: Envelope, reason: str, *, refused: bool) -> None: ...


class Delivery:
    """Keeps a mail, then tells whoever watches, then lets its sender be answered.

    :param ingest: commits.
    :param bus: hears of what was committed.
    :param log: hears of what was not.
    :param metrics: counts verdicts.
    :param arrivals: hears how long it took.
    """

    def __init__(
        self,
        ingest: Ingest,
        bus: Bus,
        log: DeliveryLog,
        metrics: Metrics,
        arrivals: Arrivals | None = None,
    ) -> None:
        self._ingest = ingest
        self._bus = bus
        self._log = log
        self._arrivals = arrivals
        self._count = {verdict: metrics.placements.labels(verdict.value) for verdict in Verdict}

    def deliver(self, envelope: Envelope) -> Deferred[list[Placement]]:
        """Keep ``envelope`` for each recipient that has a mailbox with room.

        The returned Deferred is not to be cancelled: a commit under way cannot be called back.

        :returns: one placement a recipient, in order; unknown and full mailboxes are
            verdicts, not errors.
        :raises Unavailable: nothing was stored; the sender is to try again (RFC 5321, 451).
        :raises Undecided: whether it was stored cannot be learned; the sender gets no answer.
        """
        complete = self._arrivals.now() if self._arrivals is not None else 0.0
        return self._ingest.store(envelope).addCallbacks(
            self._stored, self._failed, callbackArgs=(envelope, complete), errbackArgs=(envelope,)
        )

    def turned_away(self, envelope: Envelope, reason: str, *, refused: bool) -> None:
        """Note a mail that never came to the point of being kept.

        :param reason: for the mailboxes' owners.
        :param refused: whether its sender was told never to try again.
        """
        addresses = tuple(recipient.address for recipient in envelope.recipients)
        self._note(envelope, addresses, "refused" if refused else "deferred", reason)

    def _stored(
        self, placements: list[Placement], envelope: Envelope, complete: float
    ) -> list[Placement]:
        stored = False
        for placement, recipient in zip(placements, envelope.recipients, strict=True):
            self._count[placement.verdict].inc()
            if placement.verdict is Verdict.STORED:
                stored = True
                assert placement.mailbox_id is not None
                assert placement.seq is not None
                self._bus.publish(
                    Event(
                        EventKind.NEW_MESSAGE,
                        placement.mailbox_id,
                        placement.message_id,
                        placement.seq,
                    )
                )
            elif placement.verdict in _WHY:
                verdict = placement.verdict
                self._note(envelope, (recipient.address,), verdict.value, _WHY[verdict])
        if stored and self._arrivals is not None:
            self._arrivals.told(complete)
        return placements

    def _failed(self, failure: Failure, envelope: Envelope) -> Failure:
        reason = "our storage was away; the sender may try again"
        self.turned_away(envelope, reason, refused=False)
        return failure

    def _note(
        self, envelope: Envelope, addresses: tuple[str, ...], verdict: str, reason: str
    ) -> None:
        self._log.note(
            Refused(
                addresses,
                verdict,
                reason,
                envelope.mail_from,
                envelope.helo,
                envelope.peer_ip,
                envelope.tls,
                envelope.size,
                envelope.received_ms,
            )
        )
