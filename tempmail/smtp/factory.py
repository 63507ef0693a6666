"""The edge as a whole: who may connect, how long anything may take, and the orderly stop."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IOpenSSLContextFactory,
    IOpenSSLServerConnectionCreator,
    IReactorTime,
)
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.logger import Logger

from tempmail.core.admission import SmtpLimits
from tempmail.core.budget import ByteBudget
from tempmail.core.delivery import Door
from tempmail.core.metrics import Metrics
from tempmail.core.recipients import AcceptAll, RecipientCheck
from tempmail.model.address import Domains
from tempmail.smtp import replies
from tempmail.smtp.commands import Commands
from tempmail.smtp.limits import Gate
from tempmail.smtp.patience import ORDINARY, SHORT_OF_ROOM, UNDER_STRESS, Patience
from tempmail.smtp.protocol import MailProtocol
from tempmail.smtp.replies import Refusal

_log = Logger()

_WATCH_SECONDS = 5
_STRESS = 0.8


@frozen
class SmtpSettings:
    """What an operator decides about the SMTP edge.

    :ivar hostname: in the greeting, ASCII.
    :ivar max_message_bytes: of content, announced by SIZE (RFC 1870).
    :ivar max_recipients: of one mail; RFC 5321 section 4.5.3.1.8 asks for at least 100.
    :ivar max_errors: permanent refusals on one connection before it is closed.
    :ivar reject_bare_newlines: whether content with a CR or LF that stands alone is refused;
        it is kept verbatim otherwise.
    :ivar patience: with every client ...
    :ivar stress: ... and while more than four fifths of the connections are taken ...
    :ivar short_of_room: ... or of the octets that all mail under way may hold.
    """

    hostname: str
    max_message_bytes: int = 25 * 1024 * 1024
    max_recipients: int = 100
    max_connections: int = 2000
    max_errors: int = 10
    reject_bare_newlines: bool = False
    patience: Patience = ORDINARY
    stress: Patience = UNDER_STRESS
    short_of_room: Patience = SHORT_OF_ROOM


class MailFactory(ServerFactory):
    """Makes a session of each connection and keeps account of them.

    :param delivery: the one door for complete mails.
    :param domains: those that RCPT accepts.
    :param budget: octets of content held by all sessions together.
    :param clock: the reactor.
    :param tls_context: for STARTTLS; without it STARTTLS is not announced.
    :param limits: what each client may do; without them, anything.
    :param recipients: says at RCPT who is there; without it, everybody is.
    :ivar draining: whether :meth:`drain` was called.
    """

    noisy = False

    def __init__(
        self,
        delivery: Door,
        domains: Domains,
        budget: ByteBudget,
        metrics: Metrics,
        settings: SmtpSettings,
        clock: IReactorTime,
        tls_context: IOpenSSLServerConnectionCreator | IOpenSSLContextFactory | None = None,
        limits: SmtpLimits | None = None,
        recipients: RecipientCheck | None = None,
    ) -> None:
        self.delivery = delivery
        self.domains = domains
        self.budget = budget
        self.settings = settings
        self.clock = clock
        self.tls_context = tls_context
        self.gate = Gate(limits)
        self.recipients = recipients or AcceptAll()
        self.greeting = f"220 {settings.hostname} ESMTP tempmail\r\n".encode("ascii")
        self.helo_reply = f"250 {settings.hostname}\r\n".encode("ascii")
        self._ehlo_replies: dict[bool, bytes] = {}
        self.draining = False
        self.sessions: set[MailProtocol] = set()
        self._waiting: list[Deferred[None]] = []
        self._watch: IDelayedCall | None = None
        self._full = False
        self._refused = metrics.smtp_refused
        self._replied = metrics.smtp_replies
        self._count_kept = metrics.smtp_replies.labels("250").inc
        metrics.smtp_connections.set_function(lambda: len(self.sessions))

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        if self.draining:
            return self._turn_away(replies.SHUTTING_DOWN)
        if len(self.sessions) >= self.settings.max_connections:
            return self._turn_away(replies.TOO_MANY_CONNECTIONS)
        return MailProtocol(self, getattr(addr, "host", ""))

    # Sessions.

    def joined(self, session: MailProtocol) -> None:
        self.sessions.add(session)
        if self._watch is None:
            self._watch = self.clock.callLater(_WATCH_SECONDS, self._look_around)

    def left(self, session: MailProtocol, *, admitted: bool) -> None:
        self.sessions.discard(session)
        if admitted:
            self._full = False
            self.gate.left(session.peer_ip)
        if self.draining and not self.sessions:
            self._rest()

    def _look_around(self) -> None:
        """One timer for all sessions: a session costs none when it is made, nor per command."""
        now = self.clock.seconds()
        settings = self.settings
        patience = settings.patience
        if len(self.sessions) > _STRESS * settings.max_connections:
            patience = settings.stress
        elif self.budget.held > _STRESS * self.budget.limit:
            patience = settings.short_of_room
        for session in tuple(self.sessions):
            session.check_deadline(now, patience)
        self._watch = None
        if self.sessions:
            self._watch = self.clock.callLater(_WATCH_SECONDS, self._look_around)

    def ehlo_reply(self, session: Commands) -> bytes:
        """The same for all sessions of a kind, so made once."""
        reply = self._ehlo_replies.get(session.startedTLS)
        if reply is None:
            extensions = session.listExtensions().decode("ascii").split("\n")  # type: ignore[no-untyped-call]  # twisted.mail has no types
            reply = replies.multiline(250, [self.settings.hostname, *extensions])
            self._ehlo_replies[session.startedTLS] = reply
        return reply

    # Accounts.

    def kept(self) -> None:
        """Count a mail answered 250."""
        self._count_kept()

    def not_kept(self, code: str) -> None:
        """Count a complete mail that was answered otherwise; ``none`` for no answer at all."""
        self._replied.labels(code).inc()

    def refused(self, refusal: Refusal, peer_ip: str) -> None:
        """Count and log a refusal."""
        self._refused.labels(refusal.reason).inc()
        _log.info("refused {peer_ip}: {reason}", peer_ip=peer_ip, reason=refusal.reason)

    def _turn_away(self, refusal: Refusal) -> Protocol:
        self.turned_away(refusal)
        return _TurnedAway(refusal)

    def turned_away(self, refusal: Refusal) -> None:
        """Count and log a connection that is not taken."""
        self._refused.labels(refusal.reason).inc()
        if not self._full:
            self._full = True  # once until there is room again: a flood must not fill the log
            _log.warn("refusing connections: {reason}", reason=refusal.reason)

    # The orderly stop.

    def drain(self) -> Deferred[None]:
        """Take no new session, close idle ones, let mails under way be answered.

        Whoever calls closes the ports first and sets the deadline; :meth:`abort` is for then.

        :returns: fires when no session is left.
        """
        self.draining = True
        for session in tuple(self.sessions):
            session.drain()
        if not self.sessions:
            self._rest()
            return succeed(None)
        drained: Deferred[None] = Deferred()
        self._waiting.append(drained)
        return drained

    def abort(self) -> None:
        """Drop every session that is left, answered or not."""
        self.draining = True
        for session in tuple(self.sessions):
            session.drop()

    def _rest(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        waiting, self._waiting = self._waiting, []
        for drained in waiting:
            drained.callback(None)


class _TurnedAway(Protocol):
    """Says why, and closes."""

    transport: Any

    def __init__(self, refusal: Refusal) -> None:
        self._reply = refusal.reply

    def connectionMade(self) -> None:
        self.transport.write(self._reply)
        self.transport.loseConnection()
