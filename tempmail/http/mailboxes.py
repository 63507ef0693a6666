"""Mailboxes over HTTP: make, look at, prolong, end."""

from __future__ import annotations

from urllib.parse import quote

from attrs import evolve
from twisted.web.server import Request

from tempmail.core.mailboxes import MailboxDesk, Wish
from tempmail.http.answers import EMPTY, Answer, json
from tempmail.http.credentials import client_network, session_owner
from tempmail.http.finishing import to_the_end
from tempmail.http.representations import CreateMailbox, ExtendMailbox, mailbox_of
from tempmail.http.requests import Nothing, parameters
from tempmail.http.routes import Route


class MailboxRoutes:
    """:param desk: where mailboxes are asked for."""

    def __init__(self, desk: MailboxDesk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        mailbox = "/api/v1/mailboxes/<address>"
        return [
            Route("POST", "/api/v1/mailboxes", self.create),
            Route("GET", mailbox, self.read),
            Route("PATCH", mailbox, self.extend),
            Route("DELETE", mailbox, self.delete),
        ]

    async def create(self, request: Request) -> Answer:
        asked = parameters(request, query=CreateMailbox, body=CreateMailbox)
        wish = Wish(asked.username, asked.domain, asked.style, asked.ttl_minutes)
        mailbox, token = await to_the_end(self._desk.create(wish, client_network(request)))
        location = f"/api/v1/mailboxes/{quote(mailbox.address, safe='@')}"
        return evolve(json(mailbox_of(mailbox, token), 201), headers={"Location": location})

    async def read(self, request: Request, address: str) -> Answer:
        owner = session_owner(request)
        parameters(request, query=Nothing)
        return json(mailbox_of(await self._desk.get(address, owner)))

    async def extend(self, request: Request, address: str) -> Answer:
        owner = session_owner(request)
        asked = parameters(request, body=ExtendMailbox)
        extended = await to_the_end(self._desk.extend(address, owner, asked.ttl_minutes))
        return json(mailbox_of(extended))

    async def delete(self, request: Request, address: str) -> Answer:
        owner = session_owner(request)
        parameters(request, query=Nothing)
        await to_the_end(self._desk.delete(address, owner))
        return EMPTY
