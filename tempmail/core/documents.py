"""Mails as documents for a sandboxed frame, which opens them by a signed address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from attrs import frozen
from twisted.internet.defer import Deferred, DeferredSemaphore

from tempmail.core.ports import Messages
from tempmail.core.signing import Grant, Signing
from tempmail.core.views import Views
from tempmail.mail.attachments import Extracted
from tempmail.mail.raster import raster_type
from tempmail.model.errors import NotFound
from tempmail.model.message import Message, Summary

PATH = "/m"
"""Under which documents are served."""

_ANY_VERSION = 2**31 - 1
"""Of a parser, to which every view is an old one: its raw bytes come with it."""

_AT_ONCE = 4
"""Messages whose raw bytes are held for an image at a time."""


class Renderer(Protocol):
    """Makes documents and takes out parts, in a process that may be killed."""

    def document(self, html: str, text: str, images: Mapping[str, str]) -> Deferred[str]:
        """A mail's HTML made safe; its text where it has no HTML, or where that is too much.

        :param images: from content ids to where the parts are served.
        :raises Unavailable: no worker could be had.
        """

    def extract(self, raw: bytes, index: int) -> Deferred[Extracted]:
        """The attachment that the mail's view has at ``index``.

        :raises NotFound: there is none.
        :raises Unavailable: no worker could be had, or it could not be taken out.
        """


@frozen
class Image:
    """:ivar media_type: by what it holds, whatever its sender called it."""

    media_type: str
    content: bytes


class Documents:
    """Makes and opens documents: ``/m/TOKEN`` is one, ``/m/TOKEN/images/INDEX`` an image of it."""

    def __init__(
        self, views: Views, messages: Messages, renderer: Renderer, signing: Signing
    ) -> None:
        self._views = views
        self._messages = messages
        self._renderer = renderer
        self._signing = signing
        self._extracting = DeferredSemaphore(_AT_ONCE)

    async def url(self, message: Summary) -> str:
        """Where the document of ``message`` can be opened in the next minutes, without more.

        :raises Unavailable: it cannot be signed now.
        """
        grant = Grant(message.mailbox_id, message.id)
        return f"{PATH}/{await self._signing.sign(grant)}"

    async def of(self, message: Message) -> str:
        """The document of a message that has been opened with a credential.

        :raises Unavailable: it cannot be made now.
        """
        return await self._made(message, await self.url(message.summary))

    async def open(self, token: str) -> str:
        """The document that ``token`` is for.

        :raises NotFound: the time of the token is over, or the message or its mailbox is gone.
        :raises Unavailable: it cannot be made now.
        """
        grant = await self._signing.open(token)
        message = await self._views.read(*grant)
        document = await self._made(message, f"{PATH}/{token}")
        # Making it took its time: what was deleted meanwhile is gone.
        there = await self._messages.arrivals(grant.mailbox_id, message.summary.seq - 1, 1)
        if [one.message_id for one in there] != [grant.message_id]:
            raise NotFound("the message is gone")
        return document

    async def image(self, token: str, index: int) -> Image:
        """One of the images that belong to the document of ``token``.

        :param index: of an attachment that has a content id.
        :raises NotFound: as for :meth:`open`, and for what is no raster image.
        :raises Unavailable: it cannot be had now.
        """
        grant = await self._signing.open(token)
        content = await self._extracting.run(self._extracted, grant, index)
        media_type = raster_type(content)
        if media_type is None:
            raise NotFound("there is no such image in this message")
        return Image(media_type, content)

    async def _extracted(self, grant: Grant, index: int) -> bytes:
        _, raw = await self._messages.fetch(*grant, _ANY_VERSION)
        assert raw is not None
        return (await self._renderer.extract(raw, index)).content

    async def _made(self, message: Message, url: str) -> str:
        view = message.view
        assert view is not None
        images = {
            one.content_id: f"{url}/images/{one.index}"
            for one in view.attachments
            if one.content_id
        }
        return await self._renderer.document(view.body_html, view.body_text, images)
