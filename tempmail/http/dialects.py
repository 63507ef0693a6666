"""The interfaces of two other services, so that scripts written for them only change the host.

Fake Email (``/api/temporary-address``, ``/api/inbox/poll``) and Temporary Email Server
(``/generate``, ``/inbox/ID``).  Their mailboxes are public.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from tempmail.core.public import PublicInboxes, Shown
from tempmail.http.answers import Answer, json
from tempmail.http.finishing import to_the_end
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Returns, Route
from tempmail.model.errors import AddressUnavailable, InvalidInput, LimitReached, NotFound


class ClaimAddress(Struct, kw_only=True):
    """The name to have; what else is sent is not looked at."""

    username: Annotated[str, Meta(max_length=253)] | None = None


class ClaimedAddress(Struct):
    temp_email_addr: str


class PollInbox(Struct, kw_only=True):
    """Whose messages to list."""

    address: Annotated[str, Meta(max_length=320)]


class PublicAttachment(Struct):
    filename: str
    content_type: str
    size: int


class PublicMessage(Struct, kw_only=True):
    """``truncated`` says that there is too much to show its bodies as well."""

    id: UUID
    sender: str
    subject: str
    body_text: str
    body_html: str
    attachments: list[PublicAttachment]
    received_at: datetime
    truncated: bool


class PublicMessages(Struct):
    messages: list[PublicMessage]


class GeneratedInbox(Struct):
    id: str
    address: str


class DialectRoutes:
    """:param inboxes: the public mailboxes."""

    def __init__(self, inboxes: PublicInboxes) -> None:
        self._inboxes = inboxes

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        listed = {200: Returns(description="Newest first", shape=PublicMessages)}
        generated = {200: Returns(description="The mailbox", shape=GeneratedInbox)}
        return [
            Route(
                "POST",
                "/api/temporary-address",
                self.claim,
                "Have a public mailbox, of a name of one's own or any",
                Access.ANYBODY,
                body=ClaimAddress,
                returns={200: Returns(description="Its address", shape=ClaimedAddress)},
                refuses=(AddressUnavailable, LimitReached),
            ),
            Route(
                "GET",
                "/api/inbox/poll",
                self.poll,
                "List the messages of a public mailbox",
                Access.ANYBODY,
                query=PollInbox,
                returns=listed,
            ),
            *(
                Route(
                    method,
                    "/generate",
                    self.generate,
                    "Have a public mailbox of a random name",
                    Access.ANYBODY,
                    returns=generated,
                    refuses=(LimitReached,),
                )
                for method in ("GET", "POST")
            ),
            Route(
                "GET",
                "/inbox/<name>",
                self.inbox,
                "List the messages of a public mailbox",
                Access.ANYBODY,
                returns=listed,
            ),
        ]

    async def claim(self, ask: Ask[ClaimAddress]) -> Answer:
        claiming = self._inboxes.claim(ask.given.username or None, ask.network)
        return json(ClaimedAddress(await to_the_end(claiming)))

    async def poll(self, ask: Ask[PollInbox]) -> Answer:
        try:
            return await self._list(ask.given.address)
        except NotFound:
            return json(PublicMessages([]))

    async def generate(self, ask: Ask[Nothing]) -> Answer:
        address = await to_the_end(self._inboxes.claim(None, ask.network, "hex"))
        return json(GeneratedInbox(address.partition("@")[0], address))

    async def inbox(self, _: Ask[Nothing], name: str) -> Answer:
        try:
            return await self._list(f"{name}@{self._inboxes.domain}")
        except InvalidInput:
            raise NotFound("there is no such inbox") from None

    async def _list(self, address: str) -> Answer:
        shown = await to_the_end(self._inboxes.read(address))
        return json(PublicMessages([_message_of(one) for one in shown]))


def _message_of(shown: Shown) -> PublicMessage:
    summary, view = shown.summary, shown.message and shown.message.view
    return PublicMessage(
        id=summary.id,
        sender=summary.from_address,
        subject=summary.subject,
        body_text=view.body_text if view else "",
        body_html=view.body_html if view else "",
        attachments=[
            PublicAttachment(one.filename, one.content_type, one.size)
            for one in (view.attachments if view else ())
        ],
        received_at=summary.received_at.astimezone(UTC),
        truncated=view is None,
    )
