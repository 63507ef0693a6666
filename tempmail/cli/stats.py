"""``tempmail stats``: what there is, as the database has it."""

from __future__ import annotations

import click

from tempmail.cli.operating import operates
from tempmail.cli.output import Output
from tempmail.storage.database import Cursor
from tempmail.storage.statistics import statistics


@click.command()
@operates
def stats(cursor: Cursor, output: Output) -> None:
    """Count what there is: mailboxes, messages, accounts, space.

    The daemon's own metrics (--metrics) tell more, and how it came about.
    """
    output.record(statistics(cursor))
