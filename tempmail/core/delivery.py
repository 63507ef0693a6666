"""The one door through which every mail comes in."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tempmail.core.metrics import Metrics
from tempmail.core.ports import Bus, Ingest
from tempmail.model.event import Event, EventKind
from tempmail.model.message import Envelope, Placement, Verdict


class Delivery:
    """Keeps a mail, then tells whoever watches, then lets its sender be answered.

    :param ingest: commits.
    :param bus: hears of what was committed.
    :param metrics: counts verdicts.
    """

    def __init__(self, ingest: Ingest, bus: Bus, metrics: Metrics) -> None:
        self._ingest = ingest
        self._bus = bus
        self._count = {verdict: metrics.placements.labels(verdict.value) for verdict in Verdict}

    def deliver(self, envelope: Envelope) -> Deferred[list[Placement]]:
        """Keep ``envelope`` for each recipient that has a mailbox with room.

        The returned Deferred is not to be cancelled: a commit under way cannot be called back.

        :returns: one placement a recipient, in order; unknown and full mailboxes are
            verdicts, not errors.
        :raises Unavailable: nothing was stored; the sender is to try again (RFC 5321, 451).
        :raises Undecided: whether it was stored cannot be learned; the sender gets no answer.
        """
        return self._ingest.store(envelope).addCallback(self._announce)

    def _announce(self, placements: list[Placement]) -> list[Placement]:
        for placement in placements:
            self._count[placement.verdict].inc()
            if placement.verdict is Verdict.STORED:
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
        return placements
