"""What each command means (RFC 5321 section 4.1.1), given where the session stands."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from attrs import evolve
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.core.recipients import Standing
from tempmail.model.address import Recipient
from tempmail.model.errors import Unavailable
from tempmail.smtp import replies
from tempmail.smtp.grammar import ForwardPath, parse_mail, parse_rcpt
from tempmail.smtp.input import END, RECIPIENT, UPGRADE
from tempmail.smtp.receiving import Receiving
from tempmail.smtp.replies import Refusal

if TYPE_CHECKING:
    from tempmail.smtp.factory import MailFactory

_log = Logger()
_HTTP = frozenset(b"GET HEAD POST PUT PATCH DELETE OPTIONS CONNECT TRACE PRI".split())


class Commands(Receiving):
    """The state of a session and the commands that change it.

    :ivar name: what the client called itself, None before EHLO.
    :ivar tls: protocol and cipher, None in clear.
    :ivar ready_since: when the session could begin its next mail, by the clock.
    """

    challengers = MappingProxyType({})  # nobody logs in to hand over mail

    def __init__(self, edge: MailFactory, peer_ip: str) -> None:
        super().__init__(edge, peer_ip)
        self.tls: str | None = None
        self.name: str | None = None
        self.ready_since = self.progress
        self.ctx = edge.tls_context
        self.canStartTLS = self.ctx is not None

    def extensions(self) -> dict[bytes, list[bytes] | None]:
        """What EHLO announces: ours, and STARTTLS as ESMTP finds it possible."""
        announced: dict[bytes, list[bytes] | None] = {
            b"PIPELINING": None,
            b"SIZE": [b"%d" % self.edge.settings.max_message_bytes],
            b"8BITMIME": None,
            b"SMTPUTF8": None,
            b"CHUNKING": None,
            b"ENHANCEDSTATUSCODES": None,
        }
        announced.update(super().extensions())  # type: ignore[no-untyped-call]  # twisted.mail has no types
        return announced

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
            self.reply(self.edge.ehlo_reply(self))

    def _helo(self, argument: bytes) -> None:
        if self._greeted_by(argument):
            self.reply(self.edge.helo_reply)

    def _greeted_by(self, argument: bytes) -> bool:
        try:
            name = argument.strip().decode("utf-8")
        except UnicodeDecodeError:
            name = ""
        if not name or len(name) > 255 or not name.isprintable():
            self.refuse(replies.NAME_NEEDED)
            return False
        self.forget()
        if self.name is None:
            self.ready_since = self.clock.seconds()
        self.name = name
        if self.startedTLS and self.tls is None:
            connection = self.transport.getHandle()
            self.tls = f"{connection.get_protocol_version_name()} {connection.get_cipher_name()}"
        return True

    def _mail(self, argument: bytes) -> None:
        if self.name is None:
            self.refuse(replies.HELLO_FIRST)
            return
        if self.mail_from is not None:
            self.refuse(replies.NESTED_MAIL)
            return
        sender = parse_mail(argument)
        if isinstance(sender, Refusal):
            self.refuse(sender)
        elif sender.size > self.edge.settings.max_message_bytes:
            self.refuse(replies.TOO_LARGE)
        else:
            self.mail_from, self.announced_size, self.utf8 = sender
            self.mail_since = self.clock.seconds()
            self.reply(replies.SENDER_OK)

    def _rcpt(self, argument: bytes) -> None:
        if self.mail_from is None:
            self.refuse(replies.MAIL_FIRST)
            return
        if self.content is not None:
            self.refuse(replies.CONTENT_BEGUN)
            return
        path = parse_rcpt(argument, self.utf8)
        if isinstance(path, Refusal):
            self.refuse(path)
            return
        recipient = self._recipient(path)
        if recipient is None:
            self.refuse(replies.RELAY_DENIED)
        elif len(self.recipients) >= self.edge.settings.max_recipients:
            self.refuse(replies.TOO_MANY_RECIPIENTS)
        else:
            standing = self.edge.recipients.check(recipient.address)
            if isinstance(standing, Standing):
                self._answer_recipient(standing, recipient)
            else:
                self.waits |= RECIPIENT
                standing.addBoth(self._looked_up, recipient)

    def _looked_up(self, outcome: Standing | Failure, recipient: Recipient) -> None:
        if self.waits & END:
            return
        if isinstance(outcome, Failure):
            if not outcome.check(Unavailable):
                _log.failure("a recipient was not looked up", outcome)
            self.refuse(replies.UNAVAILABLE)
        else:
            self._answer_recipient(outcome, recipient)
        self.go_on(RECIPIENT)

    def _answer_recipient(self, standing: Standing, recipient: Recipient) -> None:
        if standing is Standing.OPEN:
            self.recipients.setdefault((recipient.address, recipient.tag), recipient)
            self.reply(replies.RECIPIENT_OK)
        elif standing is Standing.FULL:
            self.refuse(replies.MAILBOX_FULL)
        else:
            self.refuse(replies.UNKNOWN_MAILBOX)

    def _recipient(self, path: ForwardPath) -> Recipient | None:
        domains = self.edge.domains
        mailbox, given = path
        if "@" not in mailbox:  # section 4.1.1.3: every host has a postmaster
            mailbox = f"{mailbox}@{domains.default}"
        recipient = domains.recipient(mailbox)
        if recipient is not None and given != mailbox:
            return evolve(recipient, given=given)
        return recipient

    def _rset(self, argument: bytes) -> None:
        if self._alone(argument):
            self.forget()
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

    def _not_implemented(self, _argument: bytes) -> None:
        self.refuse(replies.NOT_IMPLEMENTED)

    def _alone(self, argument: bytes) -> bool:
        if argument.strip():
            self.refuse(replies.NO_ARGUMENT_ALLOWED)
            return False
        return True

    _VERBS: ClassVar[dict[bytes, Callable[[Commands, bytes], None]]] = {
        b"EHLO": _ehlo,
        b"HELO": _helo,
        b"MAIL": _mail,
        b"RCPT": _rcpt,
        b"DATA": Receiving.do_data,
        b"RSET": _rset,
        b"NOOP": _noop,
        b"HELP": _help,
        b"VRFY": _vrfy,
        b"QUIT": _quit,
        b"STARTTLS": _starttls,
        b"EXPN": _not_implemented,
        b"AUTH": _not_implemented,
        b"BDAT": Receiving.do_bdat,
        b"ETRN": _not_implemented,
        b"TURN": _not_implemented,
    }
