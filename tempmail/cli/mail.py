"""``tempmail mail``: reading messages over the API."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tempmail.cli.output import Output, printable, shown
from tempmail.cli.serving import matching, opens

if TYPE_CHECKING:
    from tempmail.client import Mailbox, Message

_COLUMNS = {
    "seq": "#",
    "received_at": "RECEIVED",
    "from_address": "FROM",
    "subject": "SUBJECT",
    "code": "CODE",
    "id": "ID",
}
_WHICH = click.argument("which", metavar="[ID]", default="latest")


@click.group()
def mail() -> None:
    """Messages of a mailbox; ID is a message's, without it the newest one is meant."""


@mail.command()
@opens
@click.option("--unread", is_flag=True, help="Those alone that nobody has read.")
@click.option("--search", "q", help="Words in subject, sender or text.")
def ls(box: Mailbox, output: Output, unread: bool, q: str | None) -> None:
    """List messages, newest first."""
    rows = [{**asdict(one), "code": one.code} for one in box.messages(unread=unread, q=q)]
    output.rows(_COLUMNS, rows, f"{box.address} has no such messages")


mail.add_command(ls, "list")


@mail.command()
@opens
@_WHICH
def show(box: Mailbox, output: Output, which: str) -> None:
    """Show a message, which marks it as read."""
    found = box.read(which)
    if output.as_json:
        output.record(asdict(found))
        return
    for name, value in _head(found).items():
        click.echo(f"{name}: {shown(value)}")
    click.echo()
    click.echo(printable(found.body_text, keep="\n\t"))


@mail.command()
@opens
@matching
@click.option("--wait", "timeout", default=0.0, metavar="SECONDS", help="For one to come.")
def code(box: Mailbox, output: Output, timeout: float, **wanted: Any) -> None:
    """Print the likeliest code of the first message that has one."""
    output.value("code", box.code(timeout=max(timeout, 1), **wanted))


@mail.command()
@opens
@_WHICH
@click.option("--attachment", type=click.IntRange(0), help="This one instead of the message.")
@click.option(
    "--output",
    "-o",
    "file",
    type=click.Path(dir_okay=False),
    help="Where to; `-` is standard output.  [default: the message's id with .eml]",
)
def save(
    box: Mailbox, output: Output, which: str, attachment: int | None, file: str | None
) -> None:
    """Save a message's bytes as they were received, or one of its attachments."""
    found = box.read(which)
    if attachment is None:
        content, name = box.raw(found), f"{found.id}.eml"
    else:
        content, name = box.attachment(found, attachment), f"{found.id}-{attachment}.bin"
    if file == "-":
        sys.stdout.buffer.write(content)
        return
    where = Path(file or name)
    where.write_bytes(content)
    output.say(f"{len(content)} bytes in {where}")


def _head(found: Message) -> dict[str, Any]:
    sender = f"{found.from_name} <{found.from_address}>" if found.from_name else found.from_address
    return {
        "From": sender,
        "To": found.to_address,
        "Subject": found.subject,
        "Received": found.received_at,
        **({"Code": found.code} if found.code else {}),
        **{f"Link to {one.kind}": one.href for one in found.links if one.kind != "other"},
        **{
            f"Attachment {one.index}": f"{one.filename} ({one.content_type}, {one.size} bytes)"
            for one in found.attachments
        },
    }
