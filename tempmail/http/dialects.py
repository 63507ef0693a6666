"""The interfaces of two other services, so that scripts written for them only change the host.

Fake Email (``/api/temporary-address``, ``/api/inbox/poll``) and Temporary Email Server
(``/generate``, ``/inbox/ID``).  Their mailboxes are public.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from tempmail.core.public import PublicInboxes, Shown
from tempmail.http.answers import Answer, json
from tempmail.http.described import described
from tempmail.http.finishing import to_the_end
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Returns, Route
from tempmail.model.errors import AddressUnavailable, InvalidInput, LimitReached, NotFound


class ClaimAddress(Struct, kw_only=True):
    """The name to have; what else is sent is not looked at."""

    username: (
        Annotated[str, described("The name to have", "happy-tiger", max_length=253)] | None
    ) = None


class ClaimedAddress(Struct):
    temp_email_addr: Annotated[str, described("Where it receives mail", "happy-tiger@example.org")]


class PollInbox(Struct, kw_only=True):
    """Whose messages to list."""

    address: Annotated[str, described("The mailbox's", "happy-tiger@example.org", max_length=320)]


class PublicAttachment(Struct):
    filename: Annotated[str, described("Safe to save under", "invoice.pdf")]
    content_type: Annotated[str, described("As the mail declares it", "application/pdf")]
    size: Annotated[int, described("Bytes", 48213)]


class PublicMessage(Struct, kw_only=True):
    """``truncated`` is there, and true, where there is too much to show its bodies as well."""

    id: Annotated[UUID, described("Its own", "00000000-002a-8c1d-9f3b-6a0d5e7f1b24")]
    sender: Annotated[str, described("Who it says it is from", "noreply@shop.example")]
    subject: Annotated[str, described("Empty where it has none", "Your code is 482913")]
    body_text: Annotated[str, described("Its text", "Your code is 482913.\n")]
    body_html: Annotated[
        str,
        described(
            "Its HTML as it came, for a sandbox alone; may be empty", "<p>Your code is 482913.</p>"
        ),
    ]
    attachments: list[PublicAttachment]
    received_at: Annotated[datetime, described("RFC 3339, in UTC", "2030-05-17T09:24:31Z", tz=True)]
    truncated: (
        Annotated[bool, described("There, and true, where its bodies were left out", True)]
        | UnsetType
    ) = UNSET


class PublicMessages(Struct):
    messages: list[PublicMessage]


class GeneratedInbox(Struct):
    id: Annotated[str, described("What stands before the @", "1a2b3c4d")]
    address: Annotated[str, described("Where it receives mail", "1a2b3c4d@example.org")]


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
            return await self._list(ask.given.address, ask.network)
        except NotFound:
            return json(PublicMessages([]))

    async def generate(self, ask: Ask[Nothing]) -> Answer:
        address = await to_the_end(self._inboxes.claim(None, ask.network, "hex"))
        return json(GeneratedInbox(address.partition("@")[0], address))

    async def inbox(self, ask: Ask[Nothing], name: str) -> Answer:
        try:
            return await self._list(f"{name}@{self._inboxes.domain}", ask.network)
        except InvalidInput:
            raise NotFound("there is no such inbox") from None

    async def _list(self, address: str, network: str) -> Answer:
        shown = await to_the_end(self._inboxes.read(address, network))
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
        truncated=True if view is None else UNSET,
    )
