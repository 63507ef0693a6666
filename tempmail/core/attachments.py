"""Handing out a message's attachments, except those of dangerous kinds."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from twisted.internet.defer import Deferred

from tempmail.core.reading import Reading
from tempmail.mail.attachments import Extracted
from tempmail.model.errors import AttachmentBlocked
from tempmail.model.mailbox import Owner


class Extractor(Protocol):
    """Takes parts out of mail, in a process that may be killed."""

    def extract(self, mailbox_id: int, raw: bytes, index: int) -> Deferred[Extracted]:
        """The attachment that the mail's view has at ``index``.

        :param mailbox_id: for which it is; these are served in turn.
        :raises NotFound: there is none.
        :raises Unavailable: no worker could be had, or it could not be taken out.
        """


class Attachments:
    """:param reading: opens messages.
    :param extractor: takes attachments out of them.
    """

    def __init__(self, reading: Reading, extractor: Extractor) -> None:
        self._reading = reading
        self._extractor = extractor

    async def get(self, address: str, owner: Owner, which: UUID | None, index: int) -> Extracted:
        """One attachment; of the newest message where ``which`` is None.

        :raises NotFound: there is no such message or attachment, or it is another's.
        :raises AttachmentBlocked: it is of a kind that is not handed out.
        """
        mailbox_id, raw = await self._reading.source(address, owner, which)
        found = await self._extractor.extract(mailbox_id, raw, index)
        if found.blocked is not None:
            raise AttachmentBlocked(
                f"attachments of the kind {found.blocked} are not handed out, for they may be "
                "dangerous; the raw message holds it"
            )
        return found
