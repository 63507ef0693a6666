"""Servers on the loopback interface that pass for Amazon's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from twisted.internet import reactor as _reactor
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import (
    IHostnameResolver,
    IReactorPluggableNameResolver,
    IReactorTCP,
    IReactorTime,
)
from twisted.internet.ssl import (
    Certificate,
    KeyPair,
    PrivateCertificate,
    trustRootFromCertificates,
)
from twisted.web.client import BrowserLikePolicyForHTTPS
from twisted.web.resource import Resource
from twisted.web.server import Request, Site
from zope.interface import implementer

from tests.ses.amazon import Authority, private_pem

reactor: Any = _reactor


@implementer(IHostnameResolver)
class Names:
    """Every name is this machine.

    :ivar asked: those that were.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []

    def resolveHostName(
        self,
        resolutionReceiver: Any,  # noqa: N803  # the interface's names
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Any = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> Any:
        self.asked.append(hostName)
        resolutionReceiver.resolutionBegan(None)
        resolutionReceiver.addressResolved(IPv4Address("TCP", "127.0.0.1", portNumber))
        resolutionReceiver.resolutionComplete()
        return resolutionReceiver


@implementer(IReactorPluggableNameResolver, IReactorTCP, IReactorTime)
class Elsewhere:
    """The reactor, but for where connections go: to ``port`` of this machine."""

    def __init__(self, port: int) -> None:
        self.nameResolver = self.names = Names()
        self._port = port
        self.wanted: list[int] = []

    def connectTCP(self, host: str, port: int, *rest: Any, **more: Any) -> Any:
        self.wanted.append(port)
        return reactor.connectTCP("127.0.0.1", self._port, *rest, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)


class Everything(Resource):
    """Answers every path by calling ``answer``.

    :ivar asked: method and URI of each request.
    """

    isLeaf = True  # noqa: N815  # twisted.web's name

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str]] = []
        self.answer: Callable[[Request], Any] = lambda _: b"an answer"

    def render(self, request: Request) -> Any:
        self.asked.append((request.method.decode(), request.uri.decode()))
        return self.answer(request)


class TlsServer:
    """HTTPS with a certificate of ``authority`` for ``names``."""

    def __init__(self, authority: Authority, *names: str) -> None:
        key = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        signed = authority.sign(subject, key, *names)
        identity = PrivateCertificate.loadPEM(private_pem(key) + signed.public_bytes(Encoding.PEM))
        assert isinstance(identity.privateKey, KeyPair)
        self.content = Everything()
        site = Site(self.content)
        self._port = reactor.listenSSL(0, site, identity.options(), interface="127.0.0.1")
        self.reactor = Elsewhere(self._port.getHost().port)

    async def stop(self) -> None:
        await self._port.stopListening()


def trusting(*authorities: Authority) -> BrowserLikePolicyForHTTPS:
    """What a client checks servers with."""
    return BrowserLikePolicyForHTTPS(
        trustRootFromCertificates(
            [Certificate.loadPEM(one.certificate.public_bytes(Encoding.PEM)) for one in authorities]
        )
    )
