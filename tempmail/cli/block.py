"""``tempmail block``: who is shut out, and letting them in again."""

from __future__ import annotations

import argparse
from ipaddress import ip_address
from typing import Any

from tempmail.core.blocks import INTERVAL
from tempmail.model.errors import InvalidInput, NotFound
from tempmail.model.network import network
from tempmail.storage import blocks
from tempmail.storage.database import Cursor

_BLOCK = """\
The daemon shuts out clients whose sessions keep ending for their errors, or that do not stop
running into the limits: for a minute, then 5, then 30, 2 hours, a day, longer each time until a
day has passed without.  A client is an IPv4 address or the /64 of an IPv6 address.  All daemons
on one database share their blocks."""

_LS = """\
Lists the blocks that hold, those that end first first.  LEVEL is how many in a row; REASON is
`errors` (sessions ended for them) or `limits` (kept running into them)."""

_LIFT = f"""\
Ends a block, and forgets it: the next one will be a first one.  The daemons let the client in
within {INTERVAL:.0f} seconds.  Exits with 1 where that client is not blocked."""


def add_to(commands: Any, storage: argparse.ArgumentParser) -> None:
    """Add the subcommand to the parser's others.

    :param commands: what ``add_subparsers`` returned.
    :param storage: holds the options that say where storage is.
    """
    block = commands.add_parser(
        "block", parents=[storage], help="clients that are shut out", description=_BLOCK
    )
    actions = block.add_subparsers(title="actions", required=True, metavar="ACTION")
    ls = actions.add_parser("ls", parents=[storage], help="list them", description=_LS)
    ls.set_defaults(run=_ls)
    lift = actions.add_parser("lift", parents=[storage], help="let them in", description=_LIFT)
    lift.add_argument(
        "client", metavar="ADDRESS|all", help="an address, or a network as `block ls` shows it"
    )
    lift.set_defaults(run=_lift)


def _ls(cursor: Cursor, _given: argparse.Namespace) -> str:
    rows = [
        (block.network, _duration(block.seconds), str(block.level), block.reason)
        for block in blocks.recorded(cursor)
        if block.seconds > 0
    ]
    if not rows:
        return "nobody is blocked\n"
    table = [("CLIENT", "ENDS IN", "LEVEL", "REASON"), *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        + "\n"
        for row in table
    )


def _lift(cursor: Cursor, given: argparse.Namespace) -> str:
    """:raises NotFound: that client is not blocked.
    :raises InvalidInput: that is no client."""
    client = None if given.client == "all" else _client(given.client)
    lifted = blocks.lift(cursor, client)
    if client is not None and not lifted:
        raise NotFound(f"{client} is not blocked")
    return "".join(f"lifted {each}\n" for each in lifted) or "nobody was blocked\n"


def _client(text: str) -> str:
    address, slash, _ = text.partition("/")
    try:
        ip_address(address)
    except ValueError as error:
        raise InvalidInput(f"{text!r} is no IP address; say one, or `all`") from error
    client = network(address)
    if slash and client != text:
        raise InvalidInput(f"{text!r} is no client; {client} is one")
    return client


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
