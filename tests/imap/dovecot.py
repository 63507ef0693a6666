"""Debian's dovecot as a child process, with accounts of one password and a certificate of ours."""

from __future__ import annotations

import contextlib
import grp
import imaplib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PASSWORD = "correct-horse"
PATIENCE = 30.0

_CONFIGURATION = """
base_dir = {folder}/base
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 0
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
mail_location = maildir:{folder}/mail/%u
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
"""


class Dovecot:
    """A server that answers.

    :ivar port, tls_port: in clear with STARTTLS, and encrypted from the start.
    :ivar ca: PEM file of its certificate, which is for ``localhost`` alone.
    """

    def __init__(self, folder: Path, days: int = 1) -> None:
        self.folder = folder
        self.ca = folder / "cert.pem"
        self.port, self.tls_port = _free_port(), _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        make_certificate(folder, days=days)

    def start(self) -> None:
        account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        (self.folder / "mail").mkdir(exist_ok=True)
        os.chown(self.folder / "mail", account.pw_uid, account.pw_gid)
        configuration = self.folder / "dovecot.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=self.folder,
                user=account.pw_name,
                group=_group(account.pw_gid),
                uid=account.pw_uid,
                gid=account.pw_gid,
                password=PASSWORD,
                port=self.port,
                tls_port=self.tls_port,
            )
        )
        program = shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program is not None, "tests/run installs dovecot-imapd"
        self._process = subprocess.Popen(
            [program, "-F", "-c", str(configuration)], start_new_session=True
        )
        end = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError, imaplib.IMAP4.error), self.client("nobody-yet"):
                return
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < end, "dovecot does not answer"
            time.sleep(0.02)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)  # asked to end, its children take ten seconds
            process.wait(PATIENCE)

    @contextmanager
    def client(self, user: str = "joe") -> Iterator[imaplib.IMAP4]:
        """The standard library's client, logged in."""
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            client.login(user, PASSWORD)
            yield client
        finally:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                client.logout()

    def append(self, *mails: bytes, user: str = "joe", folder: str = "INBOX") -> None:
        with self.client(user) as client:
            for mail in mails:
                answer, said = client.append(folder, "", "", mail)
                assert answer == "OK", said

    def uids(self, user: str = "joe", what: str = "ALL") -> list[int]:
        """The mails that are there."""
        with self.client(user) as client:
            client.select(readonly=True)
            _, (found,) = client.uid("SEARCH", what)
            return [int(uid) for uid in found.split()]

    def log(self) -> str:
        return (self.folder / "log").read_text()


@contextmanager
def dovecot(days: int = 1) -> Iterator[Dovecot]:
    """Run one whose certificate is good for so many days."""
    folder = Path(tempfile.mkdtemp(prefix="tempmail-dovecot-"))
    folder.chmod(0o755)  # its processes are not root's
    server = Dovecot(folder, days)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def make_certificate(folder: Path, name: str = "localhost", days: int = 1) -> Path:
    """A pair ``cert.pem`` and ``key.pem``; expired where ``days`` is negative."""
    folder.mkdir(exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "cert.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _group(gid: int) -> str:
    return grp.getgrgid(gid).gr_name
