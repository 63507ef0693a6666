"""Which resolvers to ask."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from tempmail.dns.exchange import Server

MOST_SERVERS = 3  # resolv.conf(5)
_RESOLV_CONF = Path("/etc/resolv.conf")


def servers(chosen: Sequence[str], resolv_conf: Path = _RESOLV_CONF) -> list[Server]:
    """The resolvers that the operator chose; none where DNS is off.

    :param chosen: as :func:`tempmail.settings.load` has it: ``off``, ``system``, or addresses.
    :param resolv_conf: read where the machine's own are meant; none where there is no such file.
    """
    if "off" in chosen:
        return []
    if "system" in chosen:
        return _of_system(resolv_conf)
    return [server(one) for one in chosen]


def server(text: str) -> Server:
    """An address with or without a port: ``192.0.2.1``, ``192.0.2.1:5353``, ``[::1]:5353``.

    :raises ValueError: it is something else.
    """
    host, port = text, "53"
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or "53"
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    ip_address(host)
    number = int(port) if port.isascii() and port.isdigit() else 0
    if not 0 < number < 65536:
        raise ValueError("has a port from 1 to 65535")
    return Server(host, number)


def _of_system(resolv_conf: Path) -> list[Server]:
    try:
        lines = resolv_conf.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for words in (line.split() for line in lines):
        if len(words) >= 2 and words[0] == "nameserver" and "%" not in words[1]:
            with suppress(ValueError):
                found.append(Server(str(ip_address(words[1]))))
    return found[:MOST_SERVERS]
