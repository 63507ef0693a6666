"""``tempmail plan``: what owners may have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import click
from attrs import asdict

from tempmail.cli.operating import operates
from tempmail.cli.output import Output
from tempmail.model.account import Plan
from tempmail.storage import plans
from tempmail.storage.database import Cursor

P = ParamSpec("P")
R = TypeVar("R")

_LIMITS = (
    ("max_mailboxes", "Living mailboxes; -1 is no limit."),
    ("max_messages_per_mailbox", "Messages in each; -1 is no limit."),
    ("default_ttl_minutes", "Minutes that a mailbox lives."),
    ("max_ttl_minutes", "The most minutes that may be asked for."),
    ("max_message_bytes", "The largest message."),
    ("requests_per_minute", "Requests to the API; -1 is no limit."),
)
_COLUMNS = {
    "name": "PLAN",
    "max_mailboxes": "MAILBOXES",
    "max_messages_per_mailbox": "MESSAGES EACH",
    "default_ttl_minutes": "MINUTES",
    "max_ttl_minutes": "AT MOST",
    "max_message_bytes": "BYTES EACH",
    "requests_per_minute": "REQUESTS A MINUTE",
}


def _limits(*, required: bool) -> Callable[[Callable[P, R]], Callable[P, R]]:
    def add(command: Callable[P, R]) -> Callable[P, R]:
        for name, text in reversed(_LIMITS):
            option = click.option(
                f"--{name.replace('_', '-')}", name, type=int, required=required, help=text
            )
            command = option(command)
        return command

    return add


@click.group()
def plan() -> None:
    """Plans: what owners may have.  What is changed counts from the next request on.

    `anonymous` is that of whoever has no account, counted by network; `free` that of an account
    without a subscription.
    """


@plan.command("list")
@operates
def list_plans(cursor: Cursor, output: Output) -> None:
    """List all plans."""
    output.rows(_COLUMNS, [asdict(one) for one in plans.plans(cursor)], "there are no plans")


@plan.command("add")
@click.argument("name")
@_limits(required=True)
@operates
def add_plan(cursor: Cursor, output: Output, name: str, **limits: Any) -> None:
    """Make a plan, or make it what is said here."""
    made = Plan(name, **limits)
    plans.put_plan(cursor, made)
    output.record(asdict(made))


@plan.command("change")
@click.argument("name")
@_limits(required=False)
@operates
def change_plan(cursor: Cursor, output: Output, name: str, **limits: Any) -> None:
    """Change some of a plan's limits."""
    changes = {key: value for key, value in limits.items() if value is not None}
    if not changes:
        raise click.UsageError("say what to change, such as --max-mailboxes 50")
    output.record(asdict(plans.change_plan(cursor, name, **changes)))


@plan.command("revoke")
@click.argument("name")
@operates
def revoke_plan(cursor: Cursor, output: Output, name: str) -> None:
    """Remove a plan that no subscription ever had."""
    plans.delete_plan(cursor, name)
    output.say(f"{name} is gone")
