"""A batch of messages on its way to one COMMIT, and the claim that decides who answers for it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from tempmail.model.message import Envelope, Placement
from tempmail.storage.connection import Connection


@define(eq=False)
class Entry:
    """One message that waits for its commit.

    :ivar answer: fires on the reactor's thread.
    :ivar entered: when it began to wait, in seconds.
    :ivar outcome: set by the database's thread; None as long as nothing was decided.
    """

    envelope: Envelope
    answer: Deferred[list[Placement]]
    entered: float = 0.0
    outcome: list[Placement] | Exception | None = None


class Claim:
    """Decides once between COMMIT and refusal.

    The database's thread claims the commit just before it; the reactor claims the refusal when
    the deadline has passed.  Whoever comes second obeys: the thread rolls back, or the reactor
    keeps waiting.  So nothing is ever stored after its sender was told 451.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: str | None = None

    def commit(self) -> bool:
        """Whether the thread may commit; it may ask again for the next transaction."""
        return self._take("commit")

    def refuse(self) -> bool:
        """Whether the reactor may answer 451."""
        return self._take("refuse")

    def reopen(self) -> None:
        """The transaction that was claimed has ended; the next one is open again."""
        with self._lock:
            if self._taken == "commit":
                self._taken = None

    @property
    def refused(self) -> bool:
        return self._taken == "refuse"

    def _take(self, what: str) -> bool:
        with self._lock:
            if self._taken is None:
                self._taken = what
            return self._taken == what


@define(eq=False)
class Batch:
    """Messages that share a transaction, unless one of them is poison.

    :ivar started: when its transaction began, in seconds.
    :ivar connection: what the thread works on now, so that the reactor can free it.
    :ivar deadline: fires when its senders have waited long enough.
    """

    entries: Sequence[Entry]
    started: float = 0.0
    claim: Claim = field(factory=Claim)
    connection: Connection | None = None
    deadline: IDelayedCall | None = None

    def interrupt(self) -> None:
        """Free the database's thread, if it waits."""
        if self.connection is not None:
            self.connection.interrupt()
