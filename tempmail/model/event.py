"""What happened to a mailbox: a hint where to look, for the table is the truth."""

from __future__ import annotations

import enum
from uuid import UUID

from attrs import frozen


class EventKind(enum.StrEnum):
    NEW_MESSAGE = "new_message"
    DELETED = "deleted"
    EXPIRED = "expired"


@frozen
class Event:
    """Something that was committed.

    :ivar mailbox_id: whose it is; the bus delivers by it.
    :ivar message_id: of a new or deleted message; None where the whole mailbox went or was emptied.
    :ivar seq: the new message's sequence number; of a deletion how many messages of the mailbox
        were deleted before and by it; else 0.
    """

    kind: EventKind
    mailbox_id: int
    message_id: UUID | None = None
    seq: int = 0
