"""The certificates that SNS signs with.

Each lies at an address of SNS, which the notification names.  What makes it Amazon's is that it
was fetched from there, over TLS with a chain that the machine's authorities vouch for and with the
host name of SNS.  The file holds the certificate alone, without those that lead to a root, so it is
checked besides that it is SNS's by its name, and of today.  Where a file holds a chain, that must
lead to a root.
"""

from __future__ import annotations

import re
import ssl
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID
from OpenSSL import crypto
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.core.limits import Rate, TokenBuckets
from tempmail.core.metrics import Metrics
from tempmail.model.errors import TempmailError, Unavailable
from tempmail.model.network import network
from tempmail.ses.errors import Forged
from tempmail.ses.topics import Topic

MOST_BYTES = 64 * 1024
"""Of a file; those of Amazon have 2 KB."""
FETCHES = Rate(per_second=1 / 30, burst=10)
"""Of addresses that are new, by the network of who names them."""

_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{32,128}\.pem\Z")
_GOOD_FOR = 24 * 3600.0  # seconds
_BAD_FOR = 60.0
_AWAY_FOR = 2.0
_MOST_KEPT = 32
_MOST_AT_ONCE = 8
_KEY_BITS = range(2048, 8193)


class Fetch(Protocol):
    """HTTPS, see :class:`tempmail.ses.fetching.Fetcher`."""

    async def get(self, url: str, most: int) -> tuple[int, bytes]: ...


def check_url(url: str, topic: Topic) -> None:
    """That ``url`` can be the address of a certificate for ``topic``.

    The whole of it is compared: nothing is taken apart that others could take apart otherwise.

    :raises Forged: it cannot.
    """
    start = f"https://{topic.host}"
    if not url.startswith(start) or not _PATH.match(url, len(start)):
        raise Forged("the certificate is not at an address of the topic's region")


@frozen
class _Known:
    """What came of fetching, until when it counts."""

    outcome: RSAPublicKey | TempmailError
    until: float


class Certificates:
    """The keys of certificates by their address, fetched when needed and kept for a day.

    :param fetch: asks.
    :param metrics: counts what came of it.
    :param clock: the time of day.
    """

    _log = Logger()

    def __init__(self, fetch: Fetch, metrics: Metrics, clock: IReactorTime) -> None:
        self._fetch = fetch
        self._metrics = metrics
        self._clock = clock
        self._good: OrderedDict[str, _Known] = OrderedDict()  # used the longest ago first
        self._bad: OrderedDict[str, _Known] = OrderedDict()
        self._under_way: dict[str, list[Deferred[RSAPublicKey]]] = {}
        self._asked = TokenBuckets(FETCHES)

    async def key(self, url: str, topic: Topic, peer_ip: str) -> RSAPublicKey:
        """The key that whoever signs for ``topic`` uses.

        :param url: checked by :func:`check_url`.
        :param peer_ip: who names it.
        :raises Forged: what is there is no certificate of SNS, or not of today.
        :raises Unavailable: it cannot be had now.
        """
        known = self._remembered(url)
        if known is None:
            return await self._fetched(url, topic, peer_ip)
        if isinstance(known, TempmailError):
            raise known
        return known

    def _remembered(self, url: str) -> RSAPublicKey | TempmailError | None:
        now = self._clock.seconds()
        for kept in (self._good, self._bad):
            known = kept.get(url)
            if known is not None and now < known.until:
                kept.move_to_end(url)
                return known.outcome
        return None

    def _fetched(self, url: str, topic: Topic, peer_ip: str) -> Deferred[RSAPublicKey]:
        """One flight at a time for each address, however many wait for it."""
        own: Deferred[RSAPublicKey] = Deferred()
        waiting = self._under_way.get(url)
        if waiting is not None:
            waiting.append(own)
            return own
        client, now = network(peer_ip), self._clock.seconds()
        if len(self._under_way) >= _MOST_AT_ONCE or (
            url not in self._good and self._asked.wait(client, 1, now)
        ):
            self._metrics.sns_certificates.labels("denied").inc()
            raise Unavailable("too many certificates are being asked for")
        self._asked.take(client, 1, now)
        self._under_way[url] = [own]
        Deferred.fromCoroutine(self._ask(url, topic)).addBoth(self._arrived, url)
        return own

    async def _ask(self, url: str, topic: Topic) -> _Known:
        status, body = await self._fetch.get(url, MOST_BYTES)
        if status >= 500 or status == 429:
            raise Unavailable(f"{topic.host} answered {status}")
        if status != 200:
            raise Forged("there is no such certificate")
        now = self._clock.seconds()
        key, ends = signing_key(body, topic, now)
        return _Known(key, min(now + _GOOD_FOR, ends))

    def _arrived(self, found: _Known | Failure, url: str) -> None:
        error: BaseException | None = None
        if isinstance(found, _Known):
            self._metrics.sns_certificates.labels("fetched").inc()
            self._bad.pop(url, None)
            self._keep(self._good, url, found)
        else:
            error = found.value
            if not isinstance(error, TempmailError):
                self._log.failure("a certificate could not be read", found)
                error = Forged("what is there is no certificate")
            forged = isinstance(error, Forged)
            self._metrics.sns_certificates.labels("unusable" if forged else "failed").inc()
            self._log.warn("no certificate at {url}: {why}", url=url, why=error.detail)
            until = self._clock.seconds() + (_BAD_FOR if forged else _AWAY_FOR)
            self._keep(self._bad, url, _Known(error, until))
        for one in self._under_way.pop(url):
            if isinstance(found, _Known):
                one.callback(found.outcome)  # type: ignore[arg-type]  # a key, as _ask returns
            else:
                one.errback(error)

    @staticmethod
    def _keep(kept: OrderedDict[str, _Known], url: str, known: _Known) -> None:
        kept[url] = known
        kept.move_to_end(url)
        if len(kept) > _MOST_KEPT:
            kept.popitem(last=False)


