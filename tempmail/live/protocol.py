"""One client of a mailbox's events, over an open WebSocket (RFC 6455)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.core.waiting import Following
from tempmail.live.frames import EXPIRED, PING, frame
from tempmail.live.rest import AtRest
from tempmail.model.errors import NotFound, TempmailError, Unauthenticated
from tempmail.model.event import Event, EventKind
from tempmail.model.mailbox import Mailbox, Owner

if TYPE_CHECKING:
    from tempmail.live.factory import InboxFactory

# Close codes: 1000 and those of RFC 6455 section 7.4.2 for private use.
ENDED = 1000
TALKATIVE = 4400
UNAUTHENTICATED = 4401
SLOW = 4408
UNAVAILABLE = 4503
"""Trouble on our side, or a stop: come again with the last sequence number."""

CLIENT_FRAMES = 32
"""How many frames a client may send between two of our pings, pings and pongs of its own
included."""

_UNANSWERED_PINGS = 3
_ASK_AGAIN_SECONDS = 5


class InboxConnection(AtRest):
    """Sends a client the frames of one mailbox.

    What the network does not take is bounded by the transport, which asks its producer to
    pause at 64 KiB: to us that means that the client does not keep up.

    :ivar factory: who made it, and pings it.
    :ivar ends: when to ask whether the mailbox still lives, seconds since the epoch.
    """

    factory: InboxFactory
    ends = math.inf
    _log = Logger()
    _following: Following | None = None
    _unwatch: Callable[[], None] = staticmethod(lambda: None)
    _unanswered = 0
    _client_frames = 0

    def follow(
        self, address: str, owner: Owner, mailbox: Mailbox, after: int | None, network: str
    ) -> None:
        """Begin, once the handshake is done.

        :param address: of ``mailbox``, to which ``owner`` has been admitted.
        :param after: the last sequence number that the client knows.
        :param network: of whose places the client has one.
        """
        self.settle()
        self._address = address
        self._owner = owner
        self.ends = mailbox.expires_at.timestamp()
        self.transport.registerProducer(self, True)
        self.factory.entered(self, network)
        self._following = self.factory.watching.follow(mailbox, after, self._tell, self._lost)

    def ping(self) -> None:
        """Ask for a sign of life, or hang up where three such went unanswered."""
        if self._unanswered >= _UNANSWERED_PINGS:
            self.factory.refused("silent")
            self._log.info("hanging up on a WebSocket that answers no pings")
            self.transport.abortConnection()
            return
        self._unanswered += 1
        self._client_frames = 0
        if self.state == self.STATE_OPEN:
            self.transport.write(PING)

    def until(self, unwatch: Callable[[], None]) -> None:
        """Somebody watches whose connection this is; ``unwatch`` is called when it ends."""
        self._unwatch = unwatch
        if self._following is None:  # it has ended already
            unwatch()

    def revoked(self) -> None:
        """The credential that opened it is good no more."""
        self.close(UNAUTHENTICATED, "revoked")

    def close(self, code: int, reason: str) -> None:
        """Say goodbye; whoever does not answer within seconds is hung up on."""
        if self.state == self.STATE_OPEN:
            self._stop_following()
            self.factory.refused(reason)
            self._log.debug("closing a WebSocket: {code} {reason}", code=code, reason=reason)
            self.sendClose(code, reason)

    def ask_again(self) -> None:
        """Learn whether the mailbox has ended: its time may have been extended meanwhile."""
        self.ends = math.inf
        Deferred.fromCoroutine(
            self.factory.watching.admit(self._address, self._owner)
        ).addCallbacks(self._lives, self._not_admitted)

    def _lives(self, mailbox: Mailbox) -> None:
        # Where our clock is ahead of the database's, this is past, and asked again in a second.
        self.ends = mailbox.expires_at.timestamp()

    def _not_admitted(self, failure: Failure) -> None:
        if isinstance(failure.value, NotFound | Unauthenticated):
            self._expire()
            return
        self.ends = self.factory.reactor.seconds() + _ASK_AGAIN_SECONDS
        if not isinstance(failure.value, TempmailError):
            self._log.failure("a WebSocket cannot ask for its mailbox", failure)

    def _tell(self, event: Event) -> None:
        if event.kind is EventKind.EXPIRED:
            self._expire()
        elif self.state == self.STATE_OPEN:
            self.transport.write(frame(event))

    def _expire(self) -> None:
        if self.state == self.STATE_OPEN:
            self.transport.write(EXPIRED)
            self.close(ENDED, "expired")

    def _lost(self) -> None:
        self.close(UNAVAILABLE, "unavailable")

    def _stop_following(self) -> None:
        self._unwatch()
        if self._following is not None:
            self._following.stop()
            self._following = None

    # The transport's producer.

    def pauseProducing(self) -> None:
        """The client does not take what it is sent; it may resume where it stopped reading."""
        self.transport.unregisterProducer()
        self.close(SLOW, "slow")

    def resumeProducing(self) -> None:
        """Never paused: closed instead."""

    def stopProducing(self) -> None:
        """The connection is gone, which :meth:`onClose` hears of as well."""

    # Autobahn's callbacks.

    def dataReceived(self, data: bytes) -> None:
        """Any octet is a sign of life, until the goodbyes."""
        if self.state == self.STATE_OPEN:
            self._unanswered = 0
        self._dataReceived(data)

    def onFrameBegin(self) -> None:
        """Count the frames of a client, control frames included."""
        self._client_frames += 1
        if self._client_frames > CLIENT_FRAMES:
            self.transport.pauseProducing()
            self.close(TALKATIVE, "talkative")
        super().onFrameBegin()

    def onMessageFrameData(self, payload: bytes) -> None:
        """Nothing that a client says is kept."""

    def onClose(self, *_: object) -> None:
        """However it came, the connection is gone."""
        self._stop_following()
        if self.failedByMe:
            self.factory.refused("protocol")
        self.factory.left(self)
