"""Trying out what a daemon was configured to use: database, Redis, ports, certificate, DNS."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.internet.threads import deferToThread
from twisted.names.client import Resolver
from twisted.names.error import DomainError

from tempmail.bus.connection import Commands, RedisConnection
from tempmail.bus.redis_url import RedisUrl
from tempmail.dns.servers import servers
from tempmail.model.errors import TempmailError
from tempmail.settings import Settings
from tempmail.storage.connection import connect
from tempmail.storage.embedded import EmbeddedCluster

_PATIENCE = 5.0
_SOON = timedelta(days=14)


@frozen
class Finding:
    """:ivar ok: None where it could not be told."""

    what: str
    ok: bool | None
    detail: str


async def look(chosen: Settings, reactor: Any, tell: Callable[[Finding], None]) -> None:
    """Try everything out.

    :param tell: called with each finding.
    """
    tell(await deferToThread(_database, chosen))
    if chosen.redis is not None:
        tell(await _redis(chosen.redis, reactor))
    for option in ("smtp", "http"):
        for description in getattr(chosen, option):
            tell(await _port(f"--{option} {description}", description, reactor))
    if chosen.metrics is not None:
        tell(await _port(f"--metrics {chosen.metrics}", chosen.metrics, reactor))
    if chosen.tls_cert is not None and chosen.tls_key is not None:
        tell(_certificate(chosen.tls_cert, chosen.tls_key, chosen.hostname))
    else:
        own = chosen.environment != "prod"
        detail = "self-signed, made at the first start" if own else "none: STARTTLS is not offered"
        tell(Finding("certificate", own or None, detail))
    for domain in chosen.domain:
        for finding in await _dns(domain, chosen, reactor):
            tell(finding)


def _database(chosen: Settings) -> Finding:
    dsn, what = chosen.database, "database"
    if dsn is None:
        cluster = EmbeddedCluster(chosen.data_dir)
        if not Path(cluster.data_dir, "postgresql").exists():
            return Finding(what, True, f"will be made in {chosen.data_dir}")
        dsn = cluster.dsn
    try:
        connection = connect(dsn)
    except TempmailError as error:
        if chosen.database is None:
            return Finding(what, None, f"embedded in {chosen.data_dir}; no daemon runs on it")
        return Finding(what, False, error.detail)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version'), current_setting('fsync')")
            version, fsync = cursor.fetchone() or ("", "")
    finally:
        connection.close()
    if fsync != "on":
        return Finding(what, False, f"PostgreSQL {version} with fsync {fsync}: mail may be lost")
    old = connection.server_version < 140000
    return Finding(what, not old, f"PostgreSQL {version}{'; 14 or later is needed' * old}")


async def _redis(url: RedisUrl, reactor: Any) -> Finding:
    outcome: Deferred[Finding] = Deferred()

    def tell(*, ok: bool, detail: str) -> None:
        if not outcome.called:
            outcome.callback(Finding("redis", ok, detail))

    async def prepare(_: object) -> None:
        tell(ok=True, detail=f"answers at {url.host}:{url.port}")

    connection = RedisConnection(
        url, Commands, prepare, lambda why: tell(ok=False, detail=why), reactor
    )
    connection.start()
    timer = reactor.callLater(_PATIENCE, lambda: tell(ok=False, detail="does not answer"))
    try:
        return await outcome
    finally:
        connection.stop()
        if timer.active():
            timer.cancel()


async def _port(what: str, description: str, reactor: Any) -> Finding:
    if description.startswith("systemd:") or ":systemd:" in description:
        return Finding(what, None, "systemd opens it")
    try:
        port: Any = await serverFromString(reactor, description).listen(Factory())
    except Exception as error:
        reason = getattr(error, "socketError", error)
        return Finding(what, None, f"cannot be opened: {reason}; is a daemon running?")
    await port.stopListening()
    return Finding(what, True, "can be opened")


def _certificate(certificate: Path, key: Path, hostname: str) -> Finding:
    what = f"certificate {certificate}"
    try:
        [first, *_] = x509.load_pem_x509_certificates(certificate.read_bytes())
        ours = load_pem_private_key(key.read_bytes(), None).public_key()
    except (OSError, ValueError, TypeError) as error:
        return Finding(what, False, f"cannot be used: {error}")
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if ours.public_bytes(*form) != first.public_key().public_bytes(*form):
        return Finding(what, False, f"is not that of {key}")
    left = first.not_valid_after_utc - datetime.now(UTC)
    ends = f"ends {first.not_valid_after_utc:%Y-%m-%d}"
    if left < _SOON:
        return Finding(what, False, f"{ends}: renew it")
    names = _names(first)
    known = any(_covers(name, hostname) for name in names)
    return Finding(what, known, f"{ends}, for {' '.join(names)}; --hostname is {hostname}")


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return extension.value.get_values_for_type(x509.DNSName)


def _covers(name: str, hostname: str) -> bool:
    """Whether a certificate's name is that of a host (RFC 6125 section 6.4.3)."""
    if name.startswith("*."):
        return name[1:] == "." + hostname.partition(".")[2]
    return name == hostname


async def _dns(domain: str, chosen: Settings, reactor: Any) -> list[Finding]:
    what = f"MX of {domain}"
    if domain == "localhost" or domain.endswith(".localhost"):
        return [Finding(what, True, "not needed: senders on this machine know where it is")]
    asked = [(one.host, one.port) for one in servers(chosen.dns)]
    if not asked:
        return [Finding(what, None, "there is no resolver to ask (--dns)")]
    resolver: Any = Resolver(servers=asked, reactor=reactor)
    try:
        answers, _, _ = await resolver.lookupMailExchange(domain, timeout=(1, 2))
    except DomainError as error:
        return [Finding(what, False, f"none: senders use its address ({type(error).__name__})")]
    except Exception as error:
        return [Finding(what, None, f"no resolver answers ({type(error).__name__})")]
    hosts = sorted(str(one.payload.name) for one in answers if one.type == 15)
    found = [Finding(what, bool(hosts), " ".join(hosts) or "none")]
    if hosts and chosen.hostname not in hosts:
        found.append(Finding(what, None, f"--hostname {chosen.hostname} is not among them"))
    for host in hosts[:5]:
        found.append(await deferToThread(_address, host))  # noqa: PERF401
    return found


def _address(host: str) -> Finding:
    try:
        addresses = {entry[4][0] for entry in socket.getaddrinfo(host, 25, type=socket.SOCK_STREAM)}
    except OSError as error:
        return Finding(f"address of {host}", False, str(error))
    return Finding(f"address of {host}", True, " ".join(sorted(map(str, addresses))))
