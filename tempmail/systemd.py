"""Telling the service manager how we are: ``sd_notify(3)`` in a few lines, and its watchdog."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

_PINGS = 3
"""Pings in the time the watchdog waits: one may be late, and one lost."""


class ServiceManager:
    """Whoever started us and asked by ``NOTIFY_SOCKET`` to be told; nobody, where it is not set.

    The watchdog (``WATCHDOG_USEC``) is pinged from the reactor and only while ``well`` says so: a
    reactor that hangs is restarted, and a daemon that nothing else can cure.

    :param environ: of the process.
    :param well: False where a restart would help.
    :param clock: the reactor.
    """

    _log = Logger()

    def __init__(
        self,
        environ: Mapping[str, str],
        well: Callable[[], bool],
        clock: IReactorTime,
    ) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._well = well
        self._seconds = _watchdog_seconds(environ)
        self._loop = LoopingCall(self._ping)
        self._loop.clock = clock

    def ready(self, status: str) -> None:
        """The ports are open; from now on the watchdog is pinged.

        :param status: a line for ``systemctl status``.
        """
        self._tell(f"READY=1\nSTATUS={status}")
        if self._address is not None and self._seconds is not None:
            self._loop.start(self._seconds / _PINGS)

    def stopping(self) -> None:
        """The orderly stop begins.  The pings go on: it has its own limits of time."""
        self._tell("STOPPING=1\nSTATUS=Answering what was begun")

    def gone(self) -> None:
        """Nothing is told any more."""
        if self._loop.running:
            self._loop.stop()

    def _ping(self) -> None:
        if self._well():
            self._tell("WATCHDOG=1")
        else:
            self._log.error("not well: the watchdog is not answered")

    def _tell(self, state: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                # A manager that does not read must not hold up the reactor.
                sender.setblocking(False)
                sender.sendto(state.encode(), self._address)
        except OSError as error:
            self._log.warn("the service manager was not told: {why}", why=error.strerror)


def _address(name: str) -> str | None:
    """A path, or a name in the abstract namespace (``@...``, unix(7)); others are not for us."""
    if name.startswith("@"):
        return "\0" + name[1:]
    return name if name.startswith("/") else None


def _watchdog_seconds(environ: Mapping[str, str]) -> float | None:
    try:
        microseconds = int(environ["WATCHDOG_USEC"])
    except (KeyError, ValueError):
        return None
    return microseconds / 1e6 if microseconds > 0 else None