def signing_key(pem: bytes, topic: Topic, now: float) -> tuple[RSAPublicKey, float]:
    """The key of a certificate, and when that ends.

    :param now: in Unix time, like the end.
    :raises Forged: it is not one of SNS for ``topic``, or not of today.
    """
    try:
        certificate, *others = x509.load_pem_x509_certificates(pem)
        key = certificate.public_key()
        names = _names(certificate)
    except Exception as error:  # a parser of strangers' bytes
        raise Forged("what is there is no certificate") from error
    if not names & topic.signers:
        raise Forged("the certificate is not of SNS")
    if not isinstance(key, RSAPublicKey) or key.key_size not in _KEY_BITS:
        raise Forged("the certificate has no RSA key of 2048 bits or more")
    moment = datetime.fromtimestamp(now, UTC)
    ends = certificate.not_valid_after_utc
    if not certificate.not_valid_before_utc <= moment <= ends:
        raise Forged("the certificate is not of today")
    if others:
        _check_chain(certificate, others, moment)
    return key, ends.timestamp()


def _names(certificate: x509.Certificate) -> set[str]:
    """The host names of a certificate (RFC 6125 section 6.4.4: the common name only counts where
    there are no others)."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return {str(one.value).lower() for one in common}
    return {name.lower() for name in extension.value.get_values_for_type(x509.DNSName)}


def _check_chain(
    certificate: x509.Certificate, others: Sequence[x509.Certificate], moment: datetime
) -> None:
    store, trusted = crypto.X509Store(), ssl.get_default_verify_paths()
    store.set_time(moment)
    wanted = crypto.X509StoreContext(
        store,
        crypto.X509.from_cryptography(certificate),
        [crypto.X509.from_cryptography(one) for one in others],
    )
    try:
        store.load_locations(trusted.cafile, trusted.capath)
        wanted.verify_certificate()
    except (crypto.Error, crypto.X509StoreContextError) as error:
        raise Forged("the certificate's chain leads to nobody whom we trust") from error
