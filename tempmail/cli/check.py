"""``tempmail check``: what the daemon would understand, and what is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from tempmail import findings, settings
from tempmail.cli.operating import Misconfigured, json_option
from tempmail.cli.output import Exit, Output
from tempmail.model.errors import TempmailError
from tempmail.options import OPTIONS, Option

_SECRET = frozenset(("database", "redis", "imap"))
"""Options whose values may hold a password."""


def _options(command: Any) -> Any:
    """Every option of the daemon, as ``twistd tempmail`` takes it."""
    for option in reversed(OPTIONS):
        command = click.option(
            f"--{option.name}", option.attribute, multiple=option.many, help=option.help
        )(command)
    return click.option("--config", metavar="FILE", help="The daemon's TOML file.")(command)


@click.command()
@_options
@json_option
def check(config: str | None, as_json: bool, **given: Any) -> int:
    """Show what is configured and where that was said, and test all that can be tested.

    Takes the daemon's own options, variables and file.  Looks at DNS (MX, A), ports, the
    certificate, the database and Redis.  Ends with 78 where the daemon would not start, with 1
    where something is wrong with it.
    """
    output = Output(as_json=as_json)
    before = click.get_current_context().find_root().params
    config = config or before.get("config") or os.environ.get("TEMPMAIL_CONFIG")
    file = Path(config) if config else None
    words = {option.name: _given(option, given, before) for option in OPTIONS}
    try:
        choices = settings.choose(words, os.environ, file)
        chosen = settings.load(words, os.environ, file)
    except TempmailError as error:
        raise Misconfigured(error.detail) from error
    rows = [
        {"option": one.option.name, "value": _value(one, chosen), "source": one.source or "default"}
        for one in choices
    ]
    found = _found(chosen)
    if as_json:
        checks = [{"what": one.what, "ok": one.ok, "detail": one.detail} for one in found]
        output.record({"options": rows, "checks": checks})
    else:
        columns = {"option": "OPTION", "value": "VALUE", "source": "FROM"}
        output.rows(columns, rows, "")
        click.echo()
        marks = {True: "ok", False: "WRONG", None: "?"}
        output.rows(
            {"mark": "", "what": "CHECK", "detail": ""},
            [{"mark": marks[one.ok], "what": one.what, "detail": one.detail} for one in found],
            "",
        )
    return Exit.NOT_DONE if any(one.ok is False for one in found) else Exit.DONE


def _given(option: Option, given: dict[str, Any], before: dict[str, Any]) -> Any:
    value = given[option.attribute]
    return list(value) if option.many else value or before.get(option.attribute)


def _value(choice: settings.Choice, chosen: settings.Settings) -> str:
    value = getattr(chosen, choice.option.attribute)
    if choice.option.name in _SECRET and value:
        return "(set)"
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    if isinstance(value, bool):
        return "on" if value else "off"
    return "" if value is None else str(value)


def _found(chosen: settings.Settings) -> list[findings.Finding]:
    found: list[findings.Finding] = []

    def run(reactor: Any) -> Deferred[None]:
        return Deferred.fromCoroutine(findings.look(chosen, reactor, found.append))

    try:
        react(run)
    except SystemExit as end:  # how react returns
        if end.code:
            raise click.ClickException("the checks could not be done") from end
    return found
