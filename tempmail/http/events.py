"""A mailbox's events over HTTP as they happen: server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import math
import re

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request
from zope.interface import implementer

from tempmail.core.metrics import Metrics
from tempmail.core.notices import PING, notice
from tempmail.core.places import Places
from tempmail.core.waiting import Following, Watching
from tempmail.http.answers import Answer, Stream
from tempmail.http.credentials import client_network, session_owner
from tempmail.http.representations import FollowEvents
from tempmail.http.requests import parameters
from tempmail.http.routes import Route
from tempmail.model.errors import (
    InvalidInput,
    NotFound,
    TempmailError,
    Unauthenticated,
    Unavailable,
)
from tempmail.model.event import Event, EventKind
from tempmail.model.mailbox import Mailbox, SessionOwner

MOST = 10_000
MOST_EACH = 2_000
PING_SECONDS = 20
RETRY_MILLISECONDS = 2000
"""After which browsers come again when a stream has ended."""

_CONTENT_TYPE = "text/event-stream"
_HEADERS = {
    "Content-Type": _CONTENT_TYPE,
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back
}
_PING = b"event: ping\ndata: %s\n\n" % PING
_ASK_AGAIN_SECONDS = 5
_SEQUENCE = re.compile(r"(?:0|[1-9][0-9]{0,17})\Z", re.ASCII)


class EventRoutes:
    """:param streams: those that are open."""

    def __init__(self, streams: EventStreams) -> None:
        self._streams = streams

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [Route("GET", "/api/v1/mailboxes/<address>/events", self.follow)]

    async def follow(self, request: Request, address: str) -> Answer | Stream:
        asked = parameters(request, query=FollowEvents)
        owner = session_owner(request, asked.token, asked.api_key)
        last_event_id = request.getHeader("Last-Event-ID")
        if last_event_id:  # a browser that comes again still has the first "after" in its URL
            asked.after = _sequence(last_event_id)
        stream = await self._streams.open(address, owner, asked.after, client_network(request))
        if request.method == b"HEAD":
            stream.leave()
            return Answer(headers=_HEADERS)
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
        self, address: str, owner: SessionOwner, after: int | None, network: str
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


@implementer(IPushProducer)
class EventStream:
    """One client of a mailbox's events.

    While the network takes nothing more, nothing is written: new messages wait in the table.  A
    client that has not caught up by its next ping, or that would miss what is in no table, is
    let go, with all that was written, and may come again.

    :ivar network: whose place it has.
    :ivar ends: when to ask whether the mailbox still lives, seconds since the epoch.
    """

    _log = Logger()

    def __init__(
        self,
        streams: EventStreams,
        network: str,
        address: str,
        owner: SessionOwner,
        mailbox: Mailbox,
        after: int | None,
    ) -> None:
        self.network = network
        self.ends = mailbox.expires_at.timestamp()
        self._streams = streams
        self._address = address
        self._owner = owner
        self._mailbox = mailbox
        self._after = after
        self._request: Request | None = None
        self._following: Following | None = None
        self._paused = False
        self._ended: Deferred[None] = Deferred(lambda _: self.leave())

    def send(self, request: Request) -> Deferred[None]:
        """Write events until the stream ends; cancelled where the client leaves before."""
        self._request = request
        for name, value in _HEADERS.items():
            request.setHeader(name, value)
        start = self._streams.watching.start_of(self._mailbox, self._after)
        # With an id from the beginning, a client that comes again has missed nothing.
        request.write(b"id: %d\nretry: %d\n\n" % (start, RETRY_MILLISECONDS))
        request.registerProducer(self, True)
        self._following = self._streams.watching.follow(
            self._mailbox, self._after, self._tell, self._lost
        )
        return self._ended

    def ping(self) -> None:
        """Show that we are here, unless the client has taken nothing since long ago."""
        if self._paused:
            self.end("slow")
        else:
            self._write(_PING)

    def ask_again(self) -> None:
        """Learn whether the mailbox has ended: its time may have been extended meanwhile."""
        self.ends = math.inf
        Deferred.fromCoroutine(
            self._streams.watching.admit(self._address, self._owner)
        ).addCallbacks(self._lives, self._not_admitted)

    def end(self, reason: str) -> None:
        """Nothing more to tell; what was written still goes out.

        :param reason: for the metric, where it was we who ended it.
        """
        request = self._request
        self.leave()
        if request is not None:
            self._streams.refused(reason)
            self._log.debug("ending an event stream: {reason}", reason=reason)
            request.unregisterProducer()
            self._ended.callback(None)

    def leave(self) -> None:
        """Let go of everything; nothing is written from now on."""
        self._request = None
        self.ends = math.inf
        if self._following is not None:
            self._following.stop()
        self._streams.left(self)

    def _write(self, data: bytes) -> None:
        if self._request is not None:
            self._request.write(data)

    def _tell(self, event: Event) -> None:
        if event.kind is EventKind.NEW_MESSAGE:
            self._write(b"id: %d\nevent: new_message\ndata: %s\n\n" % (event.seq, notice(event)))
        elif self._paused:
            self.end("slow")
        else:
            self._write(b"event: %s\ndata: %s\n\n" % (event.kind.encode(), notice(event)))
            if event.kind is EventKind.EXPIRED:
                self.end("expired")

    def _lost(self) -> None:
        self.end("unavailable")

    def _lives(self, mailbox: Mailbox) -> None:
        self.ends = mailbox.expires_at.timestamp()

    def _not_admitted(self, failure: Failure) -> None:
        if isinstance(failure.value, NotFound | Unauthenticated):
            self._tell(Event(EventKind.EXPIRED, self._mailbox.id))
            return
        self.ends = self._streams.clock.seconds() + _ASK_AGAIN_SECONDS
        if not isinstance(failure.value, TempmailError):
            self._log.failure("an event stream cannot ask for its mailbox", failure)

    # The request's producer.

    def pauseProducing(self) -> None:
        self._paused = True
        if self._following is not None:
            self._following.pause()

    def resumeProducing(self) -> None:
        self._paused = False
        if self._following is not None:
            self._following.resume()

    def stopProducing(self) -> None:
        """The connection is gone, of which the Deferred's cancelling tells as well."""
