"""What waits for a worker: in turn by asker, bounded for each and altogether."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from tempmail.core.turns import Asker, Turns
from tempmail.model.errors import TempmailError
from tempmail.workers.answers import Examining, Rendering, Request
from tempmail.workers.worker import Limits


class Waiting:
    """A request whose result somebody waits for.

    :ivar asker: for whom it is.
    :ivar result: fires with it; cancelling calls ``forget``.
    """

    def __init__(
        self,
        asker: Asker,
        request: Request | Rendering | Examining,
        forget: Callable[[Waiting], None],
    ) -> None:
        self.asker = asker
        self.request = request
        self.size = request.size
        self.result: Deferred[Any] = Deferred(lambda _: forget(self))

    @property
    def can_wait(self) -> bool:
        """Whether readers come before it: where a mail is from can wait."""
        return isinstance(self.request, Examining)

    def answer(self, result: object) -> None:
        if self.result.called:  # cancelled while a worker had it
            return
        if isinstance(result, TempmailError):
            self.result.errback(result)
        else:
            self.result.callback(result)


class Full(Exception):
    """There is no room for a request.

    :ivar reason: ``full`` or ``asker_full``, as the metric has it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Line:
    """Requests of one kind.

    :param limits: how many may wait, and how many bytes, of an asker and altogether.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._turns: Turns[Waiting] = Turns()
        self._bytes = 0

    def add(self, new: Waiting) -> list[Waiting]:
        """Have ``new`` wait.

        Where there is no room, whoever takes most of it makes room with what was asked for last,
        so that no few can use up what there is for all.

        :returns: what was put out for it.
        :raises Full: its asker has as much waiting as one may, or as much as any other.
        """
        limits = self._limits
        count, size = self._of(new.asker)
        if count and (count >= limits.waiting_each or size + new.size > limits.waiting_bytes_each):
            raise Full("asker_full")
        put_out: list[Waiting] = []
        try:
            while (
                len(self._turns) >= limits.waiting_mails
                or self._bytes + new.size > limits.waiting_bytes
            ):
                put_out.append(self._last_of_most(count + 1, size + new.size))
        except Full:
            for one in reversed(put_out):  # in vain: each is again the last of its asker
                self._put(one)
            raise
        self._put(new)
        return put_out

    def take(self, may: Callable[[Asker], bool] = lambda _: True) -> Waiting | None:
        """What is next of those askers who ``may`` have a worker now."""
        waiting = self._turns.take(may)
        if waiting is not None:
            self._bytes -= waiting.size
        return waiting

    def forget(self, waiting: Waiting) -> None:
        """Nobody wants the answer any more."""
        if self._turns.remove(waiting.asker, waiting):
            self._bytes -= waiting.size

    def counts(self) -> dict[Asker, int]:
        """How much waits of each asker."""
        return {asker: len(line) for asker, line in self._turns.lines.items()}

    def _put(self, waiting: Waiting) -> None:
        self._turns.add(waiting.asker, waiting)
        self._bytes += waiting.size

    def _of(self, asker: Asker) -> tuple[int, int]:
        """How many requests of an asker wait, and their bytes."""
        line = self._turns.lines.get(asker, ())
        return len(line), sum(one.size for one in line)

    def _last_of_most(self, count: int, size: int) -> Waiting:
        """What whoever has most waiting asked for last.

        :raises Full: there is nobody with more than ``count`` requests or, where it is bytes that
            lack, more than ``size`` of them.
        """
        by_count = len(self._turns) >= self._limits.waiting_mails
        which, own = (0, count) if by_count else (1, size)
        most = max(self._turns.lines, key=lambda one: self._of(one)[which], default=None)
        if most is None or self._of(most)[which] <= own:
            raise Full("full")
        last = self._turns.last(most)
        self._bytes -= last.size
        return last
