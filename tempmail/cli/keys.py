"""``tempmail key``: the API keys of an account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
from attrs import asdict

from tempmail.cli.operating import operates
from tempmail.cli.output import Output
from tempmail.model.account import Scope
from tempmail.model.credentials import ApiKey
from tempmail.model.errors import NotFound
from tempmail.storage import keys
from tempmail.storage.database import Cursor
from tempmail.storage.users import user_named

_COLUMNS = {
    "id": "ID",
    "prefix": "KEY",
    "name": "NAME",
    "scopes": "SCOPES",
    "expires_at": "EXPIRES",
    "last_used_at": "LAST USED",
}


@click.group()
def key() -> None:
    """API keys: programs and agents use them as `Authorization: Bearer KEY`."""


@key.command("list")
@click.argument("user")
@operates
def list_keys(cursor: Cursor, output: Output, user: str) -> None:
    """List an account's keys that are in force, newest first."""
    found = keys.list_keys(cursor, user_named(cursor, user).id)
    output.rows(_COLUMNS, [asdict(one) for one in found], f"{user} has no keys")


@key.command("add")
@click.argument("user")
@click.option("--name", default="made by the operator", show_default=True, help="What it is for.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([scope.value for scope in Scope]),
    multiple=True,
    help="What it may do; `codes` waits for codes and sees no text.  [default: full]",
)
@click.option("--days", type=click.IntRange(1, 36500), help="When it ends.  [default: never]")
@operates
def add_key(
    cursor: Cursor,
    output: Output,
    user: str,
    name: str,
    scopes: tuple[str, ...],
    days: int | None,
) -> None:
    """Make a key.  It is shown only now: of a key only its digest is kept."""
    ends = None if days is None else datetime.now(UTC) + timedelta(days=days)
    wanted = [Scope(scope) for scope in scopes] or [Scope.FULL]
    made, secret = keys.make_key(cursor, user_named(cursor, user).id, name, wanted, ends)
    if output.as_json:
        output.record({"key": secret, **asdict(made)})
    else:
        output.value("key", secret)
        output.say(f"key {made.id} of {user}; it is shown only now")


@key.command("revoke")
@click.argument("user")
@click.argument("which", metavar="ID|PREFIX")
@operates
def revoke_key(cursor: Cursor, output: Output, user: str, which: str) -> None:
    """End a key, named by its id or by how it begins; every daemon refuses it within a second."""
    owner = user_named(cursor, user).id
    found = [one for one in keys.list_keys(cursor, owner) if _is(one, which)]
    if len(found) != 1:
        raise NotFound(f"{len(found) or 'no'} keys of {user} are {which}; see `key list {user}`")
    keys.revoke_key(cursor, owner, found[0].id)
    output.say(f"revoked {found[0].prefix}... ({found[0].name})")


def _is(one: ApiKey, which: str) -> bool:
    return str(one.id) == which or (len(which) > 4 and one.prefix.startswith(which[:12]))
