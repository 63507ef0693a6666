"""Whom a request comes from, where a proxy that we trust hands it on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from attrs import frozen
from twisted.web.http_headers import Headers

_PAIR = re.compile(r'[ \t]*([A-Za-z0-9_-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]+))[ \t]*([;,]|\Z)')
_NODE = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9_A-Za-z.-]{1,32})?\Z")


@frozen
class Client:
    """:ivar host: an IP address as text.
    :ivar scheme: that the client speaks, ``http`` or ``https``; None where nobody said.
    """

    host: str
    scheme: str | None


@frozen
class _Hop:
    host: str | None
    scheme: str | None


class TrustedProxies:
    """Reads ``Forwarded`` (RFC 7239) and ``X-Forwarded-For``, of proxies that we trust.

    Each proxy adds whom it was asked by; the client is the last that none of ours vouches for.
    A proxy may pass on the one header and write the other, so where both come and do not agree,
    neither is believed: the request is then the proxy's own.

    :param networks: the proxies', as CIDR.
    """

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(one) for one in networks]

    def trusts(self, host: str) -> bool:
        """Whether ``host`` is a proxy of ours."""
        if not self._networks:
            return False
        try:
            address = ip_address(host.partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in each for each in self._networks)

    def client(self, peer: str, headers: Headers) -> Client | None:
        """Who asks through the proxy ``peer``; None where it is none that we trust."""
        if not self.trusts(peer):
            return None
        found = {
            self._of(peer, hops)
            for hops in (list(_forwarded(headers)), list(_x_forwarded(headers)))
            if hops
        }
        hosts = {one.host for one in found}
        if len(hosts) != 1:
            return Client(peer, None)
        schemes = {one.scheme for one in found} - {None}
        return Client(hosts.pop(), schemes.pop() if len(schemes) == 1 else None)

    def _of(self, peer: str, hops: list[_Hop]) -> Client:
        """The last of ``hops`` that is no proxy of ours; the first where all are."""
        seen = Client(peer, None)
        for hop in reversed(hops):
            if hop.host is None:  # hidden, or nonsense: whoever told us so is all that is known
                return Client(seen.host, hop.scheme)
            seen = Client(hop.host, hop.scheme)
            if not self.trusts(hop.host):
                break
        return seen


def _forwarded(headers: Headers) -> Iterator[_Hop]:
    for line in headers.getRawHeaders("Forwarded", ()):
        yield from _elements(line)


def _elements(line: str) -> list[_Hop]:
    """What a whole line says, or nothing of it: with an open quotation mark a client could hide
    what the proxy appends."""
    hops, said, at = [], {}, 0
    while at < len(line):
        pair = _PAIR.match(line, at)
        if pair is None:
            return [_Hop(None, None)]
        name, quoted, token, separator = pair.groups()
        said[name.lower()] = token if quoted is None else quoted
        at = pair.end()
        if separator != ";":
            hops.append(_Hop(_host(said.get("for", "")), _scheme(said.get("proto", ""))))
            said = {}
    return hops


def _x_forwarded(headers: Headers) -> Iterator[_Hop]:
    schemes = ",".join(headers.getRawHeaders("X-Forwarded-Proto", ())).split(",")
    scheme = _scheme(schemes[-1].strip())
    for line in headers.getRawHeaders("X-Forwarded-For", ()):
        for node in line.split(","):
            yield _Hop(_host(node.strip()), scheme)


def _host(node: str) -> str | None:
    """The address in ``node``, which may have a port; None where it has none."""
    match = _NODE.match(node)
    try:
        return str(ip_address(node if match is None else match[1] or match[2]))
    except ValueError:
        return None


def _scheme(text: str) -> str | None:
    return text.lower() if text.lower() in ("http", "https") else None
