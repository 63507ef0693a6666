"""What a client of the WebSocket is sent, as bytes ready for the wire (RFC 6455 section 5.2)."""

from __future__ import annotations

from functools import lru_cache

from autobahn.websocket.protocol import PreparedMessage

from tempmail.core import notices
from tempmail.model.event import Event


def _text(payload: bytes) -> bytes:
    # A server's frames are not masked (section 5.1), so every client can get the same bytes.
    prepared = PreparedMessage(payload, isBinary=False, applyMask=False, doNotCompress=True)
    return bytes(prepared.payloadHybi)


EXPIRED = _text(notices.EXPIRED)
"""The mailbox has ended; a close follows."""

PING = _text(notices.PING) + b"\x89\x00"
"""A ping that programs see, and one of the protocol's own that any client answers with a pong
by itself (RFC 6455 section 5.5.2)."""


@lru_cache(maxsize=256)
def frame(event: Event) -> bytes:
    """The frame that tells of ``event``, built once however many connections get it."""
    return _text(notices.notice(event))
