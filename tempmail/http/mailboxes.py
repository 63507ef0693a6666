"""Mailboxes over HTTP: make, look at, prolong, end."""

from __future__ import annotations

from urllib.parse import quote

from attrs import evolve

from tempmail.core.mailboxes import MailboxDesk, Wish
from tempmail.http.answers import EMPTY, Answer, json
from tempmail.http.asked import CreateMailbox, ExtendMailbox, ListMailboxes
from tempmail.http.cursors import Cursor
from tempmail.http.finishing import to_the_end
from tempmail.http.representations import (
    Mailbox,
    MailboxList,
    mailbox_of,
)
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Returns, Route
from tempmail.model.errors import AddressUnavailable, Forbidden, LimitReached
from tempmail.model.mailbox import UserOwner


class MailboxRoutes:
    """:param desk: where mailboxes are asked for."""

    def __init__(self, desk: MailboxDesk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        mailbox = "/api/v1/mailboxes/<address>"
        return [
            Route(
                "POST",
                "/api/v1/mailboxes",
                self.create,
                "Make a mailbox",
                Access.OPTIONAL,
                query=CreateMailbox,
                body=CreateMailbox,
                returns={
                    201: Returns(
                        description="The mailbox",
                        shape=Mailbox,
                        headers={"Location": "Where it is"},
                    )
                },
                refuses=(AddressUnavailable, LimitReached),
                name="create_mailbox",
            ),
            Route(
                "GET",
                "/api/v1/mailboxes",
                self.list,
                "List the mailboxes of an account, newest first",
                Access.CODES,
                query=ListMailboxes,
                returns={200: Returns(description="A page of mailboxes", shape=MailboxList)},
                refuses=(Forbidden,),
                name="list_mailboxes",
            ),
            Route(
                "GET",
                mailbox,
                self.read,
                "Look at a mailbox",
                Access.CODES,
                returns={200: Returns(description="The mailbox", shape=Mailbox)},
                name="get_mailbox",
            ),
            Route(
                "PATCH",
                mailbox,
                self.extend,
                "Let a mailbox live longer, or shorter",
                body=ExtendMailbox,
                returns={200: Returns(description="The mailbox", shape=Mailbox)},
                name="extend_mailbox",
            ),
            Route(
                "DELETE",
                mailbox,
                self.delete,
                "End a mailbox",
                returns={204: Returns(description="It has ended")},
                name="delete_mailbox",
            ),
        ]

    async def create(self, ask: Ask[CreateMailbox]) -> Answer:
        given = ask.given
        wish = Wish(given.username, given.domain, given.style, given.ttl_minutes, given.client_id)
        owner = ask.caller.owner
        user = owner if isinstance(owner, UserOwner) else None
        mailbox, token = await to_the_end(self._desk.create(wish, ask.network, user))
        location = f"/api/v1/mailboxes/{quote(mailbox.address, safe='@')}"
        return evolve(json(mailbox_of(mailbox, token), 201), headers={"Location": location})

    async def list(self, ask: Ask[ListMailboxes]) -> Answer:
        if not isinstance(ask.owner, UserOwner):
            raise Forbidden("a session token opens its one mailbox; an API key lists an account's")
        below = None if ask.given.cursor is None else Cursor.read(ask.given.cursor).seq
        found, further = await self._desk.of_user(ask.owner, limit=ask.given.limit, below=below)
        return json(
            MailboxList(
                mailboxes=[mailbox_of(one) for one in found],
                next=None if further is None else Cursor(further, oldest_first=False).text(),
            )
        )

    async def read(self, ask: Ask[Nothing], address: str) -> Answer:
        return json(mailbox_of(await self._desk.get(address, ask.owner)))

    async def extend(self, ask: Ask[ExtendMailbox], address: str) -> Answer:
        extending = self._desk.extend(address, ask.owner, ask.given.ttl_minutes)
        return json(mailbox_of(await to_the_end(extending)))

    async def delete(self, ask: Ask[Nothing], address: str) -> Answer:
        await to_the_end(self._desk.delete(address, ask.owner))
        return EMPTY
