"""Handing out a message's attachments, except those of dangerous kinds."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from twisted.internet.defer import Deferred

from tempmail.core.reading import Reading
from tempmail.core.turns import Asker
from tempmail.mail.extracted import Extracted
from tempmail.model.errors import AttachmentBlocked
from tempmail.model.mailbox import Owner
from tempmail.model.message import Received


class Extractor(Protocol):
    """Takes parts out of mail, in a process that may be killed."""

    def extract(self, asker: Asker, raw: bytes, index: int) -> Deferred[Extracted]:
        """The attachment that the mail's view has at ``index``.

        :param asker: for whom it is; askers are served in turn.
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

    async def get(
        self, address: str, owner: Owner, which: UUID | None, index: int, asker: Asker
    ) -> Extracted:
        """One attachment; of the newest message where ``which`` is None.

        :param asker: whose turn it takes.
        :raises NotFound: there is no such message or attachment, or it is another's.
        :raises AttachmentBlocked: it is of a kind that is not handed out.
        """
        raw = await self._reading.raw(address, owner, which)
        found = await self._reading.unless_gone(raw, self._extracted(asker, raw, index))
        if found.blocked is not None:
            raise AttachmentBlocked(
                f"attachments of the kind {found.blocked} are not handed out, for they may be "
                "dangerous; the raw message holds it"
            )
        return found

    async def _extracted(self, asker: Asker, raw: Received, index: int) -> Extracted:
        return await self._extractor.extract(asker, raw.content, index)
