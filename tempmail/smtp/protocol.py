"""One SMTP session from its greeting to its end: the connection, and what becomes of a mail."""

from __future__ import annotations

from twisted.internet.defer import fail
from twisted.internet.interfaces import ISSLTransport
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.model.errors import Unavailable, Undecided
from tempmail.model.message import Envelope, Placement
from tempmail.smtp import replies
from tempmail.smtp.body import BodyFault, BodyReader
from tempmail.smtp.commands import Commands
from tempmail.smtp.input import CLOSED, DELIVERY, END
from tempmail.smtp.replies import Refusal

_log = Logger()

_CLOSING_SECONDS = 10
_FAULTS = {BodyFault.TOO_LARGE: replies.TOO_LARGE, BodyFault.NO_ROOM: replies.NO_ROOM}


class MailProtocol(Commands):
    """A session with one client.  Verdicts on recipients never change an answer."""

    _errors = 0

    # The connection.

    def connectionMade(self) -> None:
        super().connectionMade()
        self.startedTLS = ISSLTransport.providedBy(self.transport)
        self.edge.joined(self)
        self.reply(self.edge.greeting)
        self.flush()

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: ARG002  # Twisted's signature
        self.waits |= END | CLOSED
        if self.body is not None:
            self.body.release()
            self.body = None
        self.edge.left(self)

    def upgrade(self) -> None:
        self.forget()
        self.name = None
        self._send = None
        self.startedTLS = True
        self.transport.startTLS(self.ctx)

    def check_deadline(self, now: float) -> None:
        """Close a session that takes too long; one whose last word is not read is dropped."""
        settings = self.edge.settings
        quiet = now - self.progress
        if self.waits & END:
            if quiet > _CLOSING_SECONDS:
                self.drop()
            return
        if self.waits & DELIVERY:
            return  # ours to answer, and the delivery has its own deadline
        if self.body is None:
            late = quiet > settings.idle_timeout
        else:
            allowed = settings.content_grace + self.body.size / settings.min_rate
            late = quiet > settings.content_timeout or now - self.content_since > allowed
        if late:
            self._expel(replies.TIMEOUT)

    def drain(self) -> None:
        """Close now where no mail is under way, else after its answer."""
        if self.body is None and not self.waits & (DELIVERY | END):
            self.hang_up(replies.SHUTTING_DOWN.reply)

    def refuse(self, refusal: Refusal) -> None:
        self.reply(refusal.reply)
        self.edge.refused(refusal, self.peer_ip)
        if refusal.permanent:
            self._errors += 1
            if self._errors >= self.edge.settings.max_errors:
                self._expel(replies.TOO_MANY_ERRORS)

    def _expel(self, refusal: Refusal) -> None:
        self.edge.refused(refusal, self.peer_ip)
        self.hang_up(refusal.reply)

    # A complete mail.

    def content_complete(self, body: BodyReader) -> None:
        mail_from, recipients = self.mail_from, tuple(self.recipients.values())
        self.forget()
        if body.fault is not None:
            refusal = _FAULTS[body.fault]
            self.edge.not_kept(refusal.code)
            self.refuse(refusal)
            self._answered()
            return
        assert mail_from is not None
        assert self.name is not None
        envelope = Envelope(
            mail_from, recipients, self.name, self.peer_ip, self.tls, body.chunks, body.size
        )
        self.waits |= DELIVERY
        try:
            delivered = self.edge.delivery.deliver(envelope)
        except Exception:
            delivered = fail()
        # Never cancelled: a client that leaves does not call its mail back.
        delivered.addCallbacks(
            self._kept, self._not_kept, callbackArgs=(body,), errbackArgs=(body,)
        )

    def _kept(self, _placements: list[Placement], body: BodyReader) -> None:
        body.release()
        if not self.waits & END:
            self.edge.kept()
            self.reply(replies.KEPT)
            self._answered()

    def _not_kept(self, failure: Failure, body: BodyReader) -> None:
        body.release()
        if not failure.check(Unavailable, Undecided):
            _log.failure("delivery failed", failure)
        if self.waits & END:
            return
        if failure.check(Undecided):
            self.edge.not_kept("none")
            self.drop()
            return
        self.edge.not_kept(replies.UNAVAILABLE.code)
        self.reply(replies.UNAVAILABLE.reply)
        self._answered()

    def _answered(self) -> None:
        if self.edge.draining and not self.waits & END:
            self.hang_up(replies.SHUTTING_DOWN.reply)
        else:
            self.go_on(DELIVERY)
