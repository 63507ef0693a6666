"""Against a real Redis."""

from __future__ import annotations

import datetime as dt
import ipaddress
import shutil
import signal
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import DefaultOpenSSLContextFactory
from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from tempmail.bus import wire
from tempmail.bus.local import LocalBus
from tempmail.bus.redis import FLOOD, RedisBus
from tempmail.bus.redis_url import redis_url
from tempmail.core.metrics import Metrics
from tempmail.core.signing import SigningKey
from tempmail.model.event import Event
from tests.bus.test_wire import EXPIRED, arrival
from tests.redis_server import RedisServer


class Keys:
    def __init__(self, *keys: SigningKey) -> None:
        self.keys: Sequence[SigningKey] = keys

    async def signing_keys(self) -> Sequence[SigningKey]:
        return self.keys


KEY = SigningKey(1, b"k" * 32)


class RedisCase(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def server(self, *options: str, tls: bool = False) -> RedisServer:
        server = RedisServer(self.folder, *options, tls=tls)
        server.start()
        self.addCleanup(server.kill)
        return server

    def bus(self, url: str, *keys: SigningKey) -> RedisBus:
        metrics = Metrics()
        stored = Keys(*keys or (KEY,))
        bus = RedisBus(redis_url(url), LocalBus(metrics, alone=False), stored, metrics, reactor)
        bus.start()
        self.addCleanup(bus.stop)
        return bus

    def heard_by(self, bus: RedisBus, mailbox_id: int = 7) -> list[Event]:
        heard: list[Event] = []
        bus.subscribe(mailbox_id, heard.append)
        return heard

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await self.turn(0.005)

    async def turn(self, seconds: float) -> None:
        done: Deferred[None] = Deferred()
        reactor.callLater(seconds, done.callback, None)
        await done

    async def well(self, *buses: RedisBus) -> None:
        await self.until(lambda: all(bus.status() == "ok" for bus in buses))


def figure(bus: RedisBus, name: str, **labels: str) -> float:
    return bus._metrics.registry.get_sample_value(f"tempmail_bus_{name}", labels) or 0.0


class RedisBusTest(RedisCase):
    async def test_an_event_reaches_each_daemon_once_and_in_order(self) -> None:
        url = self.server().url
        one, other = self.bus(url), self.bus(url)
        await self.well(one, other)
        here, there = self.heard_by(one), self.heard_by(other)
        events = [arrival(seq) for seq in range(1, 1001)]
        for event in events:
            one.publish(event)
        assert here == events, "those here are told at once"
        await self.until(lambda: len(there) == len(events))
        other.publish(EXPIRED)
        await self.until(lambda: here[-1] == EXPIRED)
        assert (here, there) == ([*events, EXPIRED], [*events, EXPIRED])

    async def test_what_is_announced_is_heard_everywhere(self) -> None:
        url = self.server().url
        one, other = self.bus(url), self.bus(url)
        await self.well(one, other)
        heard: list[str] = []
        for bus in (one, other):
            bus.observe("recipients", heard.append)
        one.announce("recipients", "grüße@example.test")
        await self.until(lambda: len(heard) == 2)
        assert heard == ["grüße@example.test"] * 2

    async def test_each_daemon_has_two_connections_however_many_follow(self) -> None:
        server = self.server()
        bus = self.bus(server.url)
        await self.well(bus)
        for mailbox_id in range(1000):
            self.heard_by(bus, mailbox_id)
        assert len(server.connections()) == 2

    async def test_installations_with_prefixes_or_databases_of_their_own_do_not_hear_each_other(
        self,
    ) -> None:
        url = self.server().url
        buses = [self.bus(f"{url}{rest}") for rest in ("", "/3", "?prefix=other:")]
        await self.well(*buses)
        heard = [self.heard_by(bus) for bus in buses]
        for seq, bus in enumerate(buses):
            bus.publish(arrival(seq))
        for bus in buses:
            await self.until(lambda bus=bus: figure(bus, "published_total") == 1)  # type: ignore[misc]
        assert heard == [[arrival(0)], [arrival(1)], [arrival(2)]]

    async def test_what_no_daemon_of_ours_has_signed_is_ignored_and_counted(self) -> None:
        server = self.server()
        bus = self.bus(server.url)
        await self.well(bus)
        heard = self.heard_by(bus)
        stranger = SigningKey(1, b"s" * 32)
        line = wire.event_line(EXPIRED)
        hostile: list[bytes] = [
            b"",
            b"\0\xff" * 100,
            b"x" * 100_000,
            line,
            wire.payload(b"0" * 16, stranger, [line]),
            wire.payload(b"0" * 16, KEY, [b"x 7 8\n"]),
            wire.payload(b"0" * 16, KEY, [line] * (wire.MOST_LINES + 1)),
        ]
        for payload in hostile:
            server.ask("PUBLISH", "tempmail:0:events", payload)
        server.ask("PUBLISH", "tempmail:0:events", wire.payload(b"0" * 16, KEY, [line]))
        await self.until(lambda: len(heard) == 1)
        assert heard == [EXPIRED]
        counts = [figure(bus, "ignored_total", reason=why) for why in ("oversize", "malformed")]
        assert counts == [1, len(hostile) - 1]

    async def test_a_flood_makes_it_stop_listening_while_it_goes_on_telling(self) -> None:
        server = self.server()
        bus, other = self.bus(server.url), self.bus(server.url)
        await self.well(bus)
        for _ in range(FLOOD + 100):
            server.ask("PUBLISH", "tempmail:0:events", "flood")
            if not bus.hears_all:
                break
        await self.until(lambda: not bus.hears_all)
        assert (bus.status(), bus.tells_all) == ("unavailable", True)
        assert other is not None

    async def test_a_key_that_another_daemon_made_is_learned_and_nothing_is_missed(self) -> None:
        url = self.server().url
        one, other = self.bus(url), self.bus(url, SigningKey(2, b"n" * 32), KEY)
        await self.well(one, other)
        gaps = one.gaps
        other.publish(EXPIRED)
        await self.until(lambda: one.gaps > gaps)
        assert figure(one, "ignored_total", reason="unknown_key") == 1

    @pytest.mark.alone
    async def test_a_redis_that_went_is_noticed_and_is_used_again_when_it_is_back(self) -> None:
        server = self.server()
        one, other = self.bus(server.url), self.bus(server.url)
        await self.well(one, other)
        heard, gaps = self.heard_by(other), other.gaps
        server.kill()
        await self.until(lambda: "ok" not in (one.status(), other.status()))
        one.publish(arrival(1))
        assert (one.hears_all, one.tells_all) == (False, False)
        server.start()
        back = reactor.seconds()
        await self.well(one, other)
        assert reactor.seconds() - back < 5
        one.publish(arrival(2))
        await self.until(lambda: heard == [arrival(2)])
        assert other.gaps > gaps, "the other has to look for what was lost"

    async def test_who_could_not_tell_has_the_others_look(self) -> None:
        server = self.server()
        one, other = self.bus(server.url), self.bus(server.url)
        await self.well(one, other)
        gaps = other.gaps
        one._publisher.abort(0)
        one.publish(arrival(1))
        await self.until(lambda: not one.tells_all)
        await self.well(one)
        await self.until(lambda: other.gaps == gaps + 1)
        assert other.hears_all

    @pytest.mark.alone
    async def test_a_frozen_redis_is_noticed_within_seconds(self) -> None:
        server = self.server()
        bus = self.bus(server.url)
        await self.well(bus)
        started = reactor.seconds()
        assert server.process is not None
        server.freeze()
        self.addCleanup(server.process.send_signal, signal.SIGCONT)
        await self.until(lambda: not (bus.hears_all or bus.tells_all))
        assert reactor.seconds() - started < 8
        server.thaw()
        await self.well(bus)

    async def test_an_outage_is_logged_once_and_so_is_its_end(self) -> None:
        lines: list[str] = []

        @implementer(ILogObserver)
        def note(event: LogEvent) -> None:
            if str(event.get("log_namespace", "")).startswith("tempmail.bus"):
                level = event["log_level"]
                if level >= LogLevel.info:
                    lines.append(str(event["log_format"])[:12])

        globalLogPublisher.addObserver(note)
        self.addCleanup(globalLogPublisher.removeObserver, note)
        server = self.server()
        bus = self.bus(server.url)
        await self.well(bus)
        server.kill()
        await self.until(lambda: figure(bus, "connections_lost_total") >= 6)
        for seq in range(100):
            bus.publish(arrival(seq))
        server.start()
        await self.until(lambda: len(lines) > 1)
        assert lines == ["Redis is awa", "Redis is the"]

    async def test_a_publisher_is_never_held_up_and_memory_is_bounded(self) -> None:
        bus = self.bus("redis://127.0.0.1:1")
        heard = self.heard_by(bus)
        for seq in range(50_000):
            bus.publish(arrival(seq))
        assert len(heard) == 50_000
        assert not bus._waiting
        assert figure(bus, "dropped_total") == 50_000


class PasswordTest(RedisCase):
    async def test_a_password_opens(self) -> None:
        server = self.server("--requirepass", "s3cret/@")
        bus = self.bus(f"redis://:s3cret%2F%40@127.0.0.1:{server.port}/2")
        await self.well(bus)

    async def test_a_user_opens_with_a_password(self) -> None:
        server = self.server()
        server.ask("ACL", "SETUSER", "ann", "on", ">pw", "+@all", "~*", "&*")
        await self.well(self.bus(f"redis://ann:pw@127.0.0.1:{server.port}"))

    async def test_a_wrong_one_does_not_and_is_tried_again(self) -> None:
        server = self.server("--requirepass", "right")
        bus = self.bus(f"redis://:wrong@127.0.0.1:{server.port}")
        await self.until(lambda: figure(bus, "connections_lost_total") >= 4)
        assert bus.status() == "unavailable"
        assert b"+OK" in server.ask("AUTH", "right")
        with_wrong = server.ask("CONFIG", "SET", "requirepass", "wrong")
        assert b"NOAUTH" in with_wrong


class TlsTest(RedisCase):
    """With an authority of its own, and certificates that name one host."""

    def setUp(self) -> None:
        super().setUp()
        self.ca_key = ec.generate_private_key(ec.SECP256R1())
        self.ca = self._certificate("Test CA", self.ca_key, None)
        self._write("ca.pem", self.ca)

    def _certificate(
        self, name: str, key: ec.EllipticCurvePrivateKey, host: str | None
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        issuer = subject if host is None else self.ca.subject
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        )
        if host is not None:
            try:
                named: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
            except ValueError:
                named = x509.DNSName(host)
            builder = builder.add_extension(x509.SubjectAlternativeName([named]), critical=False)
        return builder.sign(self.ca_key, hashes.SHA256())

    def _write(self, name: str, certificate: x509.Certificate) -> None:
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        self.folder.joinpath(name).write_bytes(pem)

    def make_certificate(self, host: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        self._write("server.pem", self._certificate("redis", key, host))
        self.folder.joinpath("server.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    def tls_server(self, host: str) -> RedisServer:
        self.make_certificate(host)
        return self.server(
            *("--tls-cert-file", str(self.folder / "server.pem")),
            *("--tls-key-file", str(self.folder / "server.key")),
            *("--tls-ca-cert-file", str(self.folder / "ca.pem"), "--tls-auth-clients", "no"),
            tls=True,
        )

    async def test_a_server_with_the_right_name_by_the_authority_is_trusted(self) -> None:
        for host in ("localhost", "127.0.0.1"):
            server = self.tls_server(host)
            cacert = self.folder / "ca.pem"
            bus = self.bus(f"rediss://{host}:{server.port}?cacert={cacert}")
            await self.well(bus)

    async def _is_refused(self, url: str) -> None:
        bus = self.bus(url)
        await self.until(lambda: figure(bus, "connections_lost_total") >= 4)
        assert bus.status() == "unavailable"

    async def test_another_host_s_certificate_is_refused_and_sees_no_password(self) -> None:
        self.make_certificate("elsewhere.test")
        told: list[bytes] = []

        class Decoy(Protocol):
            def dataReceived(self, data: bytes) -> None:
                told.append(data)

        context = DefaultOpenSSLContextFactory(
            str(self.folder / "server.key"), str(self.folder / "server.pem")
        )
        listen: Any = reactor
        port = listen.listenSSL(0, Factory.forProtocol(Decoy), context, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        where = f"localhost:{port.getHost().port}?cacert={self.folder / 'ca.pem'}"
        await self._is_refused(f"rediss://:secret@{where}")
        assert told == []

    async def test_an_authority_that_the_system_does_not_know_is_refused(self) -> None:
        server = self.tls_server("localhost")
        await self._is_refused(f"rediss://localhost:{server.port}")
