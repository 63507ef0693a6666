"""One connection to an IMAP server: a command at a time, each with a deadline.

Made for fetching large mails from a server that need not be friendly: everything it sends is
bounded, mails stay in the pieces in which they came, and it may push (IDLE, RFC 2177).  Twisted's
own client joins a mail several times over and takes literals and responses without end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime, ISSLTransport
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from tempmail.imap.errors import Late, Lost, Refused, Trouble, Violation
from tempmail.imap.responses import Response, ResponseReader
from tempmail.mail.storable import one_line

COMMAND_SECONDS = 60.0
"""For a command whose answer is short."""

_MOST_RESPONSES = 100_000
"""To one command; we ask for no more than ten thousand at once."""

_MOST_LITERAL = 4096
"""Bytes of a literal where no mail was asked for."""

_EXISTS = re.compile(rb"\* \d{1,15} EXISTS\Z", re.IGNORECASE)


@define
class _Command:
    """The command under way.

    :ivar listen: called with each untagged response.
    :ivar go_on: called where the server asks for more.
    :ivar admit: called with the length of each literal.
    """

    tag: bytes
    answer: Deferred[str]
    listen: Callable[[Response], None]
    go_on: Callable[[], None] | None
    admit: Callable[[int], None]
    deadline: IDelayedCall
    seen: int = 0


def _ignore(_: Response) -> None:
    pass


def _short(size: int) -> None:
    if size > _MOST_LITERAL:
        raise Violation("a long literal that nobody asked for")


class ImapProtocol(Protocol):
    """The connection.

    :param clock: the reactor, for deadlines.
    :ivar greeting: fires with the server's first words.
    :ivar arrived: whether the server spoke of new mail since this was last unset.
    """

    transport: Any

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._reader = ResponseReader(lambda size: self._admit(size))
        self._command: _Command | None = None
        self._tags = 0
        self._ended: Trouble | None = None
        self._end_idle: Callable[[], None] | None = None
        self._unasked = 0
        self.arrived = False
        self.greeting: Deferred[str] = Deferred()
        self._greeting_deadline: IDelayedCall | None = None

    async def command(
        self,
        words: bytes,
        *,
        seconds: float = COMMAND_SECONDS,
        listen: Callable[[Response], None] = _ignore,
        go_on: Callable[[], None] | None = None,
        admit: Callable[[int], None] = _short,
    ) -> str:
        """Send one command; the text of its OK.

        :raises Refused: the answer was NO or BAD.
        :raises Trouble: there was no answer; the connection has ended.
        """
        if self._ended is not None:
            raise self._ended
        assert self._command is None, "one at a time"
        self._tags += 1
        tag = b"t%d" % self._tags
        answer: Deferred[str] = Deferred()
        deadline = self._clock.callLater(seconds, self._late)
        self._command = _Command(tag, answer, listen, go_on, admit, deadline)
        self.transport.write(tag + b" " + words + b"\r\n")
        return await answer

    async def idle(self, seconds: float) -> None:
        """Wait until the server speaks of new mail, but no longer than ``seconds``."""
        begun = False

        def end() -> None:
            self._end_idle = None
            if timer.active():
                timer.cancel()
            if begun and self._ended is None:
                self.transport.write(b"DONE\r\n")

        def go_on() -> None:
            nonlocal begun
            begun = True
            if self.arrived or not timer.active():
                end()

        def over() -> None:
            if begun:
                end()

        timer = self._clock.callLater(seconds, over)
        self._end_idle = over
        try:
            await self.command(b"IDLE", seconds=seconds + COMMAND_SECONDS, go_on=go_on)
        finally:
            self._end_idle = None
            if timer.active():
                timer.cancel()

    def start_tls(self, options: Any) -> None:
        """Go on encrypted.

        :raises Violation: something was sent in clear that would be read as if it were not.
        """
        if not self._reader.is_between:
            raise Violation("more than its answer in front of TLS")
        self.transport.startTLS(options)

    @property
    def tls(self) -> str | None:
        """Protocol and cipher, None in clear."""
        handle: Any = self.transport.getHandle()
        if not ISSLTransport.providedBy(self.transport):
            return None
        return f"{handle.get_protocol_version_name()} {handle.get_cipher_name()}"

    def write(self, data: bytes) -> None:
        """Send what a command goes on with."""
        self.transport.write(data)

    def drop(self, why: Trouble) -> None:
        """End the connection; what waits for an answer fails with ``why``; twice is once."""
        if self._ended is not None:
            return  # whoever heard of its end drops it too, within that
        self._end(why)
        if self.transport is not None:
            self.transport.abortConnection()

    # What Twisted calls.

    def connectionMade(self) -> None:
        self._greeting_deadline = self._clock.callLater(COMMAND_SECONDS, self._late)

    def dataReceived(self, data: bytes) -> None:
        try:
            for response in self._reader.feed(data):
                self._received(response)
                if self._ended is not None:
                    return
        except Trouble as trouble:
            self.drop(trouble)

    def connectionLost(self, reason: Failure | None = None) -> None:
        why = "" if reason is None or reason.value is None else _words(reason.value)
        self._end(Lost(f"the connection was lost: {why}"))

    # What the server says.

    def _received(self, response: Response) -> None:
        text = response.text
        if not self.greeting.called:
            if not text.startswith((b"* OK", b"* PREAUTH")):
                raise Refused(f"turned away: {shown(text)}")
            self._greeted()
            self.greeting.callback(shown(text))
            return
        if _EXISTS.match(text):
            self.arrived = True
            if self._end_idle is not None:
                self._end_idle()
        command = self._command
        if command is None:
            self._unasked += 1
            if self._unasked > _MOST_RESPONSES or not text.startswith(b"* "):
                raise Violation("an answer to no question")
        elif text.startswith(b"* "):
            command.seen += 1
            if command.seen > _MOST_RESPONSES:
                raise Violation("an answer without an end")
            command.listen(response)
        elif text.startswith(b"+"):
            if command.go_on is None:
                raise Violation("a question in an answer")
            command.go_on()
        else:
            self._answered(command, text)

    def _greeted(self) -> None:
        if self._greeting_deadline is not None and self._greeting_deadline.active():
            self._greeting_deadline.cancel()

    def _answered(self, command: _Command, text: bytes) -> None:
        tag, _, rest = text.partition(b" ")
        if tag != command.tag:
            raise Violation("an answer to another command")
        self._command = None
        command.deadline.cancel()
        if rest[:2].upper() == b"OK":
            command.answer.callback(shown(rest[3:]))
        else:
            command.answer.errback(Refused(shown(rest)))

    def _admit(self, size: int) -> None:
        (_short if self._command is None else self._command.admit)(size)

    def _late(self) -> None:
        self.drop(Late("the server took too long"))

    def _end(self, why: Trouble) -> None:
        if self._ended is not None:
            return
        self._ended = why
        self._greeted()
        command, self._command = self._command, None
        if command is not None:
            if command.deadline.active():
                command.deadline.cancel()
            command.answer.errback(why)
        if not self.greeting.called:
            self.greeting.errback(why)


def shown(text: bytes) -> str:
    """What a server said, fit for a log."""
    return one_line(text.decode("utf-8", "replace"), 200)


def _words(error: BaseException) -> str:
    return one_line(str(error) or type(error).__name__, 200)
