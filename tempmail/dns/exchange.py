"""One question to one resolver: by UDP, and by TCP where the answer does not fit (RFC 7766)."""

from __future__ import annotations

import struct
from secrets import randbelow
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, connectProtocol
from twisted.internet.protocol import DatagramProtocol
from twisted.names import dns
from twisted.protocols.basic import Int16StringReceiver
from twisted.python.failure import Failure

MAX_ANSWER = 4 * 1024
"""Bytes; what a domain publishes for mail takes a few hundred."""

MOST_RECORDS = 100
"""Of all kinds; reading them takes the reactor's time, and many fit into few bytes."""

_HEADER = struct.Struct("!6H")
"""RFC 1035 section 4.1.1: the ID, the flags, and how much there is in each of four sections."""

_UDP_BYTES = 1232
"""What crosses any network in one piece (dnsflagday.net/2020), by EDNS (RFC 6891)."""
_OPT = 41
_KINDS = {"A": dns.A, "AAAA": dns.AAAA, "MX": dns.MX, "PTR": dns.PTR, "TXT": dns.TXT, "NS": dns.NS}


@frozen
class Server:
    """A resolver."""

    host: str
    port: int = 53

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.host


class NoAnswer(Exception):
    """A resolver did not answer as it should; says how."""


class _Question:
    """What is asked, and whether something is its answer."""

    def __init__(self, name: str, kind: str, *, extended: bool) -> None:
        self._query = dns.Query(name.encode("ascii"), _KINDS[kind])
        self._id = randbelow(2**16)
        message = dns.Message(self._id, recDes=1)
        message.queries = [self._query]
        if extended:
            options = dns.RRHeader(b"", _OPT, _UDP_BYTES, 0, dns.UnknownRecord(b""))
            message.additional = [options]
        self.bytes = message.toStr()

    def answered_by(self, data: bytes) -> dns.Message | None:
        """The answer in ``data``; None for what is no answer to this question.

        :raises NoAnswer: it is one, and too long to be read.
        """
        if len(data) < _HEADER.size:
            return None
        number, _, questions, *records = _HEADER.unpack_from(data)
        if number != self._id or questions != 1:
            return None
        if sum(records) > MOST_RECORDS or len(data) > MAX_ANSWER:
            raise NoAnswer("its answer is too long")
        message = dns.Message()
        try:
            message.fromStr(data)
        except Exception:  # any octets may come, and twisted.names trips over some
            return None
        if message.id != self._id or not message.answer or message.queries != [self._query]:
            return None
        return message


def _settle(answer: Deferred[dns.Message], question: _Question, data: bytes) -> None:
    """Fire ``answer`` where ``data`` decides it."""
    if answer.called:
        return
    try:
        message = question.answered_by(data)
    except NoAnswer:
        answer.errback(Failure())
        return
    if message is not None:
        answer.callback(message)


class _Datagrams(DatagramProtocol):
    """Waits for the answer on a port of its own, connected to the one resolver."""

    def __init__(self, question: _Question, server: Server) -> None:
        self._question = question
        self._server = server
        self.answer: Deferred[dns.Message] = Deferred()

    def startProtocol(self) -> None:  # noqa: N802  # Twisted's name
        transport: Any = self.transport
        transport.connect(self._server.host, self._server.port)
        transport.write(self._question.bytes)

    def datagramReceived(self, data: bytes, _addr: object) -> None:
        _settle(self.answer, self._question, data)

    def connectionRefused(self) -> None:  # noqa: N802
        if not self.answer.called:
            self.answer.errback(Failure(NoAnswer("it refuses connections")))


class _Stream(Int16StringReceiver):
    MAX_LENGTH = MAX_ANSWER

    def __init__(self, question: _Question) -> None:
        self._question = question
        self.answer: Deferred[dns.Message] = Deferred()

    def connectionMade(self) -> None:
        self.sendString(self._question.bytes)  # type: ignore[no-untyped-call]

    def stringReceived(self, data: bytes) -> None:
        _settle(self.answer, self._question, data)

    def connectionLost(self, reason: Any = None) -> None:  # noqa: ARG002
        if not self.answer.called:
            self.answer.errback(Failure(NoAnswer("its answer is too long, or cut short")))


async def ask(
    reactor: Any, server: Server, name: str, kind: str, *, seconds: float, extended: bool
) -> dns.Message:
    """The answer of one resolver, whatever its response code.

    Nothing is left open, however it ends.

    :param extended: whether to allow longer answers by UDP, which few resolvers do not know.
    :raises twisted.internet.defer.TimeoutError: none came in ``seconds``, for each of UDP and TCP.
    :raises NoAnswer: there will be none.
    """
    question = _Question(name, kind, extended=extended)
    message = await _by_udp(reactor, server, question, seconds)
    if message.trunc:
        message = await _by_tcp(reactor, server, question, seconds)
    return message


async def _by_udp(reactor: Any, server: Server, question: _Question, seconds: float) -> dns.Message:
    asking = _Datagrams(question, server)
    try:
        # Port 0 is one that nobody can guess (RFC 5452 section 9.2).
        port = reactor.listenUDP(
            0, asking, interface="::" if server.is_ipv6 else "", maxPacketSize=MAX_ANSWER
        )
    except OSError as why:
        raise NoAnswer(str(why)) from None
    try:
        return await asking.answer.addTimeout(seconds, reactor)
    finally:
        port.stopListening()


async def _by_tcp(reactor: Any, server: Server, question: _Question, seconds: float) -> dns.Message:
    kind = TCP6ClientEndpoint if server.is_ipv6 else TCP4ClientEndpoint
    talking = _Stream(question)
    try:
        await connectProtocol(kind(reactor, server.host, server.port, timeout=seconds), talking)
    except Exception as why:
        raise NoAnswer(f"no connection: {type(why).__name__}") from None
    try:
        return await talking.answer.addTimeout(seconds, reactor)
    finally:
        transport: Any = talking.transport
        transport.abortConnection()
