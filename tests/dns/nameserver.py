"""A name server on the loopback interface, made with dnspython, as honest as a test wants."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

SILENT = "silent"
SERVFAIL = "servfail"
GARBAGE = "garbage"
OTHER_QUESTION = "other question"
NO_EDNS = "no edns"
TTL = 60


class Nameserver:
    """Answers by UDP and, where that is too short, by TCP.

    :param zone: records in text by name and type; a word above instead of them for how to answer.
    :ivar asked: every question, with ``udp`` or ``tcp``, in order.
    """

    def __init__(self, zone: Mapping[tuple[str, str], Sequence[str] | str]) -> None:
        self.zone = dict(zone)
        self.asked: list[tuple[str, str, str]] = []
        self.port = 0

    def answer(self, data: bytes, by: str) -> bytes | None:
        query = dns.message.from_wire(data)
        (question,) = query.question
        name = question.name.to_text().lower().rstrip(".")
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind, by))
        records = self.zone.get((name, kind), ())
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        match records:
            case "silent":
                return None
            case "garbage":
                return data[:2] + b"\xff" * 40
            case "servfail":
                reply.set_rcode(dns.rcode.SERVFAIL)
            case "other question":
                reply.question[0].name = dns.name.from_text("other.example.")
            case "no edns" if query.edns >= 0:
                reply.set_rcode(dns.rcode.FORMERR)
            case "no edns":
                records = ["192.0.2.1"]
        alias = self.zone.get((name, "CNAME"))
        hops = 0
        while alias and hops < 20:
            reply.answer.append(dns.rrset.from_text(question.name, TTL, "IN", "CNAME", *alias))
            name, hops = str(alias[0]).rstrip("."), hops + 1
            question = dns.rrset.from_text(dns.name.from_text(name), TTL, "IN", kind)
            records, alias = self.zone.get((name, kind), ()), self.zone.get((name, "CNAME"))
        if not isinstance(records, str) and records:
            reply.answer.append(dns.rrset.from_text(question.name, TTL, "IN", kind, *records))
        elif reply.rcode() == dns.rcode.NOERROR and not reply.answer:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        wire = reply.to_wire(max_size=65535)
        room = max(query.payload, 512) if by == "udp" else 65535
        if len(wire) <= room:
            return wire
        short = dns.message.make_response(query)
        short.flags |= dns.flags.TC
        return short.to_wire()


def quoted(text: str) -> str:
    """A TXT record as zone files have it, in strings of 200 octets."""
    return " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))


@contextmanager
def serving(zone: Mapping[tuple[str, str], Sequence[str] | str]) -> Iterator[Nameserver]:
    """Run a server on ``127.0.0.1`` and its ``port``."""
    nameserver = Nameserver(zone)

    class Datagram(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, reply_to = self.request
            answer = nameserver.answer(data, "udp")
            if answer is not None:
                reply_to.sendto(answer, self.client_address)

    class Stream(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = int.from_bytes(self.rfile.read(2), "big")
            answer = nameserver.answer(self.rfile.read(length), "tcp")
            if answer is not None:
                self.wfile.write(len(answer).to_bytes(2, "big") + answer)

    servers: list[Any] = []
    while not servers:
        udp = socketserver.UDPServer(("127.0.0.1", 0), Datagram)
        nameserver.port = udp.server_address[1]
        try:
            servers = [udp, socketserver.TCPServer(("127.0.0.1", nameserver.port), Stream)]
        except OSError:  # taken for TCP
            udp.server_close()
    threads = [threading.Thread(target=one.serve_forever, args=(0.02,)) for one in servers]
    for thread in threads:
        thread.start()
    try:
        yield nameserver
    finally:
        for one in servers:
            one.shutdown()
            one.server_close()
        for thread in threads:
            thread.join()


def closed_port() -> int:
    """A UDP port on which nobody listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
