"""Making, opening, prolonging and ending mailboxes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence

from attrs import frozen

from tempmail.core import naming
from tempmail.core.ports import Bus, Mailboxes
from tempmail.core.recipients import FORGET
from tempmail.model.address import RESERVED, Domains, domain_name, local_part
from tempmail.model.errors import AddressUnavailable, InvalidInput, Unavailable
from tempmail.model.event import Event, EventKind
from tempmail.model.mailbox import (
    Mailbox,
    NewMailbox,
    Owner,
    OwnerType,
    RepeatableWish,
    SessionOwner,
    UserOwner,
)

_TRIES = 5
_SALT_BYTES = 32
_LONGEST_TTL = 2**31 - 1
"""Minutes; more is clamped before storage clamps it to the plan."""


def owner_of(token: str) -> SessionOwner:
    """Whoever holds this session token; only its digest goes further than here."""
    return SessionOwner(hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest())


@frozen
class Wish:
    """What somebody asks a new mailbox to be; None leaves the choice to us.

    :ivar username: a local part.
    :ivar domain: one of our domains.
    :ivar style: of a local part that we choose, a key of :data:`tempmail.core.naming.STYLES`.
    :ivar ttl_minutes: at least 1; clamped to what the plan allows.
    :ivar client_id: what the asker calls this wish; asked for again by the same, it gives the same
        mailbox as long as that lives.
    """

    username: str | None = None
    domain: str | None = None
    style: str = "words"
    ttl_minutes: int | None = None
    client_id: str | None = None


class MailboxDesk:
    """Where mailboxes are asked for.

    :param mailboxes: keeps them.
    :param domains: ours.
    :param bus: hears when one ends.
    """

    def __init__(self, mailboxes: Mailboxes, domains: Domains, bus: Bus) -> None:
        self._mailboxes = mailboxes
        self._domains = domains
        self._bus = bus

    async def create(
        self,
        wish: Wish,
        client: str,
        user: UserOwner | None = None,
        kind: OwnerType = OwnerType.API,
    ) -> tuple[Mailbox, str | None]:
        """Make a mailbox for whoever asks from the network ``client``.

        :param user: whose it will be; None for whoever gets the session token.
        :param kind: of a user's mailbox.
        :returns: the mailbox and its session token, which is kept nowhere else.
        :raises InvalidInput: for a value that no mailbox can have.
        :raises AddressUnavailable: the name asked for is taken, reserved or released too recently.
        :raises LimitReached: there are as many mailboxes as the plan allows.
        :raises Unavailable: every name that we thought of was taken.
        """
        domain = self._domain(wish.domain)
        ttl_minutes = None if wish.ttl_minutes is None else _checked_ttl(wish.ttl_minutes)
        make_name = naming.STYLES.get(wish.style)
        if make_name is None:
            raise InvalidInput(f"style is one of: {', '.join(naming.STYLES)}")
        salt = secrets.token_bytes(_SALT_BYTES)
        repeatable = None
        if wish.client_id is not None:
            whose = client if user is None else f"user {user.user_id}"
            digest = hashlib.sha256(f"{whose}\0{wish.client_id}".encode()).digest()
            repeatable = RepeatableWish(digest, salt)

        async def attempt(name: str) -> tuple[Mailbox, str | None]:
            new = NewMailbox(
                f"{name}@{domain}",
                user or owner_of(_token(salt, wish.client_id)),
                kind if user is not None else OwnerType.ANONYMOUS,
                ttl_minutes,
                client,
                repeatable,
            )
            made = await self._mailboxes.create(new)
            token = None if user is not None else _token(made.salt or salt, wish.client_id)
            return made.mailbox, token

        if wish.username is not None:
            name = local_part(wish.username)
            if name in RESERVED:
                raise AddressUnavailable(f"{name} is reserved; ask for another username")
            return await attempt(name)
        for _ in range(_TRIES):
            try:
                return await attempt(make_name())
            except AddressUnavailable:
                continue
        raise Unavailable("no free address was found; try again")

    async def of_user(
        self, owner: UserOwner, *, limit: int, below: int | None
    ) -> tuple[Sequence[Mailbox], int | None]:
        """A user's mailboxes, newest first, and where to go on; None at the end.

        :param below: where the last page said to go on.
        """
        found = await self._mailboxes.of_user(owner, limit=limit + 1, below=below)
        more = len(found) > limit
        return found[:limit], found[limit - 1].id if more else None

    async def get(self, address: str, owner: Owner) -> Mailbox:
        """:raises NotFound: gone, never made, or another's."""
        return await self._mailboxes.get(self._domains.canonical(address), owner)

    async def extend(self, address: str, owner: Owner, ttl_minutes: int) -> Mailbox:
        """Let it end ``ttl_minutes`` from now, clamped to the plan.

        :raises InvalidInput: below 1.
        """
        ttl_minutes = _checked_ttl(ttl_minutes)
        return await self._mailboxes.extend(self._domains.canonical(address), owner, ttl_minutes)

    async def delete(self, address: str, owner: Owner) -> None:
        """End it: from now on nothing of it is readable and nobody gets its mail."""
        mailbox = await self._mailboxes.delete(self._domains.canonical(address), owner)
        self._bus.publish(Event(EventKind.EXPIRED, mailbox.id))
        self._bus.announce(FORGET, mailbox.address)

    def _domain(self, asked: str | None) -> str:
        if asked is None:
            return self._domains.default
        ours = self._domains.ours(domain_name(asked))
        if ours is None:
            raise InvalidInput(f"domain is one of: {', '.join(self._domains.names)}")
        return ours


def _token(salt: bytes, client_id: str | None) -> str:
    """A session token: 32 bytes, URL-safe.

    Of a wish that can be repeated it is derived from the stored salt and from what its asker
    calls it, which is not stored: so both of them get the same token, and storage alone has none.
    """
    if client_id is not None:
        salt = hmac.digest(salt, client_id.encode(), "sha256")
    return urlsafe_b64encode(salt).rstrip(b"=").decode("ascii")


def _checked_ttl(minutes: int) -> int:
    if minutes < 1:
        raise InvalidInput("ttl_minutes is at least 1")
    return min(minutes, _LONGEST_TTL)
