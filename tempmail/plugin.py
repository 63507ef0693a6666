# Much of twisted.python.usage has no annotations.
# mypy: disable-error-code="no-untyped-call"
"""``twistd tempmail``: its options, and the service that they start."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python import usage

from tempmail import __version__, settings
from tempmail.assembly import Daemon
from tempmail.model.errors import TempmailError
from tempmail.options import OPTIONS, Option
from tempmail.systemd import ServiceManager


class Options(usage.Options):
    """The command line; every option is also a variable and a key of the configuration file."""

    synopsis = "[options]"
    longdesc = (
        "Starts the whole service.  With no options: SMTP on 127.0.0.1:2525, HTTP and WebSocket "
        "on 127.0.0.1:8080, mail for tempmail.localhost, an embedded PostgreSQL.  Each option "
        "is also an environment variable (--data-dir is TEMPMAIL_DATA_DIR) and a key of the "
        "TOML file named by --config; the command line wins, then the variable, then the file."
    )
    optParameters = (
        ("config", None, None, "A TOML file whose keys are these options' names"),
        *((option.name, None, None, option.help) for option in OPTIONS if not option.many),
    )

    def opt_version(self) -> NoReturn:
        """Show the version and exit"""
        print(f"tempmail {__version__}")
        raise SystemExit(0)

    def parseOptions(self, options: Any = None) -> None:
        """A mistake ends in one line, not in the whole help."""
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            fail(f"{error} (see twistd tempmail --help)", status=2)

    def postOptions(self) -> None:
        config = self["config"] or os.environ.get("TEMPMAIL_CONFIG")
        try:
            self.settings = settings.load(self, os.environ, Path(config) if config else None)
        except TempmailError as error:
            fail(error.detail, status=2)


def _repeatable(option: Option) -> Callable[[Options, str], None]:
    """The method by which ``usage.Options`` takes an option more than once."""

    def take(self: Options, value: str) -> None:
        self.setdefault(option.name, []).append(value)

    take.__doc__ = f"{option.help}; may be repeated"
    return take


for _option in OPTIONS:
    if _option.many:
        setattr(Options, f"opt_{_option.attribute}", _repeatable(_option))


class TempmailService(Service):
    """The daemon as twistd starts and stops it."""

    _log = Logger()

    def __init__(self, options: Options, reactor: Any) -> None:
        self._options = options
        self._reactor = reactor
        self._daemon: Daemon | None = None
        self._manager: ServiceManager | None = None

    def startService(self) -> None:
        """Everything up to listening happens before the reactor runs, so that what fails ends
        the process with one line and an exit status."""
        super().startService()
        daemon = Daemon(self._options.settings, self._reactor)
        try:
            daemon.start()
        except TempmailError as error:
            daemon.give_up()
            twistd = self._options.parent
            assert twistd is not None
            if not twistd["nodaemon"]:
                raise  # twistd hands it to the process that waits in the foreground
            if twistd["pidfile"]:
                Path(twistd["pidfile"]).unlink(missing_ok=True)
            fail(error.detail)
        self._daemon = daemon
        self._manager = ServiceManager(os.environ, daemon.well, self._reactor)
        self._reactor.callWhenRunning(self._manager.ready, f"Mail for {daemon.summary['domains']}")
        twistd = self._options.parent
        if twistd is not None and twistd["logger"]:  # whoever reads that expects no prose
            self._log.info("ready: SMTP on {smtp}, HTTP on {http}", **daemon.summary)
        else:
            print(daemon.welcome(), file=sys.__stdout__, flush=True)

    def stopService(self) -> Deferred[None] | None:
        super().stopService()
        if self._daemon is None:
            return None
        assert self._manager is not None
        self._manager.stopping()
        manager = self._manager
        return Deferred.fromCoroutine(self._daemon.stop()).addBoth(lambda _: manager.gone())


def makeService(options: Options) -> TempmailService:
    """What twistd calls."""
    from twisted.internet import reactor

    return TempmailService(options, reactor)


def fail(message: str, status: int = 1) -> NoReturn:
    """End the process with one line."""
    print(f"tempmail: {message}", file=sys.__stderr__, flush=True)
    raise SystemExit(status)
