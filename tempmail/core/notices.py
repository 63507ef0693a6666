"""What followers of a mailbox are told of its events, as JSON: the same on every channel."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from tempmail.model.event import Event, EventKind

EXPIRED = b'{"event":"expired"}'
"""The mailbox has ended; the channel closes behind it."""

PING = b'{"event":"ping"}'
"""We are still here."""


@lru_cache(maxsize=256)
def notice(event: Event) -> bytes:
    """The JSON that tells of ``event``, built once however many followers get it."""
    if event.kind is EventKind.EXPIRED:
        return EXPIRED
    told: dict[str, object] = {"event": event.kind.value, "message_id": event.message_id}
    if event.kind is EventKind.NEW_MESSAGE:
        told["seq"] = event.seq
    return msgspec.json.encode(told)
