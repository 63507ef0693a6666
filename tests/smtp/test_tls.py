from __future__ import annotations

import contextlib
import stat
import tempfile
from pathlib import Path

import pytest
from OpenSSL import SSL
from prometheus_client import CollectorRegistry, Counter
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from tempmail.model.errors import InvalidInput
from tempmail.smtp.tls import ReloadedContext, self_signed, server_context

NAME = "mx.example.com"


class FileTests(TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_a_certificate_is_made_once_and_its_key_is_private(self) -> None:
        certificate, key = self_signed(self.folder, NAME)
        made = certificate.read_bytes(), key.read_bytes()
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
        self.assertEqual(self_signed(self.folder, NAME), (certificate, key))
        self.assertEqual((certificate.read_bytes(), key.read_bytes()), made)
        self.assertEqual(sorted(self.folder.iterdir()), sorted((certificate, key)))

    def test_a_context_says_what_is_wrong_with_its_files(self) -> None:
        certificate, key = self_signed(self.folder, NAME)
        nonsense = self.folder / "nonsense"
        nonsense.write_bytes(b"nonsense")
        other = self.folder / "other"
        other.mkdir()
        _, foreign_key = self_signed(other, NAME)
        for wrong in (
            (nonsense, key),
            (certificate, nonsense),
            (certificate, foreign_key),
            (self.folder / "missing", key),
        ):
            self.assertRaises(InvalidInput, server_context, *wrong)


class ReloadTests(TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.certificate, self.key = self_signed(self.folder, NAME)
        other = self.folder / "other"
        other.mkdir()
        self.new_certificate, self.new_key = self_signed(other, NAME)
        self.clock = Clock()
        self.registry = CollectorRegistry()
        failures = Counter("failures", "Of reloads.", registry=self.registry)
        self.context = ReloadedContext(self.certificate, self.key, self.clock, failures)
        self.first = self.context.getContext()

    def failed(self) -> float | None:
        return self.registry.get_sample_value("failures_total")

    def test_files_that_stay_are_not_read_again(self) -> None:
        self.clock.advance(10)
        self.assertIs(self.context.getContext(), self.first)

    def test_files_that_change_are_read_again_after_a_second(self) -> None:
        self.new_certificate.replace(self.certificate)
        self.new_key.replace(self.key)
        self.clock.advance(0.9)
        self.assertIs(self.context.getContext(), self.first)
        self.clock.advance(0.1)
        second = self.context.getContext()
        self.assertIsNot(second, self.first)
        self.assertEqual(shaken(second, client(SSL.TLS1_3_VERSION))[0], "TLSv1.3")
        self.clock.advance(10)
        self.assertIs(self.context.getContext(), second)
        self.assertEqual(self.failed(), 0)

    def test_a_pair_that_does_not_belong_together_leaves_the_old_one_in_use(self) -> None:
        self.new_certificate.replace(self.certificate)
        for _ in range(3):
            self.clock.advance(1)
            self.assertIs(self.context.getContext(), self.first)
        self.assertEqual(self.failed(), 1)
        self.new_key.replace(self.key)
        self.clock.advance(1)
        self.assertIsNot(self.context.getContext(), self.first)
        self.assertEqual(self.failed(), 1)

    def test_files_that_vanish_leave_the_old_ones_in_use(self) -> None:
        self.key.unlink()
        for _ in range(3):
            self.clock.advance(1)
            self.assertIs(self.context.getContext(), self.first)
        self.assertEqual(self.failed(), 1)
        self.certificate.write_bytes(b"half a certifi")
        self.clock.advance(1)
        self.assertIs(self.context.getContext(), self.first)
        self.assertEqual(self.failed(), 2)

    def test_at_first_the_files_have_to_be_right(self) -> None:
        with self.assertRaises(InvalidInput):
            ReloadedContext(self.certificate, self.new_key, self.clock)


# Which clients are taken: each is shown to work with a server that takes everything, so that
# what refuses it is the server and nothing in the client.


def client(version: int, ciphers: bytes = b"ALL:@SECLEVEL=0") -> SSL.Context:
    """Of one version of TLS alone, with no scruples."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(ciphers)
    context.set_min_proto_version(version)
    context.set_max_proto_version(version)
    return context


def shaken(server: SSL.Context, client: SSL.Context) -> tuple[str, str | None]:
    """Protocol and cipher of a handshake in memory.

    :raises SSL.Error: from the server's side where the server refuses.
    """
    theirs, ours = SSL.Connection(client, None), SSL.Connection(server, None)
    theirs.set_connect_state()
    ours.set_accept_state()
    for _ in range(10):
        for one, other in ((theirs, ours), (ours, theirs)):
            with contextlib.suppress(SSL.WantReadError):
                one.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                other.bio_write(one.bio_read(1 << 16))
    return ours.get_protocol_version_name(), ours.get_cipher_name()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"), NAME)


@pytest.fixture(scope="module")
def ours(files: tuple[Path, Path]) -> SSL.Context:
    return server_context(*files).getContext()


@pytest.fixture(scope="module")
def anything(files: tuple[Path, Path]) -> SSL.Context:
    """The control: a server that takes every client."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_VERSION)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    context.use_certificate_file(str(files[0]))
    context.use_privatekey_file(str(files[1]))
    return context


@pytest.mark.parametrize(
    ("version", "name"), [(SSL.TLS1_VERSION, "TLSv1"), (SSL.TLS1_1_VERSION, "TLSv1.1")]
)
def test_tls_before_1_2_is_refused_by_us(
    ours: SSL.Context, anything: SSL.Context, version: int, name: str
) -> None:
    assert shaken(anything, client(version))[0] == name
    with pytest.raises(SSL.Error, match="unsupported protocol"):
        shaken(ours, client(version))


@pytest.mark.parametrize("cipher", [b"ECDHE-ECDSA-AES128-SHA", b"ECDHE-ECDSA-AES256-SHA384"])
def test_ciphers_without_authentication_are_refused_by_us(
    ours: SSL.Context, anything: SSL.Context, cipher: bytes
) -> None:
    old = client(SSL.TLS1_2_VERSION, cipher + b":@SECLEVEL=0")
    assert shaken(anything, old) == ("TLSv1.2", cipher.decode())
    with pytest.raises(SSL.Error, match="no shared cipher"):
        shaken(ours, old)


@pytest.mark.parametrize(
    "cipher", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"]
)
def test_modern_ciphers_are_taken(ours: SSL.Context, cipher: str) -> None:
    assert shaken(ours, client(SSL.TLS1_2_VERSION, cipher.encode())) == ("TLSv1.2", cipher)


def test_tls_1_3_is_taken(ours: SSL.Context) -> None:
    assert shaken(ours, client(SSL.TLS1_3_VERSION))[0] == "TLSv1.3"
