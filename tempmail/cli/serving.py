"""What users' commands stand on: the API of a server."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import IO, TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from tempmail.cli.operating import json_option
from tempmail.cli.output import Output

if TYPE_CHECKING:
    from tempmail.client import Client

P = ParamSpec("P")
R = TypeVar("R")

_URL = click.option(
    "--url", envvar="TEMPMAIL_URL", help="The server.  [env: TEMPMAIL_URL]", metavar="URL"
)
_KEY = click.option(
    "--api-key-file",
    type=click.File("r"),
    help="Holds the API key, which UCT_API_KEY may hold as well.",
)
_TOKEN = click.option(
    "--token",
    envvar="TEMPMAIL_TOKEN",
    help="The mailbox's session token, where it has one.  [env: TEMPMAIL_TOKEN]",
)


class NoClient(Exception):
    """The client library is not installed."""


def asks(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command a client of the server, and an output."""

    @_URL
    @_KEY
    @json_option
    @wraps(command)
    def run(
        *args: Any,
        url: str | None,
        api_key_file: IO[str] | None,
        as_json: bool,
        **kwargs: Any,
    ) -> R:
        try:
            from tempmail.client import Client
        except ImportError as error:
            raise NoClient("this command needs httpx: pip install httpx") from error
        key = api_key_file.read().strip() if api_key_file is not None else None
        with Client(url, key) as client:
            return command(client, Output(as_json=as_json), *args, **kwargs)

    return run


def opens(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the mailbox that its first argument names, and an output."""

    @click.argument("address")
    @_TOKEN
    @asks
    @wraps(command)
    def run(
        client: Client,
        output: Output,
        *args: Any,
        address: str,
        token: str | None,
        **kwargs: Any,
    ) -> R:
        return command(client.mailbox(address, token or None), output, *args, **kwargs)

    return run


def matching(command: Callable[P, R]) -> Callable[P, R]:
    """Add the options that say which message is waited for."""
    for option in (
        click.option("--body", help="The same, in its text."),
        click.option("--subject", help="The same, in its subject."),
        click.option("--from", "sender", help="Of its sender: part of it, or /pattern/ (RE2)."),
    ):
        command = option(command)
    return command
