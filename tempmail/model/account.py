"""Who asks, and what they may do."""

from __future__ import annotations

import enum
from datetime import datetime

from attrs import frozen

from tempmail.model.mailbox import Owner


class Scope(enum.StrEnum):
    """What a key may do; each includes those before it.

    ``codes`` waits for codes and links and never sees a body; ``read`` reads; ``full`` also
    makes, changes and deletes.
    """

    CODES = "codes"
    READ = "read"
    FULL = "full"

    def includes(self, other: Scope) -> bool:
        """Whether whoever may do this may do ``other``."""
        order = list(Scope)
        return order.index(self) >= order.index(other)


@frozen
class Plan:
    """What an owner may have; -1 is no limit.

    :ivar default_ttl_minutes, max_ttl_minutes: of a mailbox, from now.
    """

    name: str
    max_mailboxes: int
    max_messages_per_mailbox: int
    default_ttl_minutes: int
    max_ttl_minutes: int
    max_message_bytes: int
    requests_per_minute: int


@frozen
class User:
    """Somebody with an account."""

    id: int
    name: str
    created_at: datetime


@frozen
class Caller:
    """Whoever makes a request, as their credential says.

    :ivar owner: what they may open; None for nobody in particular.
    :ivar scope: what they may do with it.
    :ivar key_id: of the API key that came, None for another credential.
    :ivar requests_per_minute: of the user's plan, -1 for no limit; None where the limit is that
        of the network that asks.
    """

    owner: Owner | None
    scope: Scope = Scope.FULL
    key_id: int | None = None
    requests_per_minute: int | None = None


NOBODY = Caller(None)
"""A request without a credential."""
