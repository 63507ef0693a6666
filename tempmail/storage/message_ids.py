"""Message ids that say where the message lies.

An id is a version 8 UUID (RFC 9562 section 5.8): 48 bits of the message's sequence number
within its mailbox, then 74 random bits.  One index on (mailbox_id, seq) so serves both the
order of commit and the look-up by id, and an id cannot be guessed.
"""

from __future__ import annotations

import os
from uuid import UUID

_SEQUENCE_BITS = 48
_RANDOM = ((1 << 80) - 1) & ~(0xF << 76) & ~(0x3 << 62)
_VERSION_AND_VARIANT = (0x8 << 76) | (0x2 << 62)


def message_ids(sequences: list[int]) -> list[UUID]:
    """A new id for each of the given sequence numbers."""
    noise = os.urandom(10 * len(sequences))
    return [
        UUID(
            int=(seq & 0xFFFF_FFFF_FFFF) << 80
            | int.from_bytes(noise[10 * i : 10 * i + 10], "big") & _RANDOM
            | _VERSION_AND_VARIANT
        )
        for i, seq in enumerate(sequences)
    ]


def sequence_of(identity: UUID) -> int:
    """The sequence number that an id carries; whatever a client sends as an id has one."""
    return identity.int >> (128 - _SEQUENCE_BITS)
