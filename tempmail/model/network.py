"""Which network a client comes from: the unit that limits count by."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Network, ip_address


@lru_cache(maxsize=4096)  # each request asks more than once, and there is nothing to age
def network(host: str) -> str:
    """The network that ``host`` stands for: an IPv4 address itself, an IPv6 address's /64.

    A single customer is given at least a /64 (RFC 6177), so addresses within one are one client.
    An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) is the IPv4 address that it maps.

    :param host: a textual address, with or without a zone (RFC 4007); anything else, such as
        the path of a Unix socket, is a network of its own.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((address, 64), strict=False))
