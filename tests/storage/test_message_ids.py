"""Ids that carry a sequence number, and are otherwise noise."""

from __future__ import annotations

from uuid import RFC_4122, UUID

from tempmail.storage.message_ids import message_ids, sequence_of


def test_an_id_gives_its_sequence_number_back() -> None:
    sequences = [1, 2, 255, 2**31, 2**48 - 1]
    assert [sequence_of(one) for one in message_ids(sequences)] == sequences


def test_an_id_is_a_version_8_uuid() -> None:
    for one in message_ids([7] * 100):
        assert (one.version, one.variant) == (8, RFC_4122)


def test_ids_of_one_sequence_number_differ_in_every_random_bit() -> None:
    found = message_ids([5] * 500)
    assert len(set(found)) == 500
    differing = 0
    for one in found:
        differing |= one.int ^ found[0].int
    assert differing.bit_count() == 74
    assert differing >> 80 == 0


def test_whatever_a_client_sends_has_a_sequence_number_that_the_table_can_hold() -> None:
    assert 0 <= sequence_of(UUID(int=2**128 - 1)) < 2**63


def test_no_messages_have_no_ids() -> None:
    assert message_ids([]) == []
