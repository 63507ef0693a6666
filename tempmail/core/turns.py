"""Turns among those who ask, so that nobody waits longer because another asks for much.

Askers are served one piece of work each, round and round; what one of them asks for is done in
the order in which it was asked.  Whoever asks for one thing waits for no more than one of each of
the others, however many they have asked for.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Collection, Mapping
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.model.errors import TempmailError

_T = TypeVar("_T")

Asker = int | str
"""For whom work is done: a network (:func:`tempmail.model.network.network`), so that nobody gains
by having many mailboxes, or the id of a mailbox where nobody asks over the net."""


class Turns(Generic[_T]):
    """Work that waits, by asker."""

    def __init__(self) -> None:
        self._lines: OrderedDict[Asker, deque[_T]] = OrderedDict()  # whose turn it is first

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    @property
    def lines(self) -> Mapping[Asker, Collection[_T]]:
        """What waits of each asker, in order; none is empty."""
        return self._lines

    def add(self, asker: Asker, work: _T) -> None:
        """Have ``work`` wait behind what else its asker wants."""
        self._lines.setdefault(asker, deque()).append(work)

    def take(self, may: Callable[[Asker], bool] = lambda _: True) -> _T | None:
        """What is next; None where nothing waits.

        :param may: tells askers who are passed over for now, and keep their turn.
        """
        asker = next(filter(may, self._lines), None)
        if asker is None:
            return None
        line = self._lines.pop(asker)
        work = line.popleft()
        if line:
            self._lines[asker] = line  # behind all others
        return work

    def last(self, asker: Asker) -> _T:
        """Take out what ``asker``, who has something waiting, asked for last."""
        work = self._lines[asker][-1]
        self.remove(asker, work)
        return work

    def remove(self, asker: Asker, work: _T) -> bool:
        """Nobody wants ``work`` any more; whether it was waiting."""
        line = self._lines.get(asker, deque())
        if work not in line:
            return False
        line.remove(work)
        if not line:
            del self._lines[asker]
        return True


class _Entry:
    """Work in a room, or before it.

    :ivar result: what its asker waits for.
    """

    def __init__(self, asker: Asker, work: Callable[[], Deferred[Any]], room: Room) -> None:
        self.asker = asker
        self.work = work
        self.result: Deferred[Any] = Deferred(lambda _: room.forget(self))


class Room:
    """Places for work that takes its time, given to askers in turn.

    A place is given back when the work has come to its end, whoever still waits for it: a thread
    goes on when it is not wanted any more.

    :param places: how much is done at once.
    :param each: how much of it for one asker.
    """

    _log = Logger()

    def __init__(self, places: int, each: int | None = None) -> None:
        self._free = places
        self._each = places if each is None else each
        self._inside: Counter[Asker] = Counter()
        self._turns: Turns[_Entry] = Turns()
        self._letting_in = False

    def run(self, asker: Asker, work: Callable[..., Any], *given: Any) -> Deferred[Any]:
        """What ``work``, a coroutine function or one that returns a Deferred, says in its turn.

        Cancelling takes out what waits; work that has begun goes on, and its outcome is ignored.
        """
        entry = _Entry(asker, lambda: maybeDeferred(work, *given), self)
        self._turns.add(asker, entry)
        self._let_in()
        return entry.result

    def waiting(self, asker: Asker | None = None) -> int:
        """How much waits for a place, of all or of one."""
        return len(self._turns if asker is None else self._turns.lines.get(asker, ()))

    def forget(self, entry: _Entry) -> None:
        """Nobody waits for it any more."""
        self._turns.remove(entry.asker, entry)

    def _let_in(self) -> None:
        if self._letting_in:  # by work that ended at once: the loop below goes on
            return
        self._letting_in = True
        while self._free and (entry := self._turns.take(self._may)) is not None:
            self._free -= 1
            self._inside[entry.asker] += 1
            entry.work().addBoth(self._ended, entry)
        self._letting_in = False

    def _may(self, asker: Asker) -> bool:
        return self._inside[asker] < self._each

    def _ended(self, outcome: object, entry: _Entry) -> None:
        self._free += 1
        self._inside[entry.asker] -= 1
        if not self._inside[entry.asker]:
            del self._inside[entry.asker]
        if not entry.result.called:
            entry.result.callback(outcome)
        elif isinstance(outcome, Failure) and not outcome.check(TempmailError):
            self._log.failure("failed when nobody waited for it", outcome)
        self._let_in()
