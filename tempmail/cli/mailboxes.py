"""``tempmail mailbox``: making, watching and ending mailboxes over the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tempmail.cli.output import Output
from tempmail.cli.serving import asks, matching, opens

if TYPE_CHECKING:
    from tempmail.client import Client, Mailbox

_COLUMNS = {"address": "ADDRESS", "messages": "MESSAGES", "expires_at": "ENDS"}


@click.group()
def mailbox() -> None:
    """Mailboxes, of an API key (UCT_API_KEY) or of a session token (TEMPMAIL_TOKEN)."""


@mailbox.command("list")
@asks
def list_mailboxes(client: Client, output: Output) -> None:
    """List the mailboxes of the API key's account, newest first."""
    rows = [_shown(one) for one in client.mailboxes()]
    output.rows(_COLUMNS, rows, "there are no mailboxes; `tempmail mailbox new` makes one")


@mailbox.command()
@asks
@click.argument("username", required=False)
@click.option("--domain", help="One of the server's.")
@click.option("--ttl-minutes", type=click.IntRange(1), help="How long it lives.")
@click.option("--style", type=click.Choice(["words", "hex"]), help="Of a name that is chosen.")
@click.option("--client-id", help="The same again returns the same mailbox.")
def new(client: Client, output: Output, **wish: Any) -> None:
    """Make a mailbox and print its address, and in a second line its token where it has one."""
    made = client.create(**wish)
    if output.as_json:
        output.record({**_shown(made), "session_token": made.token})
        return
    output.value("address", made.address)
    if made.token is not None:
        output.value("session_token", made.token)
        output.say("keep the token, it is shown only now: export TEMPMAIL_TOKEN=...")


@mailbox.command()
@opens
def show(box: Mailbox, output: Output) -> None:
    """Show a mailbox."""
    output.record(_shown(box))


@mailbox.command()
@opens
@matching
@click.option("--has", type=click.Choice(["code", "link"]), help="What it must hold.")
@click.option("--timeout", default=30.0, show_default=True, help="Seconds.")
@click.option("--after", type=click.IntRange(0), help="A sequence number.  [default: 0]")
def wait(box: Mailbox, output: Output, timeout: float, **wanted: Any) -> None:
    """Wait for a message that matches, and show it."""
    found = box.wait(timeout=timeout, **wanted)
    output.record(
        {
            "id": found.id,
            "seq": found.seq,
            "from": found.from_address,
            "subject": found.subject,
            "received_at": found.received_at,
            "codes": [one.value for one in found.codes],
            "links": [one.href for one in found.links],
        }
    )


@mailbox.command()
@opens
@click.argument("ttl_minutes", type=click.IntRange(1))
def extend(box: Mailbox, output: Output, ttl_minutes: int) -> None:
    """Let a mailbox end so many minutes from now, within the plan."""
    box.extend(ttl_minutes)
    output.record(_shown(box))


@mailbox.command()
@opens
def rm(box: Mailbox, output: Output) -> None:
    """End a mailbox with all its mail."""
    box.delete()
    output.say(f"{box.address} is gone")


def _shown(box: Mailbox) -> dict[str, Any]:
    info = box.info()
    return {
        "address": info.address,
        "messages": info.message_count,
        "last_seq": info.last_seq,
        "created_at": info.created_at,
        "expires_at": info.expires_at,
        "owner_type": info.owner_type,
    }
