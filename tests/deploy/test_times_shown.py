"""The metrics that say how far the sweeper is behind, and when the certificate expires."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.expiry import INTERVAL, Sweeper
from tempmail.core.metrics import Metrics
from tempmail.smtp.tls import ReloadedContext, self_signed
from tests.core.test_expiry import Work
from tests.http.doubles import MemoryBus


class SweepTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000)
        self.work = Work(self.clock)
        self.metrics = Metrics()
        self.sweeper = Sweeper(self.work, MemoryBus(), self.metrics, self.clock)

    def shown(self) -> float | None:
        return self.metrics.registry.get_sample_value("tempmail_swept_timestamp_seconds")

    def test_a_sweep_that_left_nothing_shows_its_time(self) -> None:
        self.sweeper.start()
        self.assertEqual(self.shown(), 1_000_000)
        self.clock.advance(INTERVAL)
        self.assertEqual(self.shown(), 1_000_000 + INTERVAL)

    def test_one_that_ran_out_of_time_or_failed_does_not(self) -> None:
        self.work.seconds = 50
        self.sweeper.start()
        self.assertEqual(self.shown(), 0)
        self.work.seconds, self.work.broken = 0, RuntimeError("away")
        self.clock.advance(INTERVAL)
        self.flushLoggedErrors(RuntimeError)
        self.assertEqual(self.shown(), 0)


class CertificateTests(SynchronousTestCase):
    def test_the_end_of_the_certificate_in_use_is_shown_and_follows_a_renewal(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            certificate, key = self_signed(folder, "mx.example")
            metrics, clock = Metrics(), Clock()
            context = ReloadedContext(
                certificate, key, clock, metrics.tls_reload_failures, metrics.tls_not_after
            )
            shown = metrics.registry.get_sample_value("tempmail_tls_not_after_timestamp_seconds")
            assert shown is not None
            ends = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
            self.assertEqual(shown, ends.timestamp())
            self.assertGreater(ends, datetime.now(UTC) + timedelta(days=365))

            metrics.tls_not_after.set(0)
            other = folder / "other"
            other.mkdir()
            new_certificate, new_key = self_signed(other, "mx.example")
            new_key.replace(key)
            new_certificate.replace(certificate)
            clock.advance(1)
            context.getContext()
            shown = metrics.registry.get_sample_value("tempmail_tls_not_after_timestamp_seconds")
            self.assertGreater(shown or 0, ends.timestamp() - 1)
