"""Whether an SMTP client may connect, and may hand over one message more."""

from __future__ import annotations

import math
from collections import Counter

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from tempmail.core.blocks import Blocks
from tempmail.core.limits import ClientLimits, MakeBuckets, TokenBuckets
from tempmail.core.metrics import Metrics
from tempmail.model.network import network

_DENIAL = 1 / 200
"""Of a strike: a sender's queue may run into a limit as a whole, once a retry; hammering does not
go on for long."""


@frozen
class Denial:
    """A temporary no: the client may come again later.

    :ivar reason: one word for the metric and the log.
    :ivar text: what to tell the client, in ASCII, without any reply code.
    """

    reason: str
    text: str


_FULL = Denial("connections", "Too many connections")
_CROWDED = Denial("connections_per_client", "Too many connections from your network")
_BLOCKED = Denial("blocked", "Your network is blocked for a while, for its errors or its haste")


class SmtpLimits:
    """Keeps account of SMTP clients by their network, and says no where a limit is reached.

    Every :class:`Denial` is counted here; the caller answers it: 421 4.7.0 to a connection,
    450 4.7.1 to a message.

    :param limits: what is allowed.
    :param blocks: who is shut out, and where those go who misbehave.
    :param clock: the reactor.
    :param buckets: makes those of one kind, by its name.
    """

    def __init__(
        self,
        limits: ClientLimits,
        blocks: Blocks,
        metrics: Metrics,
        clock: IReactorTime,
        buckets: MakeBuckets = lambda _, rate: TokenBuckets(rate),
    ) -> None:
        self._limits = limits
        self._blocks = blocks
        self._clock = clock
        self._origin = clock.seconds()  # small numbers leave a float's digits to the fractions
        self._connections: Counter[str] = Counter()
        self._total = 0
        self._messages = buckets("smtp_messages", limits.messages)
        self._recipients = buckets("smtp_recipients", limits.recipients)
        self._octets = buckets("smtp_octets", limits.octets)
        self._strikes = buckets("smtp_strikes", limits.strikes)
        self._denied = metrics.limit_denials
        metrics.smtp_clients.set_function(lambda: len(self._connections))
        all_buckets = (self._messages, self._recipients, self._octets, self._strikes)
        metrics.limit_clients.set_function(lambda: max(map(len, all_buckets)))

    def admit(self, peer_ip: str) -> Denial | None:
        """Whether one connection more is taken; where it is, :meth:`left` must follow once.

        Behind a ``haproxy:`` endpoint the true address is known only with its header: admit then.
        """
        client = network(peer_ip)
        if self._total >= self._limits.connections:
            return self._deny(_FULL)
        if self._limits.enforced:
            if self._blocks.holds(client):
                return self._deny(_BLOCKED)
            if self._connections[client] >= self._limits.connections_per_client:
                return self._deny(_CROWDED, client)
        self._connections[client] += 1
        self._total += 1
        return None

    def left(self, peer_ip: str) -> None:
        """A connection that was admitted has ended."""
        client = network(peer_ip)
        self._total -= 1
        self._connections[client] -= 1
        if not self._connections[client]:
            del self._connections[client]

    def message(self, peer_ip: str, recipients: int, octets: int) -> Denial | None:
        """Whether the client may hand over a message now; where it may, it is charged for it.

        :param octets: as SIZE declared them (RFC 1870), 0 where it did not; see :meth:`content`.
        """
        if not self._limits.enforced:
            return None
        client = network(peer_ip)
        if self._blocks.holds(client):
            return self._deny(_BLOCKED)
        now = self._now()
        asked = (
            ("messages", self._messages, 1),
            ("recipients", self._recipients, recipients),
            ("bytes", self._octets, max(1, octets)),
        )
        for reason, buckets, count in asked:
            wait = buckets.wait(client, count, now)
            if wait:
                text = f"Too many {reason} from your network; try again in {math.ceil(wait)} s"
                return self._deny(Denial(reason, text), client)
        for _, buckets, count in asked:
            buckets.take(client, count, now)
        return None

    def content(self, peer_ip: str, octets: int) -> None:
        """Charge the octets that a message had beyond those it declared: the next ones wait."""
        if self._limits.enforced and octets > 0:
            self._octets.take(network(peer_ip), octets, self._now())

    def misbehaved(self, peer_ip: str) -> None:
        """A session had to be ended, such as for too many errors: that is a strike."""
        self._strike(network(peer_ip), 1, "errors")

    def _deny(self, denial: Denial, client: str | None = None) -> Denial:
        """Count it; ``client`` is whose fault it is, if anybody's."""
        self._denied.labels(denial.reason).inc()
        if client is not None:
            self._strike(client, _DENIAL, "limits")
        return denial

    def _strike(self, client: str, weight: float, reason: str) -> None:
        if not self._limits.enforced or not self._limits.strikes.burst:
            return
        if self._blocks.holds(client):
            return  # it may try; whoever is shut out does not lengthen that by knocking
        now = self._now()
        if self._strikes.wait(client, weight, now):
            self._strikes.forget(client)
            self._blocks.block(client, reason)
        else:
            self._strikes.take(client, weight, now)

    def _now(self) -> float:
        return self._clock.seconds() - self._origin
