"""Accounts over HTTP: what there is, API keys, and tickets."""

from __future__ import annotations

import re

from tempmail.core.accounts import AccountDesk
from tempmail.core.tickets import Tickets
from tempmail.http.account_shapes import (
    Account,
    CreateKey,
    KeyList,
    NewKey,
    Ticket,
    account_of,
    key_of,
    new_key_of,
    ticket_of,
)
from tempmail.http.answers import EMPTY, Answer, json
from tempmail.http.finishing import to_the_end
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Returns, Route
from tempmail.model.account import Scope
from tempmail.model.errors import Conflict, Forbidden, LimitReached, NotFound
from tempmail.model.mailbox import UserOwner

_IDENTITY = re.compile(r"[1-9][0-9]{0,17}\Z", re.ASCII)


class AccountRoutes:
    """:param desk: where accounts are asked for.
    :param tickets: gives tickets.
    """

    def __init__(self, desk: AccountDesk, tickets: Tickets) -> None:
        self._desk = desk
        self._tickets = tickets

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [
            Route(
                "GET",
                "/api/v1/account",
                self.account,
                "Look at one's account: its plan, limits and usage",
                Access.READ,
                returns={200: Returns(description="The account", shape=Account)},
                name="get_account",
            ),
            Route(
                "GET",
                "/api/v1/keys",
                self.keys,
                "List the API keys of an account",
                Access.ACCOUNT,
                returns={200: Returns(description="Its keys", shape=KeyList)},
                name="list_keys",
            ),
            Route(
                "POST",
                "/api/v1/keys",
                self.make_key,
                "Make an API key, which is shown this once",
                Access.ACCOUNT,
                body=CreateKey,
                returns={201: Returns(description="The key", shape=NewKey)},
                refuses=(Conflict,),
                name="create_key",
            ),
            Route(
                "DELETE",
                "/api/v1/keys/<id>",
                self.revoke_key,
                "Revoke an API key",
                Access.ACCOUNT,
                returns={204: Returns(description="It is refused from now on")},
                name="revoke_key",
            ),
            Route(
                "POST",
                "/api/v1/tickets",
                self.give_ticket,
                "Get what opens one WebSocket or event stream within 30 seconds",
                Access.CODES,
                returns={201: Returns(description="The ticket", shape=Ticket)},
                refuses=(LimitReached,),
                name="create_ticket",
            ),
        ]

    async def account(self, ask: Ask[Nothing]) -> Answer:
        if not isinstance(ask.owner, UserOwner):
            raise Forbidden("this is for accounts: use an API key, or sign in")
        return json(account_of(await self._desk.account(ask.owner)))

    async def keys(self, ask: Ask[Nothing]) -> Answer:
        return json(KeyList(keys=[key_of(one) for one in await self._desk.keys(ask.user)]))

    async def make_key(self, ask: Ask[CreateKey]) -> Answer:
        given = ask.given
        scopes = [Scope(scope) for scope in given.scopes]
        making = self._desk.make_key(ask.user, given.name, scopes, given.expires_at, ask.credential)
        return json(new_key_of(*await to_the_end(making)), 201)

    async def revoke_key(self, ask: Ask[Nothing], id: str) -> Answer:  # noqa: A002  # the path's name
        await to_the_end(self._desk.revoke_key(ask.user, identity(id, "key")))
        return EMPTY

    async def give_ticket(self, ask: Ask[Nothing]) -> Answer:
        return json(ticket_of(*await self._tickets.give(ask.caller, ask.network)), 201)


def identity(text: str, what: str) -> int:
    """The id in a path.

    :param what: it is of.
    :raises NotFound: nothing has such an id.
    """
    if not _IDENTITY.match(text):
        raise NotFound(f"there is no such {what}, or it is not yours")
    return int(text)
