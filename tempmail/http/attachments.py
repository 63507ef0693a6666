"""A message's attachments over HTTP: always to be kept as a file, never to be shown."""

from __future__ import annotations

import re

from tempmail.core.attachments import Attachments
from tempmail.http.answers import Answer
from tempmail.http.messages import one_or_latest
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Returns, Route
from tempmail.mail.extracted import Extracted
from tempmail.mail.filenames import content_disposition
from tempmail.model.errors import AttachmentBlocked, NotFound

_SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'"
_INDEX = re.compile(r"0|[1-9][0-9]{0,2}")


class AttachmentRoutes:
    """:param attachments: of all messages."""

    def __init__(self, attachments: Attachments) -> None:
        self._attachments = attachments

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        path = "/api/v1/mailboxes/<address>/messages/<which>/attachments/<index>"
        return [
            Route(
                "GET",
                path,
                self.download,
                "Download an attachment",
                Access.READ,
                returns={
                    200: Returns(description="Its content", media_type="application/octet-stream")
                },
                refuses=(AttachmentBlocked,),
                name="download_attachment",
            )
        ]

    async def download(self, ask: Ask[Nothing], address: str, which: str, index: str) -> Answer:
        which_one, number = one_or_latest(which), number_of(index)
        return as_file(
            await self._attachments.get(address, ask.owner, which_one, number, ask.network)
        )


def number_of(index: str) -> int:
    """:raises NotFound: for any spelling but the one that we give out."""
    if _INDEX.fullmatch(index) is None:
        raise NotFound("there is no such attachment in this message")
    return int(index)


def as_file(found: Extracted) -> Answer:
    """An attachment, to be kept whatever it says it is."""
    return Answer(
        200,
        found.content,
        found.content_type,
        {
            "Content-Disposition": content_disposition(found.filename),
            "Content-Security-Policy": _SANDBOX,
        },
    )
