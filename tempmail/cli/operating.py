"""What operators' commands stand on: the daemon's database."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
import psycopg2

from tempmail import settings
from tempmail.cli.output import Output
from tempmail.model.errors import TempmailError, Unavailable
from tempmail.storage.connection import connect, one_line
from tempmail.storage.database import Cursor
from tempmail.storage.embedded import EmbeddedCluster

P = ParamSpec("P")
R = TypeVar("R")

_STORAGE = (
    click.option("--database", metavar="URL", help="The daemon's: postgresql://user@host/name."),
    click.option("--data-dir", metavar="DIR", help="The daemon's data directory."),
    click.option("--config", metavar="FILE", help="The daemon's TOML file."),
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Data as JSON.")


def storage_options(command: Callable[P, R]) -> Callable[P, R]:
    """Add the options that say where the database is."""
    for option in reversed(_STORAGE):
        command = option(command)
    return command


def json_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add ``--json``."""
    return _JSON(command)


class Misconfigured(Exception):
    """An option, variable or file of the daemon's is wrong."""


def operates(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command a cursor, whose transaction is committed at its end, and an output."""

    @storage_options
    @json_option
    @wraps(command)
    def run(
        *args: Any,
        database: str | None,
        data_dir: str | None,
        config: str | None,
        as_json: bool,
        **kwargs: Any,
    ) -> R:
        given = {"database": database, "data-dir": data_dir, "config": config}
        with storage(given) as cursor:
            return command(cursor, Output(as_json=as_json), *args, **kwargs)

    return run


@contextmanager
def storage(given: dict[str, str | None]) -> Iterator[Cursor]:
    """A transaction on the daemon's database.

    :param given: options behind the command; those before it count where these say nothing.
    :raises Unavailable: there is no daemon, or no database.
    :raises Misconfigured: an option, variable or file is wrong.
    """
    connection = connect(database_url(given))
    try:
        with connection, connection.cursor() as cursor:
            yield cursor
    except psycopg2.Error as error:
        raise Unavailable(f"the database refused: {one_line(error)}") from error
    finally:
        connection.close()


def database_url(given: dict[str, str | None]) -> str:
    """Where the daemon's database is: that of ``--database``, else the embedded one's socket."""
    context = click.get_current_context(silent=True)
    before: dict[str, Any] = context.find_root().params if context is not None else {}
    options = {name: value or before.get(name.replace("-", "_")) for name, value in given.items()}
    config = options.pop("config") or os.environ.get("TEMPMAIL_CONFIG")
    try:
        chosen = settings.load(options, os.environ, Path(config) if config else None, only=options)
    except TempmailError as error:
        raise Misconfigured(error.detail) from error
    if chosen.database is not None:
        return chosen.database
    cluster = EmbeddedCluster(chosen.data_dir)
    if not Path(cluster.data_dir).exists():
        raise Unavailable(_nobody(cluster))
    try:
        connect(cluster.dsn).close()
    except Unavailable as error:
        raise Unavailable(_nobody(cluster)) from error
    return cluster.dsn


def _nobody(cluster: EmbeddedCluster) -> str:
    return (
        f"no daemon can be reached in the data directory {cluster.data_dir}: start it, or "
        "name its --data-dir or --database"
    )
