"""Opening ports from endpoint descriptions, and saying clearly why one cannot be opened."""

from __future__ import annotations

import re
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IListeningPort, IProtocolFactory
from twisted.python.failure import Failure

from tempmail.model.errors import InvalidInput, Unavailable

_BACKLOG = 1024
"""Connections that the kernel holds for us; Twisted's 50 overflow in a burst of senders."""

_WITH_BACKLOG = re.compile(r"\A(haproxy:|secured:.*:)?(tcp|tcp4|tcp6|ssl|tls):")
"""Endpoints that open their own ports; what systemd opened has the ``Backlog=`` of its unit."""


class Listening:
    """The ports of one kind, such as SMTP's.

    :ivar ports: those that are open.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.ports: list[IListeningPort] = []

    def open(self, option: str, description: str, factory: IProtocolFactory) -> None:
        """Listen on the endpoint that ``description`` names.

        :param option: the operator's word for it, for messages.
        :raises InvalidInput: it describes no endpoint.
        :raises Unavailable: the port is taken, or not ours to open.
        """
        if _WITH_BACKLOG.search(description) and "backlog=" not in description:
            description = f"{description}:backlog={_BACKLOG}"
        try:
            endpoint = serverFromString(self._reactor, description)
        except Exception as error:  # its parsers raise what they like
            raise InvalidInput(
                f"{option} {description!r} is no endpoint such as tcp:25: {error}"
            ) from error
        outcome: list[Any] = []
        endpoint.listen(factory).addBoth(outcome.append)
        if not outcome:
            raise InvalidInput(f"{option} {description!r}: this kind of endpoint is not supported")
        (port,) = outcome
        if isinstance(port, Failure):
            raise _cannot_listen(option, description, port.value) from port.value
        self.ports.append(port)

    def close(self) -> Deferred[Any]:
        """Take no new connections; fires when the ports are closed."""
        ports, self.ports = self.ports, []
        return gatherResults([maybeDeferred(port.stopListening) for port in ports])

    def standing(self) -> tuple[int, int]:
        """How many of the ports are open, and of how many that were opened.

        A port ends by itself where the system takes its socket away.
        """
        opened = sum(bool(getattr(port, "connected", True)) for port in self.ports)
        return opened, len(self.ports)

    def where(self) -> list[str]:
        """Host and port of each TCP port, path of others."""
        return [_shown(port.getHost()) for port in self.ports]


def _shown(address: IAddress) -> str:
    if isinstance(address, IPv6Address):
        return f"[{address.host}]:{address.port}"
    if isinstance(address, IPv4Address):
        return f"{address.host}:{address.port}"
    return str(address)


def _cannot_listen(option: str, description: str, error: BaseException | None) -> Unavailable:
    if isinstance(error, CannotListenError):
        why = getattr(error.socketError, "strerror", None) or str(error.socketError)
        return Unavailable(
            f"{option} cannot listen on {error.interface or '*'}:{error.port}: {why}"
        )
    return Unavailable(f"{option} {description!r}: {error}")
