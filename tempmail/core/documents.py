"""Mails as documents for a sandboxed frame, which opens them by a signed address."""

from __future__ import annotations

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from tempmail.core.living import check_lives
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Messages
from tempmail.core.rendering import Renderer, Rendering
from tempmail.core.signing import Grant, Signing
from tempmail.core.turns import Asker, Room
from tempmail.core.views import Views
from tempmail.mail.raster import raster_type
from tempmail.model.errors import NotFound
from tempmail.model.message import Message, Summary

PATH = "/m"
"""Under which documents are served."""

_ANY_VERSION = 2**31 - 1
"""Of a parser, to which every view is an old one: its raw bytes come with it."""

_AT_ONCE = 4
_AT_ONCE_EACH = 2
"""Messages whose raw bytes are held for an image at a time, altogether and for one asker."""


@frozen
class Image:
    """:ivar media_type: by what it holds, whatever its sender called it."""

    media_type: str
    content: bytes


class Documents:
    """Opens documents: ``/m/TOKEN`` is one, ``/m/TOKEN/images/INDEX`` an image of it.

    Each is opened for an asker; these are served in turn.

    :param views: messages as they are shown.
    :param messages: stored ones, for their images and to see whether they still live.
    :param renderer: makes documents and takes out images.
    :param signing: makes and reads tokens.
    :param metrics, clock: for :class:`tempmail.core.rendering.Rendering`.
    """

    def __init__(
        self,
        views: Views,
        messages: Messages,
        renderer: Renderer,
        signing: Signing,
        metrics: Metrics,
        clock: IReactorTime,
    ) -> None:
        self._views = views
        self._messages = messages
        self._renderer = renderer
        self._rendering = Rendering(renderer, metrics, clock)
        self._signing = signing
        self._extracting = Room(_AT_ONCE, _AT_ONCE_EACH)

    async def url(self, message: Summary) -> str:
        """Where the document of ``message`` can be opened in the next minutes, without more.

        :raises Unavailable: it cannot be signed now.
        """
        grant = Grant(message.mailbox_id, message.id)
        return f"{PATH}/{await self._signing.sign(grant)}"

    async def of(self, message: Message, asker: Asker) -> str:
        """The document of a message that has been opened with a credential.

        :raises NotFound: the message or its mailbox is gone by now.
        :raises Unavailable: it cannot be made now.
        """
        return await self._made(message, await self.url(message.summary), asker)

    async def open(self, token: str, asker: Asker) -> str:
        """The document that ``token`` is for.

        :raises NotFound: the time of the token is over, or the message or its mailbox is gone.
        :raises Unavailable: it cannot be made now.
        """
        grant = await self._signing.open(token)
        message = await self._views.read(*grant, asker)
        return await self._made(message, f"{PATH}/{token}", asker)

    async def image(self, token: str, index: int, asker: Asker) -> Image:
        """One of the images that belong to the document of ``token``.

        :param index: of an attachment that has a content id.
        :raises NotFound: as for :meth:`open`, and for what is no raster image.
        :raises Unavailable: it cannot be had now.
        """
        grant = await self._signing.open(token)
        content: bytes = await self._extracting.run(asker, self._extracted, grant, index, asker)
        media_type = raster_type(content)
        if media_type is None:
            raise NotFound("there is no such image in this message")
        return Image(media_type, content)

    async def _extracted(self, grant: Grant, index: int, asker: Asker) -> bytes:
        message, raw = await self._messages.fetch(*grant, _ANY_VERSION)
        assert raw is not None
        extracted = await self._renderer.extract(asker, raw, index)
        await check_lives(self._messages, message.summary)  # that took its time
        return extracted.content

    async def _made(self, message: Message, url: str, asker: Asker) -> str:
        made = await self._rendering.document(message, asker)
        # Making it took its time, and what is remembered is not what lives.
        await check_lives(self._messages, message.summary)
        return made.at(url)
