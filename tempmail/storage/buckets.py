"""In which bucket the messages of a mailbox were last, so that one statement finds both."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

from tempmail.model.mailbox import Mailbox, OwnerType

_MOST = 20_000


class Buckets:
    """Remembers those of mailboxes that were read lately.

    It is only a guess: whoever uses it has the statement compare it with the mailbox's own.
    """

    def __init__(self) -> None:
        self._of: OrderedDict[str, datetime] = OrderedDict()

    def of(self, address: str) -> datetime | None:
        """Where the mailbox may lie."""
        return self._of.get(address)

    def remember(self, mailbox: Mailbox) -> None:
        """It lies there now.  The messages of a public one lie in two at a time."""
        if mailbox.owner_type is OwnerType.PUBLIC:
            return
        self._of[mailbox.address] = mailbox.bucket
        self._of.move_to_end(mailbox.address)
        if len(self._of) > _MOST:
            self._of.popitem(last=False)
