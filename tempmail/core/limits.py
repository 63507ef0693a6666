"""How often one client may do something: token buckets by GCRA, and the operator's limits.

A bucket holds at most B tokens, full at first, and gains R of them a second; whoever acts takes
some out, and waits where too few are left.  The Generic Cell Rate Algorithm (ITU-T I.371,
annex A) needs one number a client for that: the moment F at which its bucket will be full again.

- A bucket that is full at F lacks (F - now) * R tokens, none where F lies behind.
- Taking n moves F to max(F, now) + n / R.
- There are n to take where the bucket lacks no more than B - n, so where that new F lies at most
  B / R seconds ahead.

Hence the bound: let the first taking of a window be at a, the last at b.  Each taking moves F
ahead by n / R from a or later, and at b it lies at most B / R ahead of b.  So the sum of all n is
at most R * (b - a) + B.

A client whose F lies behind is like one never seen, so it is forgotten.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from itertools import islice

from attrs import frozen

MOST_CLIENTS = 100_000
"""Clients that each kind of bucket remembers: at most some 20 MB."""

STRIKE_FORGIVEN = 1 / 120
"""Strikes a second."""


@frozen
class Rate:
    """What a bucket gives.

    :ivar per_second: tokens gained.
    :ivar burst: tokens that a full bucket holds; nobody can ever take more at once.
    """

    per_second: float
    burst: float


class TokenBuckets:
    """One bucket for each client, in bounded memory.

    Where there are too many clients, those that took least recently are forgotten, which makes
    their buckets full: whoever floods the table with addresses does a favour to the others, and
    gains no more than those addresses would have been given anyway.

    :param rate: of every bucket.
    :param most_clients: that are remembered.

    Times are in seconds, of any one clock.
    """

    def __init__(self, rate: Rate, most_clients: int = MOST_CLIENTS) -> None:
        self._interval = 1 / rate.per_second
        self._capacity = rate.burst / rate.per_second
        self._most_clients = most_clients
        self._full_at: OrderedDict[str, float] = OrderedDict()  # least recently taken first

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, client: str, count: float, now: float) -> float:
        """Seconds until there are ``count`` tokens to take; 0 where there are now."""
        full_at = max(self._full_at.get(client, now), now) + count * self._interval
        return max(0.0, full_at - now - self._capacity)

    def take(self, client: str, count: float, now: float) -> None:
        """Take ``count`` tokens, which :meth:`wait` has found or which are spent already.

        What was spent without asking is a debt; it is never deeper than one burst, so that a
        clock that was set back does not refuse anybody for long.
        """
        full_at = max(self._full_at.get(client, now), now) + count * self._interval
        self._full_at[client] = min(full_at, now + 2 * self._capacity)
        self._full_at.move_to_end(client)
        for oldest in tuple(islice(self._full_at, 2)):  # two out for one in: it only shrinks
            if self._full_at[oldest] <= now or len(self._full_at) > self._most_clients:
                del self._full_at[oldest]

    def give(self, client: str, count: float, now: float) -> None:
        """Put back ``count`` tokens that were taken, as far as time has not."""
        full_at = self._full_at.get(client, now) - count * self._interval
        if full_at > now:
            self._full_at[client] = full_at
        else:
            self._full_at.pop(client, None)

    def forget(self, client: str) -> None:
        """Make the client's bucket full."""
        self._full_at.pop(client, None)

    def delay(self, client: str, full_at: float, now: float) -> None:
        """Others have taken from the client's bucket: it is not full before ``full_at``."""
        if full_at > max(now, self._full_at.get(client, now)):
            self._full_at[client] = min(full_at, now + 2 * self._capacity)
            self._full_at.move_to_end(client)
            if len(self._full_at) > self._most_clients:
                self._full_at.popitem(last=False)


MakeBuckets = Callable[[str, Rate], TokenBuckets]
"""Buckets of a kind, which its name tells from others wherever daemons share them."""


@frozen
class ClientLimits:
    """What SMTP clients may do; a client is an IPv4 address or an IPv6 /64.

    :ivar enforced: whether anything but ``connections`` is limited at all.
    :ivar connections: open at once, of all clients together.
    :ivar connections_per_client: open at once.
    :ivar messages: of a client.
    :ivar recipients: of a client's messages.
    :ivar octets: of the contents of a client's messages.
    :ivar strikes: sessions ended for misbehaviour that a client is forgiven, and how soon; past
        these it is blocked.  With a burst of 0 nobody is.
    """

    enforced: bool = True
    connections: int = 2000
    connections_per_client: int = 400
    messages: Rate = Rate(5_000, 100_000)
    recipients: Rate = Rate(10_000, 200_000)
    octets: Rate = Rate(200 * 2**20, 4000 * 2**20)
    strikes: Rate = Rate(STRIKE_FORGIVEN, 5)
