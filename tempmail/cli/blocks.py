"""``tempmail block``: who is shut out, and letting them in again."""

from __future__ import annotations

from ipaddress import ip_address

import click

from tempmail.cli.operating import operates
from tempmail.cli.output import Output
from tempmail.core.blocks import INTERVAL
from tempmail.model.errors import InvalidInput, NotFound
from tempmail.model.network import network
from tempmail.storage import blocks
from tempmail.storage.database import Cursor


@click.group()
def block() -> None:
    """Clients that are shut out.

    The daemon shuts out clients whose sessions keep ending for their errors, or that do not stop
    running into the limits: for a minute, then 5, then 30, 2 hours, a day, longer each time until
    a day has passed without.  A client is an IPv4 address or the /64 of an IPv6 address.  All
    daemons on one database share their blocks.
    """


@block.command("list")
@operates
def list_blocks(cursor: Cursor, output: Output) -> None:
    """List the blocks that hold, those that end first first.

    LEVEL is how many in a row; REASON is `errors` (sessions ended for them) or `limits` (kept
    running into them).
    """
    rows = [
        {
            "client": one.network,
            "seconds": round(one.seconds),
            "ends_in": _duration(one.seconds),
            "level": one.level,
            "reason": one.reason,
        }
        for one in blocks.recorded(cursor)
        if one.seconds > 0
    ]
    columns = {"client": "CLIENT", "ends_in": "ENDS IN", "level": "LEVEL", "reason": "REASON"}
    output.rows(columns, rows, "nobody is blocked")


block.add_command(list_blocks, "ls")


@block.command()
@click.argument("client", metavar="ADDRESS|all")
@operates
def lift(cursor: Cursor, output: Output, client: str) -> None:
    """End a client's block, and forget it: the next one will be a first one.

    The daemons let the client in within seconds.
    """
    wanted = None if client == "all" else _client(client)
    lifted = blocks.lift(cursor, wanted)
    if wanted is not None and not lifted:
        raise NotFound(f"{wanted} is not blocked")
    output.rows({"lifted": "LIFTED"}, [{"lifted": one} for one in lifted], "nobody was blocked")
    if lifted:
        output.say(f"the daemons let them in within {INTERVAL:.0f} seconds")


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
