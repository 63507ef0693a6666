"""How many requests a client may make over HTTP, and when its network is shut out for a while.

Rates are rows of the table ``plans`` and change at any time, so the buckets hold seconds: each has
a minute, and a request of somebody who may make r a minute takes 60 / r of it.

Whoever is told to wait is given a place in a queue as well: of fifty clients behind one address
that come at once, each is told another second, so that all get in where they come when told.
"""

from __future__ import annotations

import math

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from tempmail.core.blocks import Blocks
from tempmail.core.limits import MakeBuckets, Rate, TokenBuckets
from tempmail.core.metrics import Metrics
from tempmail.core.plan_rates import AT_FIRST, AnonymousRate
from tempmail.model.account import Caller
from tempmail.model.errors import LimitReached
from tempmail.model.mailbox import UserOwner
from tempmail.model.network import network

MINUTE = Rate(1, 60)
"""Seconds a second, and a minute at once."""

DOCUMENTS = 10
"""Times as many requests as others: a mail may show many images."""

DENIALS = Rate(4, 1200)
"""Seconds that denied requests would have taken: four times what its rate gives a network, and
twenty minutes' worth at once, is more than clients ask for that come when they were told."""

MISDEEDS = Rate(1, 600)
"""Unknown credentials, and wishes beyond a plan's limit."""

NOTIFICATIONS = Rate(50, 5000)
"""Calls of Amazon SNS for a topic of ours that one network may make, each counted once for every
:data:`NOTIFICATION_BYTES` of it.

Whoever knows a topic's name can write it, so there is a bound; but the addresses of SNS are shared
with strangers, and what it is refused it sends three times more, 20 seconds apart, before it gives
up.  So what comes at once may be thousands of mails that lie in S3, or the better part of a
thousand that are within the call, of one of the addresses alone; and within the minute of those
three times 3000 more find room.  A stranger has us read 3 MB a second in the long run."""

NOTIFICATION_BYTES = 64 * 1024

_UNKNOWN = Rate(2, 120)
"""Requests with an API key that turned out to be none, or is being looked up, before others are."""


@frozen
class Standing:
    """What of a rate is left.

    :ivar limit: requests a minute.
    :ivar remaining: requests that may be made at once.
    :ivar reset: seconds until all may.
    """

    limit: int
    remaining: int
    reset: int


class RateReached(LimitReached):
    """Too many requests.

    :ivar standing: what the client may do, where that is known.
    """

    code = "rate_limited"

    def __init__(self, detail: str, retry_after: int, standing: Standing | None = None) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.standing = standing


