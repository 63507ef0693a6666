"""Connections to IMAP servers, whose certificates and names are checked (RFC 6125)."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.ssl import (
    Certificate,
    TLSVersion,
    optionsForClientTLS,
    trustRootFromCertificates,
)

from tempmail.imap.account import Account
from tempmail.imap.protocol import ImapProtocol
from tempmail.model.errors import Unavailable

_CONNECT_SECONDS = 30


def connect(account: Account, reactor: Any) -> Deferred[ImapProtocol]:
    """A connection whose greeting is still to come; encrypted where ``account.tls`` is ``tls``."""
    endpoint: Any = HostnameEndpoint(reactor, account.host, account.port, timeout=_CONNECT_SECONDS)
    if account.tls == "tls":
        endpoint = wrapClientTLS(tls_options(account), endpoint)
    connected: Deferred[ImapProtocol] = connectProtocol(endpoint, ImapProtocol(reactor))
    return connected


def tls_options(account: Account) -> Any:
    """What a certificate of the account's host is checked by; TLS 1.2 at least.

    :raises Unavailable: the file of authorities cannot be read.
    """
    trusted: dict[str, Any] = {}
    if account.ca_file is not None:
        try:
            found = x509.load_pem_x509_certificates(account.ca_file.read_bytes())
        except (OSError, ValueError) as error:
            raise Unavailable(f"{account.ca_file}: holds no certificates: {error}") from error
        trusted["trustRoot"] = trustRootFromCertificates(
            [Certificate.loadPEM(one.public_bytes(Encoding.PEM)) for one in found]
        )
    return optionsForClientTLS(
        account.host, extraCertificateOptions={"raiseMinimumTo": TLSVersion.TLSv1_2}, **trusted
    )
