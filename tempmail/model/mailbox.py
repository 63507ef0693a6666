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
class UserOwner:
    """A user, by whichever key or session."""

    user_id: int


@frozen
class Everybody:
    """Whoever asks; opens public mailboxes alone."""


Owner = SessionOwner | UserOwner | Everybody
"""Whose a mailbox may be: the predicate of every read and write."""


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
class RepeatableWish:
    """What makes asking again give the same mailbox.

    :ivar digest: 32 bytes, of whose wish it is and what they call it.
    :ivar salt: 32 bytes from which, with that name, the session token is derived.
    """

    digest: bytes
    salt: bytes


@frozen
class NewMailbox:
    """What is asked for when a mailbox is made.

    :ivar owner: whose it will be.
    :ivar owner_type: what to call that.
    :ivar ttl_minutes: None for the plan's default; clamped to the plan's most.
    :ivar client: the network that asks (an IPv4 address or an IPv6 /64), which the plan's
        limit for anonymous mailboxes counts.
    """

    address: str
    owner: SessionOwner | UserOwner
    owner_type: OwnerType
    ttl_minutes: int | None
    client: str
    wish: RepeatableWish | None = None


@frozen
class Made:
    """A mailbox that was made, now or when the same was asked for before.

    :ivar salt: of the wish that it was made by, see :class:`RepeatableWish`.
    """

    mailbox: Mailbox
    salt: bytes | None
