"""Who asks, and what they may do."""

from __future__ import annotations

import enum
from datetime import datetime

from attrs import frozen

from tempmail.model.errors import InvalidInput
from tempmail.model.mailbox import Owner

NO_LIMIT = -1

_LARGEST = 2**31 - 1
_LARGEST_MESSAGE = 512 * 1024**2


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

    def checked(self) -> Plan:
        """This plan.

        :raises InvalidInput: it can be nobody's, by the name of what is wrong.
        """
        if not (self.name.isascii() and self.name.isidentifier() and len(self.name) <= 32):
            raise InvalidInput("name: is of letters, digits and _, at most 32 of them")
        for name in ("max_mailboxes", "max_messages_per_mailbox", "requests_per_minute"):
            if not NO_LIMIT <= getattr(self, name) <= _LARGEST:
                raise InvalidInput(f"{name}: is 0 or more, or -1 for no limit")
        if not 1 <= self.default_ttl_minutes <= self.max_ttl_minutes <= _LARGEST:
            raise InvalidInput("default_ttl_minutes: is from 1 to max_ttl_minutes")
        if not 1 <= self.max_message_bytes <= _LARGEST_MESSAGE:
            raise InvalidInput(f"max_message_bytes: is from 1 to {_LARGEST_MESSAGE}")
        return self


@frozen
class Subscription:
    """A time in which a user has a plan.

    :ivar ended_at: None for the one that holds.
    """

    plan: str
    started_at: datetime
    ended_at: datetime | None


@frozen
class Usage:
    """What of a plan is used up: living mailboxes, and the messages in them."""

    mailboxes: int
    messages: int


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
    :ivar digest: of the key or the cookie that came, None for another credential.
    :ivar requests_per_minute: of the user's plan, -1 for no limit; None where the limit is that
        of the network that asks.
    """

    owner: Owner | None
    scope: Scope = Scope.FULL
    key_id: int | None = None
    requests_per_minute: int | None = None
    digest: bytes | None = None


@frozen
class Account:
    """A user, what they may have, and what they have."""

    user: User
    plan: Plan
    usage: Usage


NOBODY = Caller(None)
"""A request without a credential."""
