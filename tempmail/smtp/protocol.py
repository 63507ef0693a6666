"""One SMTP session from its greeting to its end: the connection, and what becomes of a mail."""

from __future__ import annotations

from twisted.internet.defer import fail
from twisted.internet.interfaces import ISSLTransport
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.model.errors import Unavailable, Undecided
from tempmail.model.message import Envelope, Placement, Verdict
from tempmail.smtp import replies
from tempmail.smtp.commands import Commands
from tempmail.smtp.content import Content, ContentFault
from tempmail.smtp.input import CLOSED, DELIVERY, END, PROXY
from tempmail.smtp.patience import Patience
from tempmail.smtp.proxied import awaiting_header
from tempmail.smtp.replies import Refusal

_log = Logger()

_CLOSING_SECONDS = 10
_FAULTS = {
    ContentFault.TOO_LARGE: replies.TOO_LARGE,
    ContentFault.NO_ROOM: replies.NO_ROOM,
    ContentFault.BARE_NEWLINE: replies.BARE_NEWLINE,
}


class MailProtocol(Commands):
    """A session with one client."""

    _admitted = False
    _errors = 0

    # The connection.

    def connectionMade(self) -> None:
        super().connectionMade()
        self.startedTLS = ISSLTransport.providedBy(self.transport)
        self.edge.joined(self)
        if awaiting_header(self.transport, self._header_read):
            self.waits |= PROXY
        else:
            self._greet()

    def _header_read(self) -> None:
        if not self.waits & END:
            self._greet()
            self.go_on(PROXY)

    def _greet(self) -> None:
        self.peer_ip = getattr(self.transport.getPeer(), "host", self.peer_ip)
        refusal = self.edge.gate.connection(self.peer_ip)
        if refusal is not None:
            self.edge.turned_away(refusal)
            if self.startedTLS:
                self.drop()  # it could read no reply before its handshake, which is dear
            else:
                self.hang_up(refusal.reply)
            return
        self._admitted = True
        self.reply(self.edge.greeting)
        self.flush()

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: ARG002  # Twisted's signature
        self.waits |= END | CLOSED
        self.reader = None
        if self.content is not None and self.recipients:
            self._note(self._envelope(self.content), "the connection was lost before its end")
        self.forget()
        self.edge.left(self, admitted=self._admitted)

    def upgrade(self) -> None:
        self.forget()
        self.name = None
        self._send = None
        self.ready_since = self.clock.seconds()
        self.startedTLS = True
        self.transport.startTLS(self.ctx)

    def check_deadline(self, now: float, patience: Patience) -> None:
        """Close a session that takes too long; one whose last word is not read is dropped.

        A session that waits for us has all the time that we take.
        """
        if self.waits & END:
            if now - self.progress > _CLOSING_SECONDS:
                self.drop()
            return
        if self.waits & DELIVERY:
            return  # the delivery has its own deadline
        if self.content is None and self.reader is None:
            waited = now - self.ready_since
            in_time = patience.with_commands(waited, mail_begun=self.mail_from is not None)
        else:
            size = 0 if self.content is None else self.content.size
            in_time = patience.with_content(
                now - self.content_since,
                min(size, self.edge.settings.max_message_bytes),
                now - self.progress,
            )
        if not in_time:
            self._expel(replies.TIMEOUT)

    def drain(self) -> None:
        """Close now where no mail is under way, else after its answer."""
        if self.content is None and not self.waits & (DELIVERY | END):
            self.hang_up(replies.SHUTTING_DOWN.reply)

    def refuse(self, refusal: Refusal) -> None:
        self.reply(refusal.reply)
        self.edge.refused(refusal, self.peer_ip)
        if refusal.permanent and not (refusal is replies.UNKNOWN_MAILBOX and self.recipients):
            self._errors += 1
            if self._errors >= self.edge.settings.max_errors:
                self.edge.gate.misbehaved(self.peer_ip)
                self._expel(replies.TOO_MANY_ERRORS)

    def _expel(self, refusal: Refusal) -> None:
        self.edge.refused(refusal, self.peer_ip)
        self.hang_up(refusal.reply)

    # A complete mail.

    def content_complete(self) -> Refusal | None:
        content, announced = self.content, self.announced_size
        assert content is not None
        content.end()
        envelope = self._envelope(content)
        self.content = None
        self.forget()
        self.edge.gate.unannounced(self.peer_ip, content.size - announced)
        if content.fault is not None:
            refusal = _FAULTS[content.fault]
            self._note(envelope, refusal.reply.decode("ascii").strip(), refused=refusal.permanent)
            self.edge.not_kept(refusal.code)
            self.refuse(refusal)
            self._answered()
            return refusal
        self.waits |= DELIVERY
        try:
            delivered = self.edge.delivery.deliver(envelope)
        except Exception:
            delivered = fail()
        # Never cancelled: a client that leaves does not call its mail back.
        delivered.addCallbacks(
            self._kept, self._not_kept, callbackArgs=(content,), errbackArgs=(content,)
        )
        return None

    def _envelope(self, content: Content) -> Envelope:
        assert self.mail_from is not None
        assert self.name is not None
        return Envelope(
            self.mail_from,
            tuple(self.recipients.values()),
            self.name,
            self.peer_ip,
            self.tls,
            content.chunks,
            content.size,
            received_ms=round((self.clock.seconds() - self.mail_since) * 1000),
        )

    def _note(self, envelope: Envelope, reason: str, *, refused: bool = False) -> None:
        self.edge.delivery.turned_away(envelope, reason, refused=refused)

    def _kept(self, placements: list[Placement], content: Content) -> None:
        content.release()
        if self.waits & END:
            return
        refusal = _refusal_of(placements) if self.edge.recipients.tells else None
        if refusal is None:
            self.edge.kept()
            self.reply(replies.KEPT)
        else:
            self.edge.not_kept(refusal.code)
            self.refuse(refusal)
        self._answered()

    def _not_kept(self, failure: Failure, content: Content) -> None:
        content.release()
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
        self.ready_since = self.clock.seconds()
        if self.edge.draining and not self.waits & END:
            self.hang_up(replies.SHUTTING_DOWN.reply)
        else:
            self.go_on(DELIVERY)


def _refusal_of(placements: list[Placement]) -> Refusal | None:
    """The answer to mail that nobody got, for senders who may know; None where somebody did."""
    verdicts = {placement.verdict for placement in placements}
    if not verdicts or Verdict.STORED in verdicts:
        return None
    if Verdict.FULL in verdicts:
        return replies.MAILBOX_FULL
    return replies.TOO_LARGE if Verdict.TOO_LARGE in verdicts else replies.UNKNOWN_MAILBOX
