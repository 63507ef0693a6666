"""Who somebody is, by the credential that they show."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tempmail.core.keyring import Keyring
from tempmail.core.mailboxes import owner_of
from tempmail.core.tickets import Tickets
from tempmail.core.tokens import KEY_PREFIX, digest
from tempmail.model.account import Caller
from tempmail.model.errors import Unauthenticated
from tempmail.model.mailbox import SessionOwner


class Callers:
    """:param keyring: knows API keys, and cookies.
    :param tickets: knows those that nobody has used yet.
    :param was_issued: says whether a session token is of a mailbox, of one that has ended as well.
    """

    def __init__(
        self,
        keyring: Keyring,
        tickets: Tickets,
        was_issued: Callable[[SessionOwner], Awaitable[bool]],
    ) -> None:
        self._keyring = keyring
        self._tickets = tickets
        self._was_issued = was_issued

    async def by_token(self, token: str) -> Caller:
        """Whoever holds this session token or API key.

        Whether a session token was ever issued is found out where it is used on a mailbox, and by
        :meth:`check_issued`.

        :raises Unauthenticated: an API key that is unknown, revoked or past its time.
        """
        if not token.startswith(KEY_PREFIX):
            return Caller(owner_of(token))
        return await self._by_key(digest(token))

    async def by_cookie(self, token: str) -> Caller:
        """Whoever is signed in at the browser with this cookie.

        :raises Unauthenticated: nobody is, any more.
        """
        return await self._by_session(digest(token))

    async def by_ticket(self, ticket: str) -> Caller:
        """Whoever was given this ticket, which is used up by that.

        :raises Unauthenticated: it is unknown, used or past its time, or the credential that it
            was given for is good no more.
        """
        kind, shown = await self._tickets.take(ticket)
        if kind == "key":
            return await self._by_key(shown)
        if kind == "cookie":
            return await self._by_session(shown)
        return Caller(SessionOwner(shown))

    async def check_issued(self, caller: Caller) -> None:
        """Look a session token up that is not used on a mailbox.

        :raises Unauthenticated: it was never issued.
        """
        if isinstance(caller.owner, SessionOwner) and not await self._was_issued(caller.owner):
            raise Unauthenticated("this session token is unknown; where you need none leave it out")

    async def confirm(self, caller: Caller) -> None:
        """Look again, before an answer that took its time.

        :raises Unauthenticated: the caller's key or cookie is good no more.
        """
        if caller.digest is not None and await self._keyring.holder(caller.digest) is None:
            raise Unauthenticated("this credential was good, and is no more")

    def watch(self, caller: Caller, ended: Callable[[], None]) -> Callable[[], None]:
        """Have ``ended`` called once the caller's key or cookie is good no more.

        :returns: what ends the watch; twice is once.
        """
        if caller.digest is None:
            return lambda: None
        return self._keyring.watch(caller.digest, ended)

    async def _by_key(self, shown: bytes) -> Caller:
        caller = await self._keyring.caller(shown)
        if caller is None or caller.key_id is None:
            raise Unauthenticated("this API key is unknown, was revoked or has expired")
        return caller

    async def _by_session(self, shown: bytes) -> Caller:
        caller = await self._keyring.caller(shown)
        if caller is None or caller.key_id is not None:
            raise Unauthenticated("nobody is signed in here any more; sign in again")
        return caller
