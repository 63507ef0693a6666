"""What a command says: data on standard output, talk on standard error, a status at the end."""

from __future__ import annotations

import enum
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text


class Exit(enum.IntEnum):
    """How a command ends; those from 64 on are of sysexits.h."""

    DONE = 0
    NOT_DONE = 1
    USAGE = 2
    NOT_FOUND = 3
    NOT_ALLOWED = 4
    TIMED_OUT = 5
    UNREACHABLE = 69
    TRY_AGAIN = 75
    CONFIGURATION = 78


EXIT_CODES = """\
exit status: 0 done, 1 not done, 2 wrong arguments, 3 not found, 4 not allowed, 5 timed out,
69 unreachable, 75 try again later, 78 wrong configuration."""


class Output:
    """Where a command's results go.

    :param as_json: whether data is JSON instead of text.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json

    def rows(
        self, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]], empty: str
    ) -> None:
        """Show a list: a table for people, an array for programs.

        :param columns: of the table: headings by the keys of the rows.
        :param empty: to say where there are none.
        """
        listed = list(rows)
        if self.as_json:
            self._json(listed)
        elif not listed:
            self.say(empty)
        else:
            table = Table(box=None, pad_edge=False, header_style="bold")
            for heading in columns.values():
                table.add_column(heading, overflow="fold")
            for row in listed:
                table.add_row(*(Text(shown(row[key])) for key in columns))
            _console(sys.stdout).print(table)

    def record(self, values: Mapping[str, Any]) -> None:
        """Show one thing with its properties."""
        if self.as_json:
            self._json(values)
            return
        width = max(map(len, values))
        for name, value in values.items():
            click.echo(f"{name.ljust(width)}  {shown(value)}")

    def value(self, name: str, value: str) -> None:
        """Show what a script wants to have: the value and nothing else."""
        if self.as_json:
            self._json({name: value})
        else:
            click.echo(printable(value))

    def say(self, text: str) -> None:
        """Tell a person, beside the data."""
        click.echo(printable(text, keep="\n"), err=True)

    @staticmethod
    def _json(value: Any) -> None:
        click.echo(json.dumps(value, default=_plain, ensure_ascii=sys.stdout.isatty(), indent=2))


def _console(file: Any) -> Console:
    """As wide as a terminal; what goes into a pipe or a file is never folded."""
    return Console(file=file, highlight=False, width=None if file.isatty() else 10_000)


def shown(value: Any) -> str:
    """A value as people read it; what comes from outside cannot steer their terminal."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        case str():
            return printable(value)
        case Sequence():
            return " ".join(map(shown, value))
    return str(value)


def printable(text: str, keep: str = "") -> str:
    """``text`` without control and direction characters, but for those of ``keep``."""
    return "".join(
        one if one.isprintable() or one in keep else "\N{REPLACEMENT CHARACTER}" for one in text
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, enum.Enum):
        return value.value
    raise TypeError(f"{value!r} is no JSON")
