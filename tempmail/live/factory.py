"""All the WebSockets of the daemon: their number, their pings, their end."""

from __future__ import annotations

from types import SimpleNamespace

from autobahn.twisted.websocket import WebSocketServerFactory
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from tempmail.core.metrics import Metrics
from tempmail.core.places import Places
from tempmail.core.waiting import Watching
from tempmail.live.protocol import UNAVAILABLE, InboxConnection
from tempmail.live.rest import at_rest

PING_SECONDS = 30
MAX_CONNECTIONS = 10_000
MAX_EACH = 2_500
MAX_PAYLOAD = 4096
"""Octets in a frame or message from a client."""

_ASKED_A_SECOND = 100


class InboxFactory(WebSocketServerFactory):
    """Makes connections, and looks after them with one timer.

    Once a second the timer goes through all of them: each second's share is pinged, so that
    each connection is every 30 s, and whichever mailboxes' time is over are asked for, not
    more than storage can bear at once.  At 5,000 connections this takes 2 ms; it
    costs no memory, and a timer for each would.

    :param watching: admits followers of mailboxes.
    :param metrics: counts connections, and whom we refused or hung up on.
    :param reactor: for time, ``seconds`` since the epoch.
    :param most, most_each: how many connections there may be, altogether and of one network.
    :ivar places: theirs, and those of clients that are about to come in.
    """

    protocol = InboxConnection  # type: ignore[assignment]  # Autobahn is typed in part

    def __init__(
        self,
        watching: Watching,
        metrics: Metrics,
        reactor: IReactorTime,
        *,
        most: int = MAX_CONNECTIONS,
        most_each: int = MAX_EACH,
    ) -> None:
        super().__init__(server="", reactor=reactor)  # type: ignore[no-untyped-call]  # as above
        # Autobahn's own timer runs on the global reactor and is up to a second early.
        self._batched_timer = SimpleNamespace(call_later=reactor.callLater)
        self.setProtocolOptions(  # type: ignore[no-untyped-call]  # as above
            versions=[13],
            webStatus=False,
            utf8validateIncoming=False,  # nothing that a client says is looked at
            maxFramePayloadSize=MAX_PAYLOAD,
            maxMessagePayloadSize=MAX_PAYLOAD,
            failByDrop=False,
            openHandshakeTimeout=0,  # the request is there before the connection is
            closeHandshakeTimeout=5,
        )
        self.at_rest = at_rest(self)
        self.watching = watching
        self._refused = metrics.websocket_refused
        self.places = Places(most, most_each, metrics.websockets, metrics.websocket_refused)
        self._second = 0
        self._next_share = 0
        self._shares: dict[InboxConnection, int] = {}
        self._networks: dict[InboxConnection, str] = {}
        self._timer: IDelayedCall | None = None
        self._all_gone: Deferred[None] | None = None

    @property
    def full(self) -> bool:
        """Whether nobody else can come in, for there are too many or we are about to stop."""
        return self.stopping or self.places.full

    @property
    def stopping(self) -> bool:
        """Whether nobody comes in any more."""
        return self._all_gone is not None

    def refused(self, reason: str) -> None:
        """Count whom we turned away or hung up on."""
        self._refused.labels(reason).inc()

    def entered(self, connection: InboxConnection, network: str) -> None:
        """Look after an open connection from now on; it has a place of its network's."""
        self._networks[connection] = network
        self._shares[connection] = self._next_share
        self._next_share = (self._next_share + 1) % PING_SECONDS
        if self._timer is None:
            self._timer = self.reactor.callLater(1, self._each_second)

    def left(self, connection: InboxConnection) -> None:
        """Forget a connection; one that never entered is no error."""
        if self._shares.pop(connection, None) is not None:
            self.places.give(self._networks.pop(connection))
        if not self._shares:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._all_gone is not None and not self._all_gone.called:
                self._all_gone.callback(None)

    def close_all(self, seconds: float, code: int = UNAVAILABLE) -> Deferred[None]:
        """Let nobody in any more and say goodbye to everybody.

        :param seconds: after which whoever is still there is hung up on.
        :param code: 1000, or one of 3000 to 4999 (RFC 6455 section 7.4).
        :returns: fires when all are gone.
        """
        self._all_gone = Deferred()
        if not self._shares:
            return succeed(None)
        deadline = self.reactor.callLater(seconds, self._hang_up)
        for connection in tuple(self._shares):
            connection.close(code, "stopping")

        def gone(_: None) -> None:
            if deadline.active():
                deadline.cancel()

        return self._all_gone.addCallback(gone)

    def _hang_up(self) -> None:
        for connection in tuple(self._shares):
            connection.transport.abortConnection()

    def _each_second(self) -> None:
        self._timer = self.reactor.callLater(1, self._each_second)
        self._second = (self._second + 1) % PING_SECONDS
        now = self.reactor.seconds()
        may_ask = _ASKED_A_SECOND
        for connection, share in tuple(self._shares.items()):
            if share == self._second:
                connection.ping()
            if connection.ends <= now and may_ask:
                may_ask -= 1
                connection.ask_again()