class RequestLimits:
    """Keeps account of HTTP clients by their network, and of users.

    Every denial is counted here; the caller answers it.

    :param anonymous: requests a minute of whoever is no user.
    :param blocks: who is shut out, and where those go who misbehave.
    :param clock: the reactor.
    :param buckets: makes those of one kind, by its name.
    """

    def __init__(
        self,
        anonymous: AnonymousRate,
        blocks: Blocks,
        metrics: Metrics,
        clock: IReactorTime,
        buckets: MakeBuckets = lambda _, rate: TokenBuckets(rate),
    ) -> None:
        self._anonymous = anonymous
        self._blocks = blocks
        self._clock = clock
        self._origin = clock.seconds()  # small numbers leave a float's digits to the fractions
        self._networks = buckets("http_networks", MINUTE)
        self._users = buckets("http_users", MINUTE)
        self._documents = buckets("http_documents", MINUTE)
        self._elsewhere = buckets("http_elsewhere", MINUTE)
        self._notifications = buckets("http_notifications", NOTIFICATIONS)
        self._unknown = buckets("http_unknown", _UNKNOWN)
        self._denials = buckets("http_denials", DENIALS)
        self._misdeeds = buckets("http_misdeeds", MISDEEDS)
        self._queue = TokenBuckets(MINUTE)
        self._denied = metrics.limit_denials

    def blocked(self, host: str) -> int:
        """For how many seconds more the client is shut out; 0 where it is not."""
        seconds = math.ceil(self._blocks.remaining(network(host)))
        if seconds:
            self._denied.labels("blocked").inc()
        return seconds

    def anonymous(self, host: str, *, blame: bool = True) -> Standing | None:
        """Count a request by the network that it comes from.

        :param blame: whether a denial may have the network shut out in the end.
        :returns: None where there is no limit.
        :raises RateReached: there were too many.
        """
        client = network(host)
        return self._count(self._networks, client, self._anonymous.per_minute(), client, blame)

    def document(self, host: str, *, blame: bool = True) -> Standing | None:
        """As :meth:`anonymous`, for a part of a mail's document."""
        client, rate = network(host), self._anonymous.per_minute()
        rate = rate if rate < 0 else rate * DOCUMENTS
        return self._count(self._documents, client, rate, client, blame)

    def elsewhere(self, host: str) -> None:
        """Count what another site's page had a browser ask for, which is refused: apart from what
        the network asks for itself, as often as documents, and without blame.

        :raises RateReached: there were too many.
        """
        client, rate = network(host), self._anonymous.per_minute()
        rate = rate if rate < 0 else rate * DOCUMENTS
        # The queue of those who wait is by name, and this is none of the network's own.
        self._count(self._elsewhere, f"elsewhere {client}", rate, client, blame=False)

    def notification(self, host: str, size: int) -> int:
        """Count a call for a topic of ours, which nobody is blamed for.

        :param size: bytes of its body.
        :returns: seconds until there is room for it; 0 where it is counted.
        """
        client, now = network(host), self._now()
        count = 1 + size // NOTIFICATION_BYTES
        wait = math.ceil(self._notifications.wait(client, count, now))
        if wait:
            self._denied.labels("notifications").inc()
        else:
            self._notifications.take(client, count, now)
        return wait

    def user(self, host: str, caller: Caller, *, blame: bool = True) -> Standing | None:
        """As :meth:`anonymous`, for a caller whose plan says how much: by user."""
        rate = caller.requests_per_minute
        assert rate is not None
        assert isinstance(caller.owner, UserOwner)
        user = str(caller.owner.user_id)
        return self._count(self._users, user, rate, network(host), blame)

    def uncounted(self, host: str) -> None:
        """Charge the network for a request that nobody else was charged for."""
        rate = self._anonymous.per_minute()
        if rate >= 0:
            self._networks.take(network(host), 60 / (rate or AT_FIRST), self._now())

    def key_shown(self, host: str, *, blame: bool = True) -> None:
        """Something is about to be looked up that may be a key: it counts as unknown until
        :meth:`key_known` says otherwise, whether or not the client waits for that.

        :raises RateReached: too many keys from this network turned out to be none, or it owes
            more than a minute's requests that nobody was charged for.
        """
        client, now = network(host), self._now()
        rate = self._anonymous.per_minute()
        lacking = self._networks.wait(client, 60, now)
        if rate >= 0 and lacking > 60 + 1e-6:
            raise self._too_many(client, rate, lacking - 60, lacking, client, now, blame)
        wait = self._unknown.wait(client, 1, now)
        if wait:
            self._denied.labels("unknown_keys").inc()
            raise RateReached("too many unknown API keys from your network", math.ceil(wait))
        self._unknown.take(client, 1, now)

    def key_known(self, host: str) -> None:
        """What was shown is a key, or was not looked up."""
        self._unknown.give(network(host), 1, self._now())

    def misdeed(self, host: str, reason: str) -> None:
        """An unknown credential was shown, or more was wished for than a plan allows."""
        self._strike(self._misdeeds, network(host), 1, reason)

    def _count(
        self, buckets: TokenBuckets, client: str, rate: int, network: str, blame: bool
    ) -> Standing | None:
        if rate < 0:
            return None
        now = self._now()
        cost = 60 / rate if rate else math.inf
        lacking = buckets.wait(client, 60, now)
        wait = lacking + cost - 60
        if wait > 1e-6:  # rounding in the sums of many costs
            raise self._too_many(client, rate, min(wait, 60.0), lacking, network, now, blame)
        buckets.take(client, cost, now)
        lacking += cost
        return Standing(rate, int((60 - lacking) / cost + 1e-6), math.ceil(lacking))

    def _too_many(
        self,
        client: str,
        rate: int,
        wait: float,
        lacking: float,
        network: str,
        now: float,
        blame: bool,
    ) -> RateReached:
        self._denied.labels("requests").inc()
        cost = 60 / rate if rate else 60.0
        before = self._queue.wait(client, 60, now)
        self._queue.take(client, cost, now)
        if blame:
            self._strike(self._denials, network, cost, "requests")
        return RateReached(
            f"{rate} requests a minute is what you may make; wait for as long as Retry-After says",
            math.ceil(min(wait + before, 60.0)),
            Standing(rate, 0, math.ceil(lacking)),
        )

    def _strike(self, buckets: TokenBuckets, client: str, weight: float, reason: str) -> None:
        if self._blocks.holds(client):
            return  # it may try; whoever is shut out does not lengthen that by knocking
        now = self._now()
        if buckets.wait(client, weight, now):
            buckets.forget(client)
            self._blocks.block(client, reason)
        else:
            buckets.take(client, weight, now)

    def _now(self) -> float:
        return self._clock.seconds() - self._origin
