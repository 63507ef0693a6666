"""Keeps one account read for as long as the daemon runs, whatever its server does."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError, ConnectingCancelledError, DNSLookupError
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from tempmail.core.imap_ports import ImapPosition
from tempmail.imap.account import Account
from tempmail.imap.connecting import connect, tls_options
from tempmail.imap.errors import Lost, Rejected
from tempmail.imap.protocol import ImapProtocol
from tempmail.imap.pulling import Desk, Pull
from tempmail.imap.session import Session
from tempmail.model.errors import TempmailError

LEASE_SECONDS = 20.0
"""For which a daemon that is gone keeps others from its accounts."""

RENEW_SECONDS = 5.0
POLL_SECONDS = 30.0
"""Between looks at a server that cannot push."""

IDLE_SECONDS = 240.0
"""After which a server that can push is asked all the same: its words may have been lost."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
"""Seconds before a next connection: each twice the last one."""

REJECTED_PAUSE = 60.0
"""The least after a refused log-in: some servers lock accounts out."""

_GOOD_SECONDS = 60.0
"""A connection that held for so long was no failure."""

STATES = ("connecting", "reading", "waiting", "failing", "elsewhere")


class Puller:
    """Reads one account.

    :param account: whose.
    :param secret: its password, asked for at each connection.
    :param reactor: for connections and time.
    :param jitter: a number around 1, so that daemons do not come back all at once.
    """

    _log = Logger()

    def __init__(
        self,
        account: Account,
        secret: Callable[[], bytes],
        desk: Desk,
        reactor: Any,
        jitter: Callable[[], float] = lambda: random.uniform(0.8, 1.2),  # noqa: S311  # no secret
    ) -> None:
        self._account = account
        self._secret = secret
        self._desk = desk
        self._reactor = reactor
        self._jitter = jitter
        self._failures = 0
        self._attempts: dict[str, int] = {}
        self._held_until = 0.0
        self._connecting: Deferred[ImapProtocol] | None = None
        self._protocol: ImapProtocol | None = None
        self._pull: Pull | None = None
        self._pausing: tuple[Deferred[None], IDelayedCall] | None = None
        self._running: Deferred[None] | None = None
        self._stopping = False
        self._said = ""
        self._enter("connecting")

    def start(self) -> None:
        """Read from now on."""
        self._running = Deferred.fromCoroutine(self._run())

    def stop(self) -> Deferred[None]:
        """Fires when the mail under way, if any, has been committed and nothing runs any more."""
        self._stopping = True
        self._end_pause()
        if self._connecting is not None:
            self._connecting.cancel()
        if self._protocol is not None and (self._pull is None or self._pull.stop()):
            self._protocol.drop(Lost("stopping"))
        done: Deferred[None] = Deferred()
        if self._running is None:
            done.callback(None)
        else:
            self._running.addBoth(lambda _: done.callback(None))
        return done

    async def _run(self) -> None:
        while not self._stopping:
            began = self._reactor.seconds()
            try:
                pause = await self._turn()
            except TempmailError as error:
                pause = self._failed(error.detail, began, isinstance(error, Rejected))
            except Exception as error:
                if not self._stopping:
                    self._log.failure("{account}: unexpected", account=self._account.name)
                pause = self._failed(type(error).__name__, began)
            if not self._stopping:
                await self._pause(pause)
        try:
            await self._desk.positions.release(self._account.name, self._desk.owner)
        except TempmailError as error:
            self._log.info("{account} stays held for a moment: {why}",
                           account=self._account.name, why=error.detail)  # fmt: skip

    async def _turn(self) -> float:
        """One connection, until it is lost; seconds to wait where there is none to make."""
        asked = self._reactor.seconds()
        desk, account = self._desk, self._account
        position = await desk.positions.hold(account.name, desk.owner, LEASE_SECONDS)
        if position is None:
            self._enter("elsewhere")
            self._say("is read by another daemon")
            return RENEW_SECONDS * self._jitter()
        if self._stopping:  # meanwhile, when there was no connection yet to drop
            raise Lost("stopping")
        self._held_until = asked + LEASE_SECONDS
        renewing = LoopingCall(lambda: Deferred.fromCoroutine(self._renew()))
        renewing.clock = self._reactor
        renewing.start(RENEW_SECONDS, now=False)
        try:
            await self._connection(position)
        finally:
            if renewing.running:
                renewing.stop()
            if self._protocol is not None:
                self._protocol.drop(Lost("at its end"))
            self._protocol = self._pull = None
        return FIRST_PAUSE

    async def _renew(self) -> None:
        asked = self._reactor.seconds()
        desk = self._desk
        try:
            held = await desk.positions.hold(self._account.name, desk.owner, LEASE_SECONDS)
        except TempmailError:
            if self._reactor.seconds() < self._held_until - RENEW_SECONDS:
                return  # there is time for another attempt
            held = None
        if held is not None:
            self._held_until = asked + LEASE_SECONDS
        elif self._protocol is not None:
            self._protocol.drop(Lost("another daemon may read the account by now"))

    async def _connection(self, position: ImapPosition) -> None:
        account = self._account
        self._enter("connecting")
        secret = self._secret()
        protocol = self._protocol = await self._connected()
        await protocol.greeting
        session = Session(protocol)
        await session.ask_capabilities()
        if account.tls == "starttls":
            await session.start_tls(tls_options(account))
        await session.log_in(account.user, secret)
        peer_ip = getattr(protocol.transport.getPeer(), "host", account.host)
        pull = self._pull = Pull(
            self._desk, account, session, position, peer_ip, protocol.tls, self._attempts
        )
        await pull.begin()
        self._say("is read")
        while True:
            self._enter("reading")
            protocol.arrived = False
            await pull.everything()
            if pull.taken:
                self._failures = 0
            self._enter("waiting")
            if not await session.wait(IDLE_SECONDS):
                await self._pause(POLL_SECONDS)
                await session.look()

    async def _connected(self) -> ImapProtocol:
        self._connecting = connect(self._account, self._reactor)
        try:
            return await self._connecting
        except ConnectingCancelledError:
            raise Lost("stopping") from None
        except (ConnectError, DNSLookupError) as error:
            raise Lost(f"no connection: {error}") from error
        finally:
            self._connecting = None

    # What becomes of it, in the log and in figures.

    def _failed(self, why: str, began: float, rejected: bool = False) -> float:
        """Account for a connection that ended; the seconds until the next one."""
        if self._stopping:
            return 0.0
        if self._reactor.seconds() - began > _GOOD_SECONDS:
            self._failures = 0
        pause: float = min(FIRST_PAUSE * 2 ** min(self._failures, 20), LONGEST_PAUSE)
        if rejected:
            pause = max(pause, REJECTED_PAUSE)
        self._failures += 1
        self._desk.metrics.imap_failures.labels(self._account.name).inc()
        self._enter("failing")
        self._say("cannot be read", why)
        return pause * self._jitter()

    def _enter(self, state: str) -> None:
        for one in STATES:
            self._desk.metrics.imap_accounts.labels(self._account.name, one).set(one == state)

    def _say(self, what: str, why: str = "") -> None:
        """Log a change, and nothing where all is as before."""
        said = f"{what}: {why}" if why else what
        if said != self._said:
            self._said = said
            level = self._log.warn if why else self._log.info
            level("{account} {said}", account=self._account.name, said=said)

    # Pauses, which stopping ends.

    async def _pause(self, seconds: float) -> None:
        over: Deferred[None] = Deferred()
        self._pausing = over, self._reactor.callLater(seconds, self._end_pause)
        await over

    def _end_pause(self) -> None:
        pausing, self._pausing = self._pausing, None
        if pausing is not None:
            over, timer = pausing
            if timer.active():
                timer.cancel()
            over.callback(None)
