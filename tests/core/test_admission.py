"""What an SMTP client may do, and what becomes of one that does not stop."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from tempmail.core.admission import Denial, SmtpLimits
from tempmail.core.blocks import LENGTHS, Blocks
from tempmail.core.limits import ClientLimits, Rate
from tempmail.core.metrics import Metrics

ANN, BOB = "192.0.2.1", "192.0.2.2"
LAVISH = Rate(1e9, 1e12)
NOTHING_LIMITED = ClientLimits(
    connections=10**6,
    connections_per_client=10**6,
    messages=LAVISH,
    recipients=LAVISH,
    octets=LAVISH,
)


def reason(denial: Denial | None) -> str | None:
    return denial.reason if denial else None


class AdmissionCase(TestCase):
    def make(self, **limits: Any) -> SmtpLimits:
        self.clock = Clock()
        self.clock.advance(1.7e9)  # as large as the real one's
        self.metrics = Metrics()
        self.blocks = Blocks(self.metrics, self.clock)
        return SmtpLimits(evolve(NOTHING_LIMITED, **limits), self.blocks, self.metrics, self.clock)

    def figure(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"tempmail_{name}", labels) or 0


class ConnectionTests(AdmissionCase):
    def test_a_connection_past_the_total_is_denied_until_one_has_left(self) -> None:
        limits = self.make(connections=2)
        self.assertEqual([limits.admit(ANN), limits.admit(BOB)], [None, None])
        self.assertEqual(reason(limits.admit("192.0.2.3")), "connections")
        limits.left(ANN)
        self.assertIsNone(limits.admit("192.0.2.3"))
        self.assertEqual(self.figure("limit_denials_total", limit="connections"), 1)

    def test_a_client_s_connections_are_bounded_and_not_its_neighbour_s(self) -> None:
        limits = self.make(connections_per_client=1)
        self.assertIsNone(limits.admit(ANN))
        self.assertEqual(reason(limits.admit(ANN)), "connections_per_client")
        self.assertIsNone(limits.admit(BOB))
        limits.left(ANN)
        self.assertIsNone(limits.admit(ANN))

    def test_the_addresses_of_a_64_are_one_client_and_those_of_two_are_two(self) -> None:
        limits = self.make(connections_per_client=1)
        self.assertIsNone(limits.admit("2001:db8::1"))
        self.assertIsNotNone(limits.admit("2001:db8::ffff:2"))
        self.assertIsNone(limits.admit("2001:db8:0:1::1"))

    def test_a_mapped_address_is_the_same_client_as_the_one_it_maps(self) -> None:
        limits = self.make(connections_per_client=1)
        self.assertIsNone(limits.admit(ANN))
        self.assertIsNotNone(limits.admit(f"::ffff:{ANN}"))

    def test_clients_without_connections_are_not_remembered(self) -> None:
        limits = self.make()
        for number in range(50):
            limits.admit(f"2001:db8:0:{number:x}::1")
        self.assertEqual(self.figure("smtp_clients"), 50)
        for number in range(50):
            limits.left(f"2001:db8:0:{number:x}::1")
        self.assertEqual(self.figure("smtp_clients"), 0)


class MessageTests(AdmissionCase):
    def test_each_limit_denies_by_its_name_and_says_how_long_to_wait(self) -> None:
        for name, rate, recipients, octets in (
            ("messages", {"messages": Rate(0.5, 2)}, 1, 1),
            ("recipients", {"recipients": Rate(0.5, 2)}, 1, 1),
            ("bytes", {"octets": Rate(0.5, 2)}, 1, 1),
        ):
            limits = self.make(**rate)
            for _ in range(2):
                self.assertIsNone(limits.message(ANN, recipients, octets))
            denial = limits.message(ANN, recipients, octets)
            self.assertEqual(
                denial, Denial(name, f"Too many {name} from your network; try again in 2 s")
            )
            self.assertIsNone(limits.message(BOB, recipients, octets))
            self.clock.advance(2)
            self.assertIsNone(limits.message(ANN, recipients, octets))
            self.assertEqual(self.figure("limit_denials_total", limit=name), 1)

    def test_a_denied_message_is_not_charged(self) -> None:
        limits = self.make(messages=Rate(0.001, 5), octets=Rate(0.001, 1000))
        for _ in range(10):
            self.assertEqual(reason(limits.message(ANN, 1, 2000)), "bytes")
        for _ in range(5):
            self.assertIsNone(limits.message(ANN, 1, 10))

    def test_octets_that_were_not_declared_make_the_next_message_wait(self) -> None:
        limits = self.make(octets=Rate(100, 1000))
        self.assertIsNone(limits.message(ANN, 1, 0))
        limits.content(ANN, 1500)
        self.assertEqual(reason(limits.message(ANN, 1, 0)), "bytes")
        self.clock.advance(5.1)
        self.assertIsNone(limits.message(ANN, 1, 0))

    def test_with_the_default_limits_a_campaign_from_one_address_is_taken(self) -> None:
        limits = self.make()
        limits = SmtpLimits(ClientLimits(), self.blocks, self.metrics, self.clock)
        for _ in range(50):
            self.assertIsNone(limits.admit(ANN))
        for _ in range(10_000):
            self.assertIsNone(limits.message(ANN, 1, 2048))

    def test_small_messages_are_counted_whatever_the_time_of_the_clock(self) -> None:
        limits = self.make(octets=Rate(200 * 2**20, 100_000))
        admitted = sum(limits.message(ANN, 1, 100) is None for _ in range(2000))
        self.assertEqual(admitted, 1000)


class MisbehaviourTests(AdmissionCase):
    def test_whoever_misbehaves_past_its_strikes_is_shut_out_for_a_minute(self) -> None:
        limits = self.make(strikes=Rate(1 / 120, 3))
        for _ in range(3):
            limits.misbehaved(ANN)
            self.assertIsNone(limits.admit(ANN))
        limits.misbehaved(ANN)
        self.assertEqual(reason(limits.admit(ANN)), "blocked")
        self.assertEqual(reason(limits.message(ANN, 1, 1)), "blocked")
        self.assertIsNone(limits.admit(BOB))
        self.clock.advance(LENGTHS[0])
        self.assertIsNone(limits.admit(ANN))
        self.assertEqual(self.figure("blocks_made_total", reason="errors"), 1)

    def test_strikes_are_forgiven_with_time(self) -> None:
        limits = self.make(strikes=Rate(1 / 120, 1))
        for _ in range(20):
            limits.misbehaved(ANN)
            self.clock.advance(120)
        self.assertIsNone(limits.admit(ANN))

    def test_a_queue_that_runs_into_a_limit_is_no_reason_for_a_block(self) -> None:
        limits = self.make(messages=Rate(1 / 60, 1))
        for _ in range(500):
            limits.message(ANN, 1, 1)
        self.assertIsNone(limits.admit(ANN))

    def test_whoever_does_not_stop_running_into_a_limit_is_shut_out(self) -> None:
        limits = self.make(messages=Rate(1 / 60, 1))
        for _ in range(1100):
            limits.message(ANN, 1, 1)
        self.assertEqual(reason(limits.admit(ANN)), "blocked")
        self.assertEqual(self.figure("blocks_made_total", reason="limits"), 1)

    def test_a_full_house_is_nobody_s_fault(self) -> None:
        limits = self.make(connections=0)
        for _ in range(5000):
            limits.admit(ANN)
        self.assertFalse(self.blocks.holds(ANN))

    def test_knocking_does_not_lengthen_a_block(self) -> None:
        limits = self.make(strikes=Rate(1 / 120, 1))
        for _ in range(2):
            limits.misbehaved(ANN)
        for _ in range(5000):
            limits.admit(ANN)
            limits.misbehaved(ANN)
        self.clock.advance(LENGTHS[0])
        limits.misbehaved(ANN)
        self.assertIsNone(limits.admit(ANN))

    def test_without_strikes_nobody_is_blocked(self) -> None:
        limits = self.make(strikes=Rate(1 / 120, 0))
        for _ in range(100):
            limits.misbehaved(ANN)
        self.assertIsNone(limits.admit(ANN))

    def test_not_enforced_only_the_total_of_connections_holds(self) -> None:
        limits = self.make(
            enforced=False,
            connections=10,
            connections_per_client=1,
            messages=Rate(1, 1),
            strikes=Rate(1, 1),
        )
        self.blocks.block(ANN, "errors")
        for _ in range(10):
            self.assertIsNone(limits.admit(ANN))
            self.assertIsNone(limits.message(ANN, 1, 1))
            limits.misbehaved(ANN)
        self.assertEqual(reason(limits.admit(ANN)), "connections")
