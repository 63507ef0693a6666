"""Plans in PostgreSQL: rows, so that a change counts from the next request on."""

from __future__ import annotations

from typing import Any

from attrs import evolve, fields

from tempmail.model.account import Plan
from tempmail.model.errors import Conflict, InvalidInput, NotFound
from tempmail.storage.database import Cursor

_NEEDED = ("anonymous", "free")
_NAMES = tuple(field.name for field in fields(Plan))
_COLUMNS = ", ".join(_NAMES)
PLAN_OF = f"""
SELECT {_COLUMNS} FROM plans WHERE name = coalesce(
    (SELECT plan FROM subscriptions WHERE user_id = %s AND ended_at IS NULL), 'free')
"""  # noqa: S608  # only our own column names
_PUT = f"""
INSERT INTO plans ({_COLUMNS}) VALUES ({", ".join(["%s"] * len(_NAMES))})
ON CONFLICT (name) DO UPDATE
SET {", ".join(f"{name} = excluded.{name}" for name in _NAMES if name != "name")}
"""  # noqa: S608


def plans(cursor: Cursor) -> list[Plan]:
    """All plans, by name."""
    cursor.execute(f"SELECT {_COLUMNS} FROM plans ORDER BY name")  # noqa: S608
    return [Plan(*row) for row in cursor]


def plan(cursor: Cursor, name: str, lock: str = "") -> Plan:
    """:raises NotFound: there is no such plan."""
    cursor.execute(f"SELECT {_COLUMNS} FROM plans WHERE name = %s {lock}", (name,))  # noqa: S608
    row = cursor.fetchone()
    if row is None:
        known = ", ".join(one.name for one in plans(cursor))
        raise NotFound(f"there is no plan {name[:64]!r}; there are: {known}")
    return Plan(*row)


def put_plan(cursor: Cursor, wanted: Plan) -> None:
    """Make a plan, or make it what it is wanted to be.

    :raises InvalidInput: it can be nobody's plan.
    """
    wanted.checked()
    cursor.execute(_PUT, tuple(getattr(wanted, name) for name in _NAMES))


def change_plan(cursor: Cursor, name: str, /, **changes: Any) -> Plan:
    """Change some of a plan's limits; what it is then.

    :param changes: by the names of :class:`tempmail.model.account.Plan`, but for ``name``.
    :raises NotFound: there is no such plan.
    :raises InvalidInput: there is no such limit, or it cannot be this.
    """
    if unknown := set(changes) - set(_NAMES[1:]):
        raise InvalidInput(f"{min(unknown)}: a plan has: {', '.join(_NAMES[1:])}")
    changed = evolve(plan(cursor, name, "FOR UPDATE"), **changes)
    put_plan(cursor, changed)
    return changed


def plan_of(cursor: Cursor, user: int) -> Plan:
    """The plan that a user has now: that of their subscription, else ``free``."""
    cursor.execute(PLAN_OF, (user,))
    row = cursor.fetchone()
    assert row is not None
    return Plan(*row)


def delete_plan(cursor: Cursor, name: str) -> None:
    """Remove a plan.

    :raises NotFound: there is no such plan.
    :raises Conflict: somebody has or had it, or everybody has it who has no other.
    """
    plan(cursor, name, "FOR UPDATE")
    if name in _NEEDED:
        raise Conflict(f"{name} is the plan of those who have no other")
    cursor.execute("SELECT EXISTS (SELECT FROM subscriptions WHERE plan = %s)", (name,))
    if cursor.fetchone() == (True,):
        raise Conflict(f"{name} is in somebody's history; change its limits instead")
    cursor.execute("DELETE FROM plans WHERE name = %s", (name,))
