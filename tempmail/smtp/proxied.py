"""When the client's true address is known behind a ``haproxy:`` endpoint.

The PROXY header comes before anything else, but Twisted's wrapper makes the session as soon as
the proxy connects, and tells it nothing when the header has been read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.protocols.haproxy._wrapper import HAProxyProtocolWrapper


def awaiting_header(transport: Any, read: Callable[[], object]) -> bool:
    """Whether ``transport`` is, or stands on, one whose PROXY header has yet to come.

    :param read: called once when it has come and ``getPeer`` tells the client's address; what
        stood behind it in the same segment has been received by then.
    """
    while not isinstance(transport, HAProxyProtocolWrapper):
        transport = getattr(transport, "transport", None)
        if transport is None:
            return False
    wrapper = transport

    def receive(data: bytes) -> None:
        HAProxyProtocolWrapper.dataReceived(wrapper, data)
        if wrapper._proxyInfo is not None:  # noqa: SLF001  # nothing public tells
            del wrapper.dataReceived
            read()

    wrapper.dataReceived = receive  # type: ignore[method-assign]  # of this one, until then
    return True
