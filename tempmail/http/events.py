"""All the event streams over HTTP: who may open one, their number, their pings, their end."""

from __future__ import annotations

import re

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from tempmail.core.callers import Callers
from tempmail.core.metrics import Metrics
from tempmail.core.places import Places
from tempmail.core.waiting import Watching
from tempmail.http.answers import Answer, Stream
from tempmail.http.asked import FollowEvents
from tempmail.http.event_stream import HEADERS, EventStream
from tempmail.http.routes import Access, Ask, Returns, Route
from tempmail.model.errors import InvalidInput, LimitReached, Unavailable
from tempmail.model.mailbox import Owner

MOST = 10_000
MOST_EACH = 2_000
PING_SECONDS = 20
_SEQUENCE = re.compile(r"(?:0|[1-9][0-9]{0,17})\Z", re.ASCII)


class EventRoutes:
    """:param streams: those that are open.
    :param callers: says when a credential is good no more.
    """

    def __init__(self, streams: EventStreams, callers: Callers) -> None:
        self._streams = streams
        self._callers = callers

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [
            Route(
                "GET",
                "/api/v1/mailboxes/<address>/events",
                self.follow,
                "Follow a mailbox by server-sent events",
                Access.CODES,
                query=FollowEvents,
                returns={200: Returns(description="Events", media_type="text/event-stream")},
                refuses=(LimitReached,),
                credential_in_query=True,
                name="follow_events",
            )
        ]

    async def follow(self, ask: Ask[FollowEvents], address: str) -> Answer | Stream:
        asked, request = ask.given, ask.request
        last_event_id = request.getHeader("Last-Event-ID")
        if last_event_id:  # a browser that comes again still has the first "after" in its URL
            asked.after = _sequence(last_event_id)
        stream = await self._streams.open(address, ask.owner, asked.after, ask.network)
        if request.method == b"HEAD":
            stream.leave()
            return Answer(headers=HEADERS)
        stream.until(self._callers.watch(ask.caller, lambda: stream.end("revoked")))
        return stream


def _sequence(text: str) -> int:
    if not _SEQUENCE.match(text):
        raise InvalidInput("Last-Event-ID: none of ours; give back the last 'id', or leave it out")
    return int(text)


class EventStreams:
    """All the event streams of the daemon: their number, their pings, their end.

    One timer goes through them once a second: each second's share is pinged, and those whose
    mailboxes' time is over are asked for.

    :param watching: admits followers of mailboxes.
    :param metrics: counts them, and those that we refused or ended.
    :param clock: ``seconds`` since the epoch.
    :param most, most_each: how many there may be, altogether and of one network.
    """

    def __init__(
        self,
        watching: Watching,
        metrics: Metrics,
        clock: IReactorTime,
        *,
        most: int = MOST,
        most_each: int = MOST_EACH,
    ) -> None:
        self.watching = watching
        self.clock = clock
        self._places = Places(most, most_each, metrics.event_streams, metrics.followers_refused)
        self._refused = metrics.followers_refused
        self._shares: dict[EventStream, int] = {}
        self._next_share = 0
        self._second = 0
        self._timer: IDelayedCall | None = None
        self._stopping = False

    async def open(
        self, address: str, owner: Owner, after: int | None, network: str
    ) -> EventStream:
        """A stream that begins when it is sent; it has its place until :meth:`left`.

        :param after: the last sequence number that the client knows; None for what comes now.
        :param network: that asks, see :func:`tempmail.model.network.network`.
        :raises NotFound: there is no such mailbox.
        :raises Unauthenticated: a credential that was never issued.
        :raises LimitReached: the network has as many streams as it may.
        :raises Unavailable: there are too many, storage is away, or the daemon stops.
        """
        self._places.take(network)
        try:
            mailbox = await self.watching.admit(address, owner)
            if self._stopping:
                raise Unavailable("the server is stopping; try again")
        except BaseException:
            self._places.give(network)
            raise
        stream = EventStream(self, network, address, owner, mailbox, after)
        self._shares[stream] = self._next_share
        self._next_share = (self._next_share + 1) % PING_SECONDS
        if self._timer is None:
            self._timer = self.clock.callLater(1, self._each_second)
        return stream

    def refused(self, reason: str) -> None:
        """Count a stream that we ended."""
        self._refused.labels(reason).inc()

    def left(self, stream: EventStream) -> None:
        """Forget a stream; twice is once."""
        if self._shares.pop(stream, None) is not None:
            self._places.give(stream.network)
        if not self._shares and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def stop(self) -> None:
        """End all streams, and begin none."""
        self._stopping = True
        for stream in tuple(self._shares):
            stream.end("stopping")

    def _each_second(self) -> None:
        self._timer = self.clock.callLater(1, self._each_second)
        self._second = (self._second + 1) % PING_SECONDS
        now = self.clock.seconds()
        for stream, share in tuple(self._shares.items()):
            if share == self._second:
                stream.ping()
            if stream.ends <= now:
                stream.ask_again()
