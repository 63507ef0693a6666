"""The orderly stop: nothing new, everything begun is finished, then the parts in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004  # Twisted's own
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

_log = Logger()


@frozen
class Step:
    """One part of the stop.

    :ivar seconds: how long it may take; then what is left of it is dropped by ``otherwise``.
    """

    name: str
    run: Callable[[], Awaitable[Any] | None]
    seconds: float
    otherwise: Callable[[], Any] = lambda: None


async def stop_in_order(steps: Sequence[Step], clock: IReactorTime) -> None:
    """Run ``steps`` in turn; one that fails or takes too long does not stop the others."""
    for step in steps:
        try:
            outcome = step.run()
            if outcome is not None:
                await _deferred(outcome).addTimeout(step.seconds, clock)
        except TimeoutError:
            _log.warn(
                "stopping: {step} took more than {seconds} s", step=step.name, seconds=step.seconds
            )
            step.otherwise()
        except Exception:
            _log.failure("stopping: {step} failed", step=step.name)


def _deferred(outcome: Awaitable[Any]) -> Deferred[Any]:
    if isinstance(outcome, Deferred):
        return outcome

    async def waiting() -> Any:
        return await outcome

    return Deferred.fromCoroutine(waiting())
