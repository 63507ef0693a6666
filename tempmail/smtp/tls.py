"""What STARTTLS needs: a context from files, read again when they change, and a certificate of
our own where there is none."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto
from prometheus_client import Counter, Gauge
from twisted.internet.interfaces import IOpenSSLContextFactory, IReactorTime
from twisted.internet.ssl import AcceptableCiphers, CertificateOptions, TLSVersion
from twisted.logger import Logger
from zope.interface import implementer

from tempmail.model.errors import InvalidInput

_LIFETIME = timedelta(days=3650)
_LOOK_SECONDS = 1.0

_CIPHERS = AcceptableCiphers.fromOpenSSLCipherString("ECDHE+AESGCM:ECDHE+CHACHA20")
"""For TLS 1.2, forward secrecy and authenticated encryption alone (RFC 9325 section 4.2); the
suites of TLS 1.3 are all of that kind and not named here."""

_log = Logger()


@implementer(IOpenSSLContextFactory)
class ReloadedContext:
    """The context of two files, read again when one of them changes.

    The files are looked at when a client asks for TLS, at most once a second.  Where they do not
    belong together, because one was replaced and the other will be, those of before stay in use.

    :param certificate: see :func:`server_context`.
    :param key: likewise.
    :param clock: the reactor.
    :param failures: counts changes that could not be used.
    :param not_after: shows when the certificate in use expires.
    :raises InvalidInput: at first the files have to be right.
    """

    def __init__(
        self,
        certificate: Path,
        key: Path,
        clock: IReactorTime,
        failures: Counter | None = None,
        not_after: Gauge | None = None,
    ) -> None:
        self._files = certificate, key
        self._clock = clock
        self._failures = failures
        self._not_after = not_after
        self._seen = self._state()
        self._looked = clock.seconds()
        self._options = server_context(certificate, key)
        self._show()

    def getContext(self) -> SSL.Context:  # noqa: N802  # Twisted's name
        """The newest context that could be made."""
        now = self._clock.seconds()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            self._look()
        return self._options.getContext()

    def _look(self) -> None:
        state = self._state()
        if state == self._seen:
            return
        self._seen = state
        try:
            self._options = server_context(*self._files)
        except InvalidInput as error:
            if self._failures is not None:
                self._failures.inc()
            _log.error("the certificate is not changed: {why}", why=error.detail)
        else:
            self._show()
            _log.info("the certificate was read again")

    def _show(self) -> None:
        certificate = self._options.certificate
        if self._not_after is not None and certificate is not None:
            expires = certificate.to_cryptography().not_valid_after_utc
            self._not_after.set(expires.timestamp())

    def _state(self) -> list[tuple[int, int, int] | None]:
        """What differs where a file was written or replaced."""
        return [_identity(path) for path in self._files]


def _identity(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def server_context(certificate: Path, key: Path) -> CertificateOptions:
    """A context for TLS 1.2 and up with modern ciphers.

    :param certificate: PEM, the leaf first, then its chain.
    :param key: PEM, not encrypted.
    :raises InvalidInput: a file cannot be read, is not PEM, or the two do not belong together.
    """
    try:
        chain = [
            crypto.X509.from_cryptography(each)
            for each in x509.load_pem_x509_certificates(certificate.read_bytes())
        ]
        private = crypto.PKey.from_cryptography_key(
            serialization.load_pem_private_key(key.read_bytes(), password=None)  # type: ignore[arg-type]  # OpenSSL refuses the kinds it cannot use
        )
        options = CertificateOptions(
            privateKey=private,
            certificate=chain[0],
            extraCertChain=chain[1:],
            raiseMinimumTo=TLSVersion.TLSv1_2,
            acceptableCiphers=_CIPHERS,
        )
        options.getContext().check_privatekey()
    except OSError as error:
        raise InvalidInput(f"cannot read {error.filename}: {error.strerror}") from None
    except (ValueError, TypeError, SSL.Error, crypto.Error):
        raise InvalidInput(
            f"{certificate} and {key} are not a certificate and its private key in PEM"
        ) from None
    return options


def self_signed(directory: Path, hostname: str) -> tuple[Path, Path]:
    """The certificate and key in ``directory``, made there at the first call.

    Senders do not verify certificates on port 25 (RFC 7435), so one that nobody has signed
    still keeps mail from being read on its way.

    :param directory: exists and is writable.
    :param hostname: goes into the certificate; one made for another name is kept.
    :returns: the paths of the certificate and of the key (mode 0600), both PEM.
    """
    certificate, key = directory / "smtp-certificate.pem", directory / "smtp-key.pem"
    if certificate.exists() and key.exists():
        return certificate, key
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname[:64])])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(hostname)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    _write(
        key,
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    _write(certificate, signed.public_bytes(serialization.Encoding.PEM))
    return certificate, key


def _write(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path``, whole or not at all, readable by its owner alone."""
    unfinished = path.with_suffix(".tmp")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    unfinished.replace(path)
