"""One connection's work: everything behind the place where the account was left off.

A mail is committed under its number, then removed from the account where that is wanted, then
the place moves on.  Whoever is killed in between fetches it again, and finds the number there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import UUID

from attrs import evolve, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tempmail.core.budget import ByteBudget
from tempmail.core.delivery import Door
from tempmail.core.imap_ports import ImapPosition, ImapPositions
from tempmail.core.metrics import Metrics
from tempmail.imap.account import Account
from tempmail.imap.errors import Lost, NoRoom, Refused, TooLarge
from tempmail.imap.session import WINDOW, Mail, Session
from tempmail.mail.forwarded import fields, original_recipient, return_path
from tempmail.model.address import Domains, Recipient
from tempmail.model.errors import Unavailable
from tempmail.model.message import Envelope, Once, Verdict

_AT_ONCE = 100
"""Mails whose sizes are asked for at once."""

KEEP_DAYS = 31
"""For how long a mail's number is known: no mailbox that it is delivered to lives longer."""

_ATTEMPTS = 10
"""After which a mail that storage alone does not take is left where it is."""

_log = Logger()


@frozen
class Desk:
    """What every account's mail goes through.

    :ivar door: keeps it.
    :ivar positions: remembers how far each account has been read.
    :ivar budget: bytes that all mails under way may hold.
    :ivar max_bytes: of one mail; larger ones are left.
    :ivar owner: this daemon.
    """

    door: Door
    positions: ImapPositions
    domains: Domains
    budget: ByteBudget
    max_bytes: int
    metrics: Metrics
    clock: IReactorTime
    owner: UUID


