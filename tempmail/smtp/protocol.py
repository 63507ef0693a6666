"""One SMTP session: what each command means (RFC 5321), from EHLO to the answer to a mail."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from attrs import evolve
from twisted.internet.defer import fail
from twisted.internet.interfaces import ISSLTransport
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.model.address import Recipient
from tempmail.model.errors import Unavailable, Undecided
from tempmail.model.message import Envelope, Placement
from tempmail.smtp import replies
from tempmail.smtp.body import BodyFault, BodyReader
from tempmail.smtp.grammar import ForwardPath, parse_mail, parse_rcpt
from tempmail.smtp.input import CLOSED, DELIVERY, END, UPGRADE, InputLoop
from tempmail.smtp.replies import Refusal

if TYPE_CHECKING:
    from tempmail.smtp.factory import MailFactory

_log = Logger()

_HTTP = frozenset(b"GET HEAD POST PUT PATCH DELETE OPTIONS CONNECT TRACE PRI".split())
_FAULTS = {BodyFault.TOO_LARGE: replies.TOO_LARGE, BodyFault.NO_ROOM: replies.NO_ROOM}


class MailProtocol(InputLoop):
    """A session with one client.

    Verdicts on recipients never change an answer.

    :param edge: whose settings, counts and door it uses.
    :param peer_ip: the client's address.
    """

    challengers = MappingProxyType({})  # nobody logs in to hand over mail

    def __init__(self, edge: MailFactory, peer_ip: str) -> None:
        super().__init__(edge.clock)
        self._edge = edge
        self._peer_ip = peer_ip
        self._tls: str | None = None
        self._errors = 0
        self._content_since = 0.0
        self._name: str | None = None
        self.ctx = edge.tls_context
        self.canStartTLS = self.ctx is not None
        self._forget()

    def _forget(self) -> None:
        """RSET: the mail under way, not the session (section 4.1.1.5)."""
        self._mail_from: str | None = None
        self._utf8 = False
        self._recipients: dict[tuple[str, str], Recipient] = {}

    # The connection.

    def connectionMade(self) -> None:
        super().connectionMade()
        self.startedTLS = ISSLTransport.providedBy(self.transport)
        self._edge.joined(self)
        self.reply(self._edge.greeting)
        self.flush()

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: ARG002  # Twisted's signature
        self.waits |= END | CLOSED
        if self.body is not None:
            self.body.release()
            self.body = None
        self._edge.left(self)

    def extensions(self) -> dict[bytes, list[bytes] | None]:
        """What EHLO announces: ours, and STARTTLS as ESMTP finds it possible."""
        announced: dict[bytes, list[bytes] | None] = {
            b"PIPELINING": None,
            b"SIZE": [b"%d" % self._edge.settings.max_message_bytes],
            b"8BITMIME": None,
            b"SMTPUTF8": None,
            b"ENHANCEDSTATUSCODES": None,
        }
        announced.update(super().extensions())  # type: ignore[no-untyped-call]  # twisted.mail has no types
        return announced

    def upgrade(self) -> None:
        self._forget()
        self._name = None
        self._send = None
        self.startedTLS = True
        self.transport.startTLS(self.ctx)

    def check_deadline(self, now: float) -> None:
        """Close a session that takes too long; one whose last word is not read is dropped."""
        settings = self._edge.settings
        quiet = now - self.progress
        if self.waits & END:
            self.drop()
        elif self.waits & DELIVERY:
            return  # ours to answer, and the delivery has its own deadline
        elif self.body is None:
            if quiet <= settings.idle_timeout:
                return
            self._expel(replies.TIMEOUT)
        else:
            allowed = settings.content_grace + self.body.size / settings.min_rate
            if quiet > settings.content_timeout or now - self._content_since > allowed:
                self._expel(replies.TIMEOUT)

    def drain(self) -> None:
        """Close now where no mail is under way, else after its answer."""
        if self.body is None and not self.waits & (DELIVERY | END):
            self.hang_up(replies.SHUTTING_DOWN.reply)

    def refuse(self, refusal: Refusal) -> None:
        self.reply(refusal.reply)
        self._edge.refused(refusal, self._peer_ip)
        if refusal.permanent:
            self._errors += 1
            if self._errors >= self._edge.settings.max_errors:
                self._expel(replies.TOO_MANY_ERRORS)

    def _expel(self, refusal: Refusal) -> None:
        self._edge.refused(refusal, self._peer_ip)
        self.hang_up(refusal.reply)

    # A complete mail.

    def content_complete(self, body: BodyReader) -> None:
        mail_from, recipients = self._mail_from, tuple(self._recipients.values())
        self._forget()
        if body.fault is not None:
            refusal = _FAULTS[body.fault]
            self._edge.not_kept(refusal)
            self.refuse(refusal)
            self._answered()
            return
        assert mail_from is not None
        assert self._name is not None
        envelope = Envelope(
            mail_from, recipients, self._name, self._peer_ip, self._tls, body.chunks, body.size
        )
        self.waits |= DELIVERY
        try:
            delivered = self._edge.delivery.deliver(envelope)
        except Exception:
            delivered = fail()
        # Never cancelled: a client that leaves does not call its mail back.
        delivered.addCallbacks(
            self._kept, self._not_kept, callbackArgs=(body,), errbackArgs=(body,)
        )

    def _kept(self, _placements: list[Placement], body: BodyReader) -> None:
        body.release()
        if not self.waits & END:
            self._edge.kept()
            self.reply(replies.KEPT)
            self._answered()

    def _not_kept(self, failure: Failure, body: BodyReader) -> None:
        body.release()
        if failure.check(Undecided):
            self.drop()
            return
        if not failure.check(Unavailable):
            _log.failure("delivery failed", failure)
        if not self.waits & END:
            self._edge.not_kept(replies.UNAVAILABLE)
            self.reply(replies.UNAVAILABLE.reply)
            self._answered()

    def _answered(self) -> None:
        if self._edge.draining and not self.waits & END:
            self.hang_up(replies.SHUTTING_DOWN.reply)
        else:
            self.go_on(DELIVERY)

    # Commands.

    def command(self, line: bytes) -> None:
        if b"\n" in line or b"\r" in line or b"\0" in line:
            self.refuse(replies.MALFORMED_LINE)
            return
        verb, _, argument = line.partition(b" ")
        obey = self._VERBS.get(verb) or self._VERBS.get(verb.upper())
        if obey is not None:
            obey(self, argument)
        elif verb.upper() in _HTTP:
            self.refuse(replies.NOT_HTTP)
            self.waits |= END
        else:
            self.refuse(replies.UNRECOGNIZED)

    def _ehlo(self, argument: bytes) -> None:
        if self._greeted_by(argument):
            self.reply(self._edge.ehlo_reply(self))

    def _helo(self, argument: bytes) -> None:
        if self._greeted_by(argument):
            self.reply(self._edge.helo_reply)

    def _greeted_by(self, argument: bytes) -> bool:
        try:
            name = argument.strip().decode("utf-8")
        except UnicodeDecodeError:
            name = ""
        if not name or len(name) > 255 or not name.isprintable():
            self.refuse(replies.NAME_NEEDED)
            return False
        self._forget()
        self._name = name
        # Both are certain only now: behind a proxy's header, after a handshake.
        self._peer_ip = getattr(self.transport.getPeer(), "host", self._peer_ip)
        if self.startedTLS and self._tls is None:
            connection = self.transport.getHandle()
            self._tls = f"{connection.get_protocol_version_name()} {connection.get_cipher_name()}"
        return True

    def _mail(self, argument: bytes) -> None:
        if self._name is None:
            self.refuse(replies.HELLO_FIRST)
            return
        if self._mail_from is not None:
            self.refuse(replies.NESTED_MAIL)
            return
        sender = parse_mail(argument)
        if isinstance(sender, Refusal):
            self.refuse(sender)
        elif sender.size > self._edge.settings.max_message_bytes:
            self.refuse(replies.TOO_LARGE)
        else:
            self._mail_from, _, self._utf8 = sender
            self.reply(replies.SENDER_OK)

    def _rcpt(self, argument: bytes) -> None:
        if self._mail_from is None:
            self.refuse(replies.MAIL_FIRST)
            return
        path = parse_rcpt(argument, self._utf8)
        if isinstance(path, Refusal):
            self.refuse(path)
            return
        recipient = self._recipient(path)
        if recipient is None:
            self.refuse(replies.RELAY_DENIED)
        elif len(self._recipients) >= self._edge.settings.max_recipients:
            self.refuse(replies.TOO_MANY_RECIPIENTS)
        else:
            self._recipients[recipient.address, recipient.tag] = recipient
            self.reply(replies.RECIPIENT_OK)

    def _recipient(self, path: ForwardPath) -> Recipient | None:
        domains = self._edge.domains
        mailbox, given = path
        if "@" not in mailbox:  # section 4.1.1.3: every host has a postmaster
            mailbox = f"{mailbox}@{domains.default}"
        recipient = domains.recipient(mailbox)
        if recipient is not None and given != mailbox:
            return evolve(recipient, given=given)
        return recipient

    def _data(self, argument: bytes) -> None:
        if argument and argument.strip():
            self.refuse(replies.NO_ARGUMENT_ALLOWED)
        elif self._mail_from is None:
            self.refuse(replies.MAIL_FIRST)
        elif not self._recipients:
            self.refuse(replies.NO_RECIPIENTS)
        else:
            self._content_since = self.clock.seconds()
            self.body = BodyReader(self._edge.settings.max_message_bytes, self._edge.budget)
            self.reply(replies.START_MAIL_INPUT)

    def _rset(self, argument: bytes) -> None:
        if self._alone(argument):
            self._forget()
            self.reply(replies.OK)

    def _noop(self, _argument: bytes) -> None:
        self.reply(replies.OK)

    def _help(self, _argument: bytes) -> None:
        self.reply(replies.HELP)

    def _vrfy(self, argument: bytes) -> None:
        if argument.strip():
            self.reply(replies.CANNOT_VERIFY)
        else:
            self.refuse(replies.BAD_ARGUMENT)

    def _quit(self, argument: bytes) -> None:
        if self._alone(argument):
            self.hang_up(replies.CLOSING)

    def _starttls(self, argument: bytes) -> None:
        if not self._alone(argument):
            return
        if self.startedTLS:
            self.refuse(replies.TLS_ALREADY)
        elif self.ctx is None:
            self.refuse(replies.NOT_IMPLEMENTED)
        else:
            self.reply(replies.READY_FOR_TLS)
            self.waits |= UPGRADE

    def _bdat(self, _argument: bytes) -> None:
        self.refuse(replies.NOT_IMPLEMENTED)
        self.waits |= END  # what stands behind it is content and must not be obeyed

    def _not_implemented(self, _argument: bytes) -> None:
        self.refuse(replies.NOT_IMPLEMENTED)

    def _alone(self, argument: bytes) -> bool:
        if argument.strip():
            self.refuse(replies.NO_ARGUMENT_ALLOWED)
            return False
        return True

    _VERBS: ClassVar[dict[bytes, Callable[[MailProtocol, bytes], None]]] = {
        b"EHLO": _ehlo,
        b"HELO": _helo,
        b"MAIL": _mail,
        b"RCPT": _rcpt,
        b"DATA": _data,
        b"RSET": _rset,
        b"NOOP": _noop,
        b"HELP": _help,
        b"VRFY": _vrfy,
        b"QUIT": _quit,
        b"STARTTLS": _starttls,
        b"EXPN": _not_implemented,
        b"AUTH": _not_implemented,
        b"BDAT": _bdat,
        b"ETRN": _not_implemented,
        b"TURN": _not_implemented,
    }
