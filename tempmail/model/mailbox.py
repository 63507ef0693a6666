"""A mailbox, and who may open it."""

from __future__ import annotations

import enum
from datetime import datetime

from attrs import frozen


class OwnerType(enum.StrEnum):
    """Who a mailbox belongs to: one session token, a user's keys, an agent's, or everybody."""

    ANONYMOUS = "anonymous"
    API = "api"
    MCP = "mcp"
    PUBLIC = "public"


@frozen
class SessionOwner:
    """Whoever holds the session token with this SHA-256 digest (32 bytes)."""

    token_hash: bytes


@frozen
class Mailbox:
    """A living mailbox.

    :ivar id: ours alone, never shown; clients know the address.
    :ivar expires_at: aware, by the database's clock; from then on nothing is readable.
    :ivar bucket: the hour (or, far ahead, the day) by whose end all its messages are gone;
        it names their partition.
    :ivar last_seq: the sequence number of the newest message ever committed, 0 for none.
    """

    id: int
    address: str
    owner_type: OwnerType
    created_at: datetime
    expires_at: datetime
    bucket: datetime
    message_count: int
    last_seq: int


@frozen
class NewMailbox:
    """What is asked for when a mailbox is made.

    :ivar token_hash: SHA-256 of the session token that will open it.
    :ivar ttl_minutes: None for the plan's default; clamped to the plan's most.
    :ivar client: the network that asks (an IPv4 address or an IPv6 /64), which the plan's
        limit for anonymous mailboxes counts.
    """

    address: str
    token_hash: bytes
    ttl_minutes: int | None
    client: str