class Pull:
    """Takes an account's mails, one after the other.

    :param session: logged in.
    :param position: where the account was left off.
    :param peer_ip, tls: of the connection.
    :param attempts: how often storage did not take a mail, by its key; outlives a connection.
    :ivar taken: mails dealt with.
    """

    def __init__(
        self,
        desk: Desk,
        account: Account,
        session: Session,
        position: ImapPosition,
        peer_ip: str,
        tls: str | None,
        attempts: dict[str, int],
    ) -> None:
        self._desk = desk
        self._account = account
        self._session = session
        self._position = position
        self._peer_ip = peer_ip
        self._tls = tls
        self._attempts = attempts
        self._delivering = self._stopping = False
        self.taken = 0

    async def begin(self) -> None:
        """Open the folder, and start anew where its numbers do.

        :raises Refused: there is no such folder.
        """
        account, position = self._account, self._position
        uidvalidity = await self._session.open(account.folder, writing=account.delete)
        if position.uidvalidity == uidvalidity:
            return
        newest = await self._session.newest()
        if position.uidvalidity is None:
            first = ImapPosition(uidvalidity, 0 if account.old else newest)
            _log.info("{account}: first look, from {uid} on", account=account.name,
                      uid=first.last_uid + 1)  # fmt: skip
        else:
            first = ImapPosition(uidvalidity, 0, newest + 1)
            _log.warn("{account}: the server numbers its mails anew", account=account.name)
        await self._move(first)

    def stop(self) -> bool:
        """Take no other mail; whether the connection may be dropped at once."""
        self._stopping = True
        return not self._delivering

    async def everything(self) -> None:
        """Take all that is there.

        :raises Unavailable: storage is away; what was not taken is there the next time.
        :raises Trouble: the connection is of no use any more; likewise.
        """
        newest = await self._session.newest()
        while self._position.last_uid < newest:
            first = self._position.last_uid + 1
            last = min(first + WINDOW - 1, newest)
            # A mark may be our own: set when we were killed, with the mail still to be removed.
            present = await self._session.present(first, last, marked=self._account.delete)
            for start in range(0, len(present), _AT_ONCE):
                await self._some(present[start : start + _AT_ONCE])
            if self._position.last_uid < last:  # nothing is there up to it
                await self._move(evolve(self._position, last_uid=last))

    async def _some(self, uids: Sequence[int]) -> None:
        sizes = await self._session.sizes(uids)
        for uid in uids:
            digest = None
            if uid not in sizes:
                outcome = "gone"
            elif sizes[uid] > self._desk.max_bytes:
                outcome = "oversized"
            else:
                outcome, digest = await self._one(uid, sizes[uid])
            await self._move(evolve(self._position, last_uid=uid), digest)
            self._delivering = False
            self._count(uid, outcome)
            self.taken += 1
            if self._stopping:
                raise Lost("stopping")

    async def _one(self, uid: int, size: int) -> tuple[str, str | None]:
        """Fetch and deliver one mail: what became of it, and its digest where it was delivered."""
        budget, held = self._desk.budget, size
        if not budget.take(held):
            raise NoRoom("too many bytes of mail are under way")

        def admit(real: int) -> None:
            nonlocal held
            if real > self._desk.max_bytes:
                raise TooLarge("a mail is larger than the server said")
            if real > held:
                if not budget.take(real - held):
                    raise NoRoom("too many bytes of mail are under way")
                held = real

        began = self._desk.clock.seconds()
        try:
            mail = await self._session.fetch(uid, size, admit)
            if mail is None:
                return "gone", None
            return await self._deliver(uid, mail, self._desk.clock.seconds() - began)
        except TooLarge:
            await self._move(evolve(self._position, last_uid=uid))
            self._count(uid, "oversized")
            raise
        finally:
            budget.give(held)

    async def _deliver(self, uid: int, mail: Mail, seconds: float) -> tuple[str, str | None]:
        account, desk, position = self._account, self._desk, self._position
        digest = hashlib.sha256()
        for chunk in mail.chunks:
            digest.update(chunk)
        found = fields(mail.chunks)
        recipient = self._recipient(found)
        if recipient is None:
            return "no_recipient", None
        if uid < position.renumbered_below and await desk.positions.taken(
            account.name, digest.hexdigest()
        ):
            return "renumbered", None
        key = f"{position.uidvalidity}/{uid}"
        envelope = Envelope(
            return_path(found),
            (recipient,),
            account.host,
            self._peer_ip,
            self._tls,
            mail.chunks,
            mail.size,
            received_ms=round(seconds * 1000),
            once=Once(f"imap {account.name}", key, KEEP_DAYS),
        )
        self._delivering = True  # until the place has moved on
        try:
            (placement,) = await desk.door.deliver(envelope)
        except Unavailable:
            if not await self._is_poison(key):
                raise
            return "not_storable", None
        self._attempts.clear()
        verdict = placement.verdict
        if verdict not in (Verdict.STORED, Verdict.DUPLICATE):
            return verdict.value, None
        if account.delete:
            await self._remove(uid)
        return verdict.value, digest.hexdigest()

    def _recipient(self, found: Sequence[tuple[bytes, bytes]]) -> Recipient | None:
        account, domains = self._account, self._desk.domains
        besides = {domains.canonical(one) for one in (account.user, account.mailbox) if one}
        named = original_recipient(found, account.headers, domains, besides)
        return named or (domains.recipient(account.mailbox) if account.mailbox else None)

    async def _is_poison(self, key: str) -> bool:
        """Whether storage has refused a mail often while it did all else that it was asked."""
        account, desk = self._account, self._desk
        await desk.positions.taken(account.name, "")  # raises where storage is away
        self._attempts[key] = self._attempts.get(key, 0) + 1
        return self._attempts[key] >= _ATTEMPTS

    async def _remove(self, uid: int) -> None:
        try:
            await self._session.remove(uid)
        except Refused as refusal:
            self._count(uid, "not_removed", why=refusal.detail)

    async def _move(self, position: ImapPosition, digest: str | None = None) -> None:
        desk = self._desk
        if not await desk.positions.move(self._account.name, desk.owner, position, digest):
            raise Lost("another daemon reads the account now")
        self._position = position

    def _count(self, uid: int, outcome: str, **more: str) -> None:
        account = self._account.name
        self._desk.metrics.imap_mails.labels(account, outcome).inc()
        if outcome != "stored":
            _log.info("{account}: mail {uid}: {outcome}", account=account, uid=uid,
                      outcome=outcome, **more)  # fmt: skip
