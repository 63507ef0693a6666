"""The input loop: octets in, commands and content out, replies back in order.

Exactly one command is in flight.  While it waits (for a commit, for a client that does not
read its replies, for the next turn of the reactor) what the client sends is kept, up to a
bound, and then no longer read (RFC 2920 lets a client send many commands at once).
"""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Callable
from typing import Any

from twisted.internet import tcp
from twisted.internet.interfaces import IReactorTime, ITCPTransport
from twisted.mail.smtp import ESMTP

from tempmail.smtp import replies
from tempmail.smtp.body import Reader
from tempmail.smtp.replies import Refusal

MAX_LINE = 2048
"""Octets of a command line; RFC 5321 section 4.5.3.1.4 asks for 512 and more for extensions."""
MAX_KEPT_INPUT = 65536
"""Octets kept behind a command in flight before the connection is no longer read."""
COMMANDS_A_TURN = 150
"""Then other connections have theirs; a mail to 100 recipients still takes one turn."""

# What the loop waits for; any of them stops it.
DELIVERY = 1
OUTPUT = 2
TURN = 4
UPGRADE = 8
END = 16
CLOSED = 32
PROXY = 64
RECIPIENT = 128


class InputLoop(ESMTP, metaclass=ABCMeta):
    """An ESMTP session whose lines, content and replies are handled here, not by Twisted.

    :ivar clock: where the loop's next turn comes from.
    :ivar progress: when the client last completed something or we did, by ``clock``.
    """

    clock: IReactorTime
    transport: Any  # TCP, TLS over it or a proxy's: what they share has no one interface

    def __init__(self, clock: IReactorTime) -> None:
        # Not ESMTP.__init__: all that it sets belongs to the input loop that this one replaces.
        self.clock = clock
        self.progress = clock.seconds()
        self.reader: Reader | None = None
        self._read_to_end: Callable[[], object]
        self.waits = 0
        self._running = False
        self._rest = b""
        self._replies: list[bytes] = []
        self._skipping = False  # inside a line that was refused for its length
        self._paused = False
        self._send: Callable[[bytes], int] | None = None  # the socket's own, see flush

    @abstractmethod
    def command(self, line: bytes) -> None:
        """Obey one command line, without its CR LF, by :meth:`reply` now or later."""

    @abstractmethod
    def refuse(self, refusal: Refusal) -> None:
        """Reply and count."""

    @abstractmethod
    def upgrade(self) -> None:
        """Begin TLS; nothing that was received in clear is left."""

    # Octets in.

    def dataReceived(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        if not self.waits:
            self._run(data)
        elif not self.waits & END:
            self._rest = data
            if len(data) > MAX_KEPT_INPUT and not self._paused:
                self._paused = True
                self.transport.pauseProducing()

    def go_on(self, waited_for: int) -> None:
        """End one of the waits, and take up the input again where it was the last."""
        self.waits &= ~waited_for
        if self._running or self.waits:
            return
        self.progress = self.clock.seconds()
        self._run(self._rest)
        if self._paused and not self.waits:
            self._paused = False
            self.transport.resumeProducing()

    def _run(self, data: bytes) -> None:
        self._running = True
        at = 0
        size = len(data)
        turn = COMMANDS_A_TURN
        while at < size and not self.waits:
            reader = self.reader
            if reader is not None:
                at = reader.feed(data, at)
                if at < 0:
                    at = size
                else:
                    self.reader = None
                    self._read_to_end()
                continue
            end = data.find(b"\r\n", at)
            if end < 0:
                at = self._unfinished_line(data, at)
                break
            if self._skipping:
                self._skipping = False
            elif end - at > MAX_LINE:
                self.refuse(replies.LINE_TOO_LONG)
            elif not turn:
                self.waits |= TURN
                self.clock.callLater(0, self._next_turn)
                break
            else:
                turn -= 1
                self.command(data[at:end])
            at = end + 2
        self._running = False
        self._rest = data[at:]
        if at:
            self.progress = self.clock.seconds()
        if self.waits & END:
            self.close()
            return
        if self._replies:
            self.flush()
        if self.waits & UPGRADE:
            # RFC 3207 section 4.2: whatever came in clear behind STARTTLS was never said.
            self._rest = b""
            self.waits &= ~UPGRADE
            self.upgrade()

    def _unfinished_line(self, data: bytes, at: int) -> int:
        """Where the kept part of a line without its end begins; of a hopeless one, at its end."""
        if not self._skipping:
            if len(data) - data.endswith(b"\r") - at <= MAX_LINE:
                return at
            self._skipping = True
            self.refuse(replies.LINE_TOO_LONG)
        return len(data) - data.endswith(b"\r")

    def _next_turn(self) -> None:
        if not self.waits & END:
            self.go_on(TURN)

    def read(self, reader: Reader, then: Callable[[], object]) -> None:
        """Give ``reader`` what follows instead of obeying it, and call ``then`` at its end."""
        self.reader = reader
        self._read_to_end = then

    # Replies out.

    def reply(self, line: bytes) -> None:
        """Answer the command in flight; written with the other replies to the same read."""
        self._replies.append(line)

    def flush(self) -> None:
        """Write what was replied.

        Twisted's ``write`` leaves the sending to the reactor's next round: two epoll_ctl and
        a poll more for each reply.  Sending at once took a mail of four replies from 86 to
        65 us of CPU, and a connection with one mail from 224 to 183 (medians of interleaved
        runs of tests/bench/edge).  Where the client's window is full once, the
        connection uses ``write`` from then on, so that the order is never in doubt.
        """
        data = self._replies[0] if len(self._replies) == 1 else b"".join(self._replies)
        self._replies.clear()
        if self._send is not None:
            try:
                sent = self._send(data)
            except OSError:  # full, or gone: the reactor will find out which
                sent = 0
            if sent == len(data):
                return
            self._send = None
            data = data[sent:]
        self.transport.write(data)

    def pauseProducing(self) -> None:
        """The client does not read its replies: obey no further commands."""
        self.waits |= OUTPUT

    def resumeProducing(self) -> None:
        self.go_on(OUTPUT)

    def stopProducing(self) -> None:
        """The connection is lost; :meth:`connectionLost` is told as well."""

    # The connection.

    def connectionMade(self) -> None:
        transport = self.transport
        if ITCPTransport.providedBy(transport):
            transport.setTcpNoDelay(True)
        if isinstance(transport, tcp.Server):
            self._send = transport.getHandle().send
        transport.registerProducer(self, True)

    def hang_up(self, last: bytes) -> None:
        """Say ``last``, obey nothing more and close."""
        self._replies.append(last)
        self.waits |= END
        if not self._running:
            self.close()

    def close(self) -> None:
        """Close once what was replied has been written."""
        self._rest = b""
        if self.waits & CLOSED:
            return
        self.progress = self.clock.seconds()
        if self._replies:
            self.flush()
        self._part()
        self.transport.loseConnection()

    def drop(self) -> None:
        """Close at once, without a word."""
        self._replies.clear()
        self._part()
        self.transport.abortConnection()

    def _part(self) -> None:
        if not self.waits & CLOSED:
            self.waits |= END | CLOSED
            self.transport.unregisterProducer()
