"""Long answers that wait for their readers are bounded, altogether and for each network."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, Gauge

from tempmail.http.shelf import Shelf
from tempmail.model.errors import Unavailable


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def shelf(registry: CollectorRegistry) -> Shelf:
    return Shelf(Gauge("held", "Bytes.", registry=registry), most=400)


def test_one_network_has_a_quarter(shelf: Shelf) -> None:
    shelf.hold("192.0.2.1", 60)
    with pytest.raises(Unavailable):
        shelf.hold("192.0.2.1", 41)
    shelf.hold("192.0.2.1", 40)
    shelf.hold("192.0.2.2", 100)


def test_an_ipv6_client_cannot_pass_it_by_changing_its_address(shelf: Shelf) -> None:
    shelf.hold("2001:db8::1", 100)
    with pytest.raises(Unavailable):
        shelf.hold("2001:db8::2", 1)


def test_all_together_have_the_whole(shelf: Shelf) -> None:
    for number in range(4):
        shelf.hold(f"192.0.2.{number}", 100)
    with pytest.raises(Unavailable):
        shelf.hold("192.0.2.9", 1)


def test_what_was_let_go_of_can_be_held_again_and_twice_is_once(
    shelf: Shelf, registry: CollectorRegistry
) -> None:
    let_go = shelf.hold("192.0.2.1", 100)
    assert registry.get_sample_value("held") == 100
    let_go()
    let_go()
    assert registry.get_sample_value("held") == 0
    shelf.hold("192.0.2.1", 100)
