"""Which addresses are one client."""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from tempmail.model.network import network


class Networks(TestCase):
    def test_an_ipv4_address_is_its_own_network(self) -> None:
        self.assertEqual(network("192.0.2.1"), "192.0.2.1")

    def test_an_ipv6_address_is_its_64(self) -> None:
        self.assertEqual(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64")
        self.assertEqual(network("2001:DB8:1:2::"), "2001:db8:1:2::/64")

    def test_a_zone_does_not_count(self) -> None:
        self.assertEqual(network("fe80::1%eth0"), "fe80::/64")

    def test_a_mapped_address_is_what_it_maps(self) -> None:
        self.assertEqual(network("::ffff:192.0.2.1"), "192.0.2.1")

    def test_what_is_no_address_is_a_network_of_its_own(self) -> None:
        self.assertEqual(network("local"), "local")
