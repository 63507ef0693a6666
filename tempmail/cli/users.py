"""``tempmail user`` and ``tempmail subscription``: accounts, and the plans that they have."""

from __future__ import annotations

import click

from tempmail.cli.operating import operates
from tempmail.cli.output import Output
from tempmail.model.account import User
from tempmail.storage import invitations, users
from tempmail.storage.database import Cursor
from tempmail.storage.plans import plan_of

_PLAN = {"plan": "PLAN", "started_at": "FROM", "ended_at": "TILL"}


@click.group()
def user() -> None:
    """Accounts: who may own mailboxes by API keys and passkeys."""


@user.command("list")
@operates
def list_users(cursor: Cursor, output: Output) -> None:
    """List all accounts, oldest first."""
    found: list[User] = []
    while page := users.users(cursor, above=found[-1].id if found else 0):
        found += page
    rows = []
    for one in found:
        used = users.usage(cursor, one.id)
        rows.append({**_shown(cursor, one), "mailboxes": used.mailboxes, "messages": used.messages})
    columns = {"name": "NAME", "plan": "PLAN", "mailboxes": "MAILBOXES", "messages": "MESSAGES"}
    output.rows({**columns, "created_at": "SINCE"}, rows, "there are no accounts")


@user.command("add")
@click.argument("name")
@click.option("--plan", help="Theirs from the start.  [default: free]")
@operates
def add_user(cursor: Cursor, output: Output, name: str, plan: str | None) -> None:
    """Make an account; `tempmail key add NAME` gives it a key."""
    output.record(_shown(cursor, users.create_user(cursor, name, plan)))


@user.command("change")
@click.argument("name")
@click.option("--name", "new_name", required=True, help="What to call them from now on.")
@operates
def change_user(cursor: Cursor, output: Output, name: str, new_name: str) -> None:
    """Call an account something else."""
    known = users.user_named(cursor, name)
    output.record(_shown(cursor, users.rename_user(cursor, known.id, new_name)))


@user.command("revoke")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@operates
def revoke_user(cursor: Cursor, output: Output, name: str, yes: bool) -> None:
    """End an account: its keys, passkeys and mailboxes with all mail, at once and for good."""
    known = users.user_named(cursor, name)
    used = users.usage(cursor, known.id)
    if not yes:
        click.confirm(
            f"End {known.name} with {used.mailboxes} mailboxes and {used.messages} messages?",
            abort=True,
            err=True,
        )
    ended = users.delete_user(cursor, known.id)
    output.say(f"{known.name} is gone, and so are {len(ended)} mailboxes")


@user.command()
@click.option("--days", default=7, show_default=True, help="For how long it is good.")
@operates
def invite(cursor: Cursor, output: Output, days: int) -> None:
    """Make an invitation: a code that lets one person sign up (--sign-up invite)."""
    _, code = invitations.make_invitation(cursor, days)
    output.value("invitation", code)
    output.say(f"good for one sign-up within {days} days; it is shown only now")


@click.group()
def subscription() -> None:
    """Which plan an account has; what it had before stays in its history."""


@subscription.command("list")
@click.argument("name")
@operates
def list_subscriptions(cursor: Cursor, output: Output, name: str) -> None:
    """List an account's subscriptions, newest first."""
    known = users.user_named(cursor, name)
    rows = [
        {"plan": one.plan, "started_at": one.started_at, "ended_at": one.ended_at}
        for one in users.subscriptions(cursor, known.id)
    ]
    output.rows(_PLAN, rows, f"{known.name} never had one, so the plan is free")


@subscription.command("change")
@click.argument("name")
@click.argument("plan")
@operates
def give(cursor: Cursor, output: Output, name: str, plan: str) -> None:
    """Give an account a plan from now on; any other ends."""
    known = users.user_named(cursor, name)
    users.set_subscription(cursor, known.id, plan)
    output.record(_shown(cursor, known))


subscription.add_command(give, "add")


@subscription.command("revoke")
@click.argument("name")
@operates
def revoke_subscription(cursor: Cursor, output: Output, name: str) -> None:
    """End an account's subscription: its plan is free from now on."""
    known = users.user_named(cursor, name)
    if not users.end_subscription(cursor, known.id):
        output.say(f"{known.name} had none")
    output.record(_shown(cursor, known))


def _shown(cursor: Cursor, one: User) -> dict[str, object]:
    plan = plan_of(cursor, one.id).name
    return {"id": one.id, "name": one.name, "plan": plan, "created_at": one.created_at}
