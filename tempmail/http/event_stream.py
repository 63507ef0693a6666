"""One client of a mailbox's events, over HTTP: server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request
from zope.interface import implementer

from tempmail.core.notices import PING, notice
from tempmail.core.waiting import Following
from tempmail.model.errors import NotFound, TempmailError, Unauthenticated
from tempmail.model.event import Event, EventKind
from tempmail.model.mailbox import Mailbox, Owner

if TYPE_CHECKING:
    from tempmail.http.events import EventStreams

RETRY_MILLISECONDS = 2000
"""After which browsers come again when a stream has ended."""

HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back
}
_PING = b"event: ping\ndata: %s\n\n" % PING
_ASK_AGAIN_SECONDS = 5


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
        owner: Owner,
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
        self._unwatch: Callable[[], None] = lambda: None
        self._ended: Deferred[None] = Deferred(lambda _: self.leave())

    def send(self, request: Request) -> Deferred[None]:
        """Write events until the stream ends; cancelled where the client leaves before."""
        self._request = request
        for name, value in HEADERS.items():
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

    def until(self, unwatch: Callable[[], None]) -> None:
        """Somebody watches whose stream this is; ``unwatch`` is called when it ends."""
        self._unwatch = unwatch

    def leave(self) -> None:
        """Let go of everything; nothing is written from now on."""
        self._request = None
        self._unwatch()
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
