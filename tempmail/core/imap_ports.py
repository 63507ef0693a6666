"""What fetching mail from IMAP accounts asks of storage, as :mod:`tempmail.core.ports` asks."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from attrs import frozen


@frozen
class ImapPosition:
    """How far an account has been read.

    :ivar uidvalidity: what its server's numbers count by (RFC 9051 section 2.3.1.1); None
        before the first look.
    :ivar last_uid: the last mail that has been dealt with.
    :ivar renumbered_below: mails below it may have been dealt with under another number.
    """

    uidvalidity: int | None = None
    last_uid: int = 0
    renumbered_below: int = 0


class ImapPositions(Protocol):
    """The places in accounts, each held by one daemon at a time, by the database's clock."""

    async def hold(self, account: str, owner: UUID, seconds: float) -> ImapPosition | None:
        """Hold an account from now on; None where another daemon does."""

    async def move(
        self, account: str, owner: UUID, position: ImapPosition, digest: str | None = None
    ) -> bool:
        """Remember a place, and by its digest what was taken there.

        :returns: False, with nothing remembered, where the account is no longer held.
        """

    async def taken(self, account: str, digest: str) -> bool:
        """Whether a mail was taken from the account, under whatever number."""

    async def release(self, account: str, owner: UUID) -> None:
        """Let another daemon hold it at once."""
