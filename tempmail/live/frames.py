"""What a client of the WebSocket is sent, as bytes ready for the wire (RFC 6455 section 5.2)."""

from __future__ import annotations

import json
from functools import lru_cache

from autobahn.websocket.protocol import PreparedMessage

from tempmail.model.event import Event, EventKind


def _text(**members: object) -> bytes:
    payload = json.dumps(members, separators=(",", ":")).encode()
    # A server's frames are not masked (section 5.1), so every client can get the same bytes.
    prepared = PreparedMessage(payload, isBinary=False, applyMask=False, doNotCompress=True)
    return bytes(prepared.payloadHybi)


EXPIRED = _text(event="expired")
"""The mailbox has ended; a close follows."""

PING = _text(event="ping") + b"\x89\x00"
"""A ping that programs see, and one of the protocol's own that any client answers with a pong
by itself (RFC 6455 section 5.5.2)."""


@lru_cache(maxsize=256)
def frame(event: Event) -> bytes:
    """The frame that tells of ``event``, built once however many connections get it."""
    if event.kind is EventKind.EXPIRED:
        return EXPIRED
    message_id = None if event.message_id is None else str(event.message_id)
    if event.kind is EventKind.DELETED:
        return _text(event="deleted", message_id=message_id)
    return _text(event="new_message", message_id=message_id, seq=event.seq)
