"""The names that the site answers to.

A page of another site can have its name resolve to our address and then ask us as itself (DNS
rebinding).  What gives it away is the name in the Host header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address

_HOST = re.compile(
    rb"(?P<name>[A-Za-z0-9_.-]{0,255}|\[[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9._-]{1,32})?\])"
    rb"(?::[0-9]{0,5})?\Z"
)


def is_host(field: bytes) -> bool:
    """Whether a Host header can be this: a name or an address, and a port (RFC 9110 section 7.2).

    Empty is right where the target has no authority.
    """
    return _HOST.match(field) is not None


class Hosts:
    """Says whether a Host header names us; its port does not matter.

    The loopback interface's names always do: no other site can have them.

    :param names: names and IP addresses of ours.
    :param addresses: whether every IP address is ours.  Rebinding needs a name, so this gives
        nothing away.
    """

    def __init__(self, names: Iterable[str], *, addresses: bool = False) -> None:
        self._names = frozenset(name.lower().strip("[]").rstrip(".") for name in names)
        self._addresses = addresses

    def __contains__(self, field: object) -> bool:
        assert isinstance(field, bytes)
        match = _HOST.match(field)
        if match is None:
            return False
        name = match["name"].decode("ascii").lower().strip("[]").rstrip(".")
        if name in self._names or name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            address = ip_address(name)
        except ValueError:
            return False
        return self._addresses or address.is_loopback
