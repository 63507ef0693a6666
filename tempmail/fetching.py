"""The part that fetches mail from IMAP accounts, one puller an account."""

from __future__ import annotations

import os
from functools import partial
from typing import Any
from uuid import uuid4

from twisted.internet.defer import Deferred, gatherResults

from tempmail.core.budget import ByteBudget
from tempmail.core.delivery import Door
from tempmail.core.imap_ports import ImapPositions
from tempmail.core.metrics import Metrics
from tempmail.imap.puller import Puller
from tempmail.imap.pulling import Desk
from tempmail.settings import Settings


class Fetching:
    """The pullers of one daemon.

    :param door: for every mail.
    :param budget: that this mail shares with mail by SMTP.
    """

    def __init__(
        self,
        settings: Settings,
        door: Door,
        positions: ImapPositions,
        budget: ByteBudget,
        metrics: Metrics,
        reactor: Any,
    ) -> None:
        desk = Desk(
            door,
            positions,
            settings.domains,
            budget,
            settings.max_message_bytes,
            metrics,
            reactor,
            uuid4(),
        )
        self._pullers = [
            Puller(account, partial(account.secret, os.environ), desk, reactor)
            for account in settings.imap
        ]

    def start(self) -> None:
        """Read every account from now on."""
        for puller in self._pullers:
            puller.start()

    def stop(self) -> Deferred[Any]:
        """Fires when the mails under way have been committed."""
        return gatherResults([puller.stop() for puller in self._pullers])
