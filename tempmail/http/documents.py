"""Safe documents over HTTP: with a credential, or at a signed address for a sandboxed frame."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from typing import Annotated

import msgspec

from tempmail.core.documents import PATH, Documents
from tempmail.core.reading import Reading
from tempmail.http.answers import Answer
from tempmail.http.described import described
from tempmail.http.finishing import to_the_end
from tempmail.http.messages import one_or_latest
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Returns, Route
from tempmail.mail.document_style import STYLE
from tempmail.model.errors import NotFound

_STYLE_HASH = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_SANDBOX = "sandbox allow-popups allow-popups-to-escape-sandbox"
_POLICY = (
    "default-src 'none'",
    # Attributes may carry styles; of style sheets only our own is let in.
    "style-src 'unsafe-inline'",
    f"style-src-elem 'sha256-{_STYLE_HASH}'",
    "font-src 'none'",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'self'",
    _SANDBOX,
)
_HEADERS = {
    "X-Frame-Options": "SAMEORIGIN",  # what frame-ancestors says, for who knows only this
    # A sandboxed document of its own would not be shown with another policy than this one.
    "Cross-Origin-Opener-Policy": "unsafe-none",
    "X-DNS-Prefetch-Control": "off",  # else the hosts of links are looked up unasked
}
_IMAGE_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    # The frame's origin is opaque, so that it is never the same as ours.
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_INDEX = re.compile(r"0|[1-9][0-9]{0,2}")


class ShowDocument(msgspec.Struct, forbid_unknown_fields=True):
    """``images=1`` lets the reader's own browser load remote ones, over https."""

    images: Annotated[bool, described("Whether to load remote images, over https", True)] = False


class DocumentRoutes:
    """:param reading: opens messages by credential.
    :param documents: opens them by signature.
    """

    def __init__(self, reading: Reading, documents: Documents) -> None:
        self._reading = reading
        self._documents = documents

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        signed = f"{PATH}/<token>"
        return [
            Route(
                "GET",
                "/api/v1/mailboxes/<address>/messages/<which>/html",
                self.html,
                "See a message as a safe document for a sandboxed frame",
                Access.READ,
                query=ShowDocument,
                returns={200: Returns(description="The document", media_type="text/html")},
                name="get_message_document",
            ),
            Route(
                "GET",
                signed,
                self.signed,
                "The same at its signed address",
                Access.ANYBODY,
                query=ShowDocument,
                returns={200: Returns(description="The document", media_type="text/html")},
                name="get_signed_document",
            ),
            Route(
                "GET",
                f"{signed}/images/<index>",
                self.image,
                "An image of such a document",
                Access.ANYBODY,
                query=Nothing,
                returns={200: Returns(description="The image", media_type="image/*")},
                name="get_document_image",
            ),
        ]

    async def html(self, ask: Ask[ShowDocument], address: str, which: str) -> Answer:
        reading = self._reading.get(
            address, ask.owner, one_or_latest(which), ask.network, mark=ask.marks
        )
        message = await to_the_end(reading)
        return _document(await self._documents.of(message, ask.network), ask.given)

    async def signed(self, ask: Ask[ShowDocument], token: str) -> Answer:
        return _document(await to_the_end(self._documents.open(token, ask.network)), ask.given)

    async def image(self, ask: Ask[Nothing], token: str, index: str) -> Answer:
        if _INDEX.fullmatch(index) is None:
            raise NotFound("there is no such image in this message")
        image = await self._documents.image(token, int(index), ask.network)
        return Answer(200, image.content, image.media_type, _IMAGE_HEADERS)


def _document(document: str, asked: ShowDocument) -> Answer:
    """Its policy: ``'self'`` is the document's own address even where its origin is opaque."""
    sources = "'self' data: https:" if asked.images else "'self' data:"
    policy = "; ".join((*_POLICY, f"img-src {sources}"))
    return Answer(
        200,
        document.encode(),
        "text/html; charset=utf-8",
        {**_HEADERS, "Content-Security-Policy": policy},
    )
