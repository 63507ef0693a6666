"""``tempmail mcp``: the Model Context Protocol on standard input and output, for agents that start
their servers themselves.

It relays each message to the server's own door, so that the tools exist once.
"""

from __future__ import annotations

import os
from typing import IO

import click

from tempmail.cli.mcp_lines import run, write
from tempmail.cli.serving import NoClient

_DEFAULT_URL = "http://127.0.0.1:8080"


@click.command()
@click.option(
    "--url",
    envvar="TEMPMAIL_URL",
    default=_DEFAULT_URL,
    show_default=True,
    help="The server.  [env: TEMPMAIL_URL]",
    metavar="URL",
)
@click.option(
    "--api-key-file",
    type=click.File("r"),
    help="Holds the API key, which UCT_API_KEY may hold as well.",
)
@click.option(
    "--token",
    envvar="TEMPMAIL_TOKEN",
    help="A mailbox's session token instead of a key.  [env: TEMPMAIL_TOKEN]",
)
def mcp(url: str, api_key_file: IO[str] | None, token: str | None) -> None:
    """Give an agent its tools, on standard input and output (Model Context Protocol).

    Agents start this themselves; docs/agents.md has what to write into the files of each.
    """
    try:
        from tempmail.cli.mcp_relay import Relay
    except ImportError as error:
        raise NoClient("this command needs httpx: pip install 'tempmail[client]'") from error
    key = api_key_file.read().strip() if api_key_file is not None else None
    credential = key or os.environ.get("UCT_API_KEY") or token
    if not credential:
        raise click.UsageError("set UCT_API_KEY to an API key: tempmail key add NAME makes one")
    run(Relay(url, credential, write).relay)
