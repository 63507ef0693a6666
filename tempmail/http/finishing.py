"""Work that is not given up half done because whoever asked for it has left."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.model.errors import TempmailError

_log = Logger()
_T = TypeVar("_T")


def to_the_end(work: Coroutine[Deferred[Any], Any, _T]) -> Deferred[_T]:
    """Run ``work`` so that cancelling the result stops only the watching of it.

    Klein cancels a route's Deferred when the client disconnects; what changes a mailbox, and
    tells others of the change, has to come to its end all the same.

    :returns: the outcome of ``work``.  Where that was cancelled first, a failure nobody
        foresaw is logged.
    """
    watched: Deferred[_T] = Deferred()

    def succeeded(result: _T) -> None:
        if not watched.called:
            watched.callback(result)

    def failed(failure: Failure) -> None:
        if not watched.called:
            watched.errback(failure)
        elif not failure.check(TempmailError):
            _log.failure("failed after its client had left", failure)

    Deferred.fromCoroutine(work).addCallbacks(succeeded, failed)
    return watched
