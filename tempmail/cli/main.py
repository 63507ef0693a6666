"""The command line of ``tempmail``: which subcommand, on which daemon's storage."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg2

from tempmail import __version__, settings
from tempmail.cli import block
from tempmail.model.errors import TempmailError, Unavailable
from tempmail.storage.connection import Connection, connect, one_line
from tempmail.storage.embedded import EmbeddedCluster

_DESCRIPTION = """\
Looks after a tempmail daemon, which `twistd tempmail` starts.  A command speaks to the daemon's
storage: with --database to that, else to the PostgreSQL that runs under the daemon, through its
socket in the data directory.  So give the options that the daemon was given; they are also read
from TEMPMAIL_DATABASE, TEMPMAIL_DATA_DIR and TEMPMAIL_CONFIG."""

_EPILOG = """\
examples:
  tempmail block ls                      who is shut out, and for how long
  tempmail block lift 192.0.2.7          let that client in again
  tempmail --data-dir /srv/mail block lift all"""

_STORAGE = (
    ("database", "postgresql://user@host/name of the daemon's database"),
    ("data-dir", "the daemon's data directory"),
    ("config", "the daemon's TOML file, where these two may stand"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what ``arguments`` say, those of the process where None.

    :returns: the exit status: 0 done, 1 not done, as one line on standard error says.  A mistake
        in the arguments themselves ends with 2.
    """
    given = _parser().parse_args(arguments)
    try:
        connection = _connect(given)
        try:
            with connection, connection.cursor() as cursor:
                sys.stdout.write(given.run(cursor, given))
        finally:
            connection.close()
    except TempmailError as error:
        return _fail(error.detail)
    except psycopg2.Error as error:
        return _fail(f"the database refused: {one_line(error)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    # Before or behind the subcommand; what stands at neither place must not hide the other.
    storage = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    for name, text in _STORAGE:
        storage.add_argument(f"--{name}", help=text)
    parser = argparse.ArgumentParser(
        "tempmail",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[storage],
    )
    parser.add_argument("--version", action="version", version=f"tempmail {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    block.add_to(commands, storage)
    return parser


def _connect(given: argparse.Namespace) -> Connection:
    """:raises Unavailable: there is no daemon, or no database.
    :raises InvalidInput: an option, variable or file is wrong."""
    options = {name: getattr(given, name.replace("-", "_"), None) for name, _ in _STORAGE}
    config = options.pop("config") or os.environ.get("TEMPMAIL_CONFIG")
    chosen = settings.load(options, os.environ, Path(config) if config else None, only=options)
    if chosen.database is not None:
        return connect(chosen.database)
    cluster = EmbeddedCluster(chosen.data_dir)
    try:
        return connect(cluster.dsn)
    except Unavailable as error:
        raise Unavailable(
            f"no daemon can be reached in the data directory {cluster.data_dir}: start it, or "
            "name its --data-dir or --database"
        ) from error


def _fail(detail: str) -> int:
    sys.stderr.write(f"tempmail: {detail}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
