"""``tempmail reparse``: making views again with the parser of this version."""

from __future__ import annotations

from typing import Any

import click
from attrs import define
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import react

from tempmail.cli.operating import database_url, json_option, storage_options
from tempmail.cli.output import Output
from tempmail.core.metrics import Metrics
from tempmail.core.views import Views
from tempmail.storage.database import Database
from tempmail.storage.messages import PostgresMessages
from tempmail.storage.outdated import Outdated, count_outdated
from tempmail.workers.pool import ParserPool

_AT_ONCE = 8


@define
class _Outcome:
    made: int = 0


@click.command()
@click.option("--unread", is_flag=True, help="Also those that nobody has read yet.")
@storage_options
@json_option
def reparse(as_json: bool, unread: bool, **given: str | None) -> None:
    """Make the views of messages again that an older parser made.

    It need not be done: whoever reads such a message gets a new view anyway.  It spares the first
    reader the wait, and may run beside the daemon.
    """
    options = {name.replace("_", "-"): value for name, value in given.items()}
    dsn = database_url(options)
    outcome = _Outcome()
    try:
        react(lambda reactor: Deferred.fromCoroutine(_run(reactor, dsn, outcome, unread=unread)))
    except SystemExit as end:  # how react returns
        if end.code:
            raise click.ClickException("left off; what was made again stays") from end
    output = Output(as_json=as_json)
    if as_json:
        output.record({"reparsed": outcome.made})
    else:
        output.say(f"{outcome.made} views were made again")


async def _run(reactor: Any, dsn: str, outcome: _Outcome, *, unread: bool) -> None:
    metrics = Metrics()
    database = Database(dsn, reactor, metrics)
    parser = ParserPool(reactor, metrics)
    views = Views(PostgresMessages(database), parser)
    parser.start()
    try:
        await _reparse(database, views, outcome, unread=unread)
    finally:
        await parser.stop()
        database.stop()


async def _reparse(database: Database, views: Views, outcome: _Outcome, *, unread: bool) -> None:
    count = await database.run(count_outdated, views.version, unread=unread)
    pages = Outdated(views.version, unread=unread)
    bar = Progress(
        *Progress.get_default_columns()[:2],
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task("messages", total=count)
        while page := await database.run(pages.page):
            for start in range(0, len(page), _AT_ONCE):
                some = page[start : start + _AT_ONCE]
                await gatherResults([views.stored(*one, one[0]) for one in some])
                outcome.made += len(some)
                bar.update(task, completed=outcome.made)
