"""TLS around any other endpoint: ``secured:CERTIFICATE:KEY:systemd:domain=INET6:name=https``.

Twisted's ``tls:`` opens its own port, so it cannot take one that systemd has opened.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import quoteStringArgument, serverFromString
from twisted.internet.interfaces import (
    IListeningPort,
    IOpenSSLContextFactory,
    IProtocolFactory,
    IStreamServerEndpoint,
    IStreamServerEndpointStringParser,
)
from twisted.plugin import IPlugin
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from tempmail.smtp.tls import ReloadedContext


@implementer(IStreamServerEndpoint)
class SecuredEndpoint:
    """Listens where ``endpoint`` does, and speaks TLS there."""

    def __init__(
        self, context: IOpenSSLContextFactory, endpoint: IStreamServerEndpoint, clock: Any
    ) -> None:
        self._context = context
        self._endpoint = endpoint
        self._clock = clock

    def listen(self, factory: IProtocolFactory) -> Deferred[IListeningPort]:
        return self._endpoint.listen(
            TLSMemoryBIOFactory(self._context, False, factory, clock=self._clock)
        )


@implementer(IPlugin, IStreamServerEndpointStringParser)
class SecuredParser:
    """Reads the description: two PEM files, then that of another endpoint."""

    prefix = "secured"

    def parseStreamServer(  # noqa: N802  # Twisted's name
        self, reactor: Any, *args: Any, **kwargs: Any
    ) -> SecuredEndpoint:
        """
        :raises ValueError: no other endpoint is named.
        :raises InvalidInput: the files are not a certificate and its key.
        """
        certificate, key, *words = args
        if not words:
            raise ValueError("secured:CERTIFICATE:KEY: is followed by an endpoint such as tcp:443")
        inner = ":".join(
            [*map(quoteStringArgument, words)]
            + [f"{name}={quoteStringArgument(value)}" for name, value in kwargs.items()]
        )
        context = ReloadedContext(Path(certificate), Path(key), reactor)
        return SecuredEndpoint(context, serverFromString(reactor, inner), reactor)
