"""A WebSocket at rest: what Autobahn keeps for each connection, kept once for all of them.

Autobahn gives every connection some 80 attributes: a copy of each option, the whole opening
handshake, and counters, queues and a validator that an idle one has no use for.  A connection
that has settled keeps a handful, and finds the others with its factory until it sets them again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autobahn.twisted.websocket import WebSocketServerProtocol

if TYPE_CHECKING:
    from tempmail.live.factory import InboxFactory

_OWN = ("factory", "transport", "connected", "state", "is_closed")


class AtRest(WebSocketServerProtocol):
    """Autobahn's server protocol in little memory.

    :ivar factory: has ``at_rest``, see below.
    """

    CONFIG_ATTRS = []  # noqa: RUF012  # Autobahn's type; so nothing is copied from the factory
    factory: InboxFactory
    transport: Any

    def __getattr__(self, name: str) -> Any:
        """What the connection does not have of its own."""
        try:
            return self.factory.at_rest[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def peer(self) -> str:  # type: ignore[override]  # Autobahn's is set once, and kept
        """For Autobahn's log."""
        return str(self.transport and self.transport.getPeer())

    def connectionMade(self) -> None:
        """Without the details of the transport that Autobahn gathers."""
        self._connectionMade()

    def settle(self) -> None:
        """Forget the opening handshake."""
        self.__dict__ = {name: self.__dict__[name] for name in _OWN}


def at_rest(factory: InboxFactory) -> dict[str, Any]:
    """The options and the state of a connection on which nothing happens."""
    options = {name: getattr(factory, name) for name in WebSocketServerProtocol.CONFIG_ATTRS}
    sample = AtRest()
    sample.factory = factory
    factory.at_rest = options
    sample.connectionMade()
    factory.countConnections = 0
    state = {name: value for name, value in vars(sample).items() if name not in _OWN}
    opened = {"inside_message": False, "current_frame": None, "websocket_version": 13}
    return options | state | opened
