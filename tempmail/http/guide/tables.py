"""Parts of the guide that the program itself says: options, metrics, plans, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from prometheus_client import CollectorRegistry

from tempmail.model.account import Plan


class Option(Protocol):
    """See :class:`tempmail.options.Option`."""

    @property
    def name(self) -> str: ...

    @property
    def variable(self) -> str: ...

    @property
    def help(self) -> str: ...

    @property
    def many(self) -> bool: ...


def options(chosen: Iterable[Option]) -> str:
    """A section for each option."""
    return "\n".join(_option(one) for one in chosen)


def _option(option: Option) -> str:
    about, bracket, default = option.help.partition(" [default: ")
    lines = [f"### --{option.name}", "", f"{_plain(about)}."]
    if bracket:
        lines.append(f"Default: {_plain(default.removesuffix(']'))}.")
    also = f"Variable `{option.variable}`"
    lines += ["", f"{also}; may be repeated." if option.many else f"{also}.", ""]
    return "\n".join(lines)


def metrics(registry: CollectorRegistry) -> str:
    """A row for each figure."""
    lines = ["| name | kind | what it counts |", "| --- | --- | --- |"]
    for family in sorted(registry.collect(), key=lambda one: one.name):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        lines.append(f"| `{name}` | {family.type} | {_plain(family.documentation)} |")
    return "\n".join(lines) + "\n"


def plans(rows: Iterable[Plan]) -> str:
    """A row for each plan."""
    head = ("plan", "mailboxes", "messages in each", "minutes to live", "at most", "largest mail")
    names = (*head, "requests a minute")
    lines = [f"| {' | '.join(names)} |", "| --- " * len(names) + "|"]
    for plan in rows:
        figures = (
            _bound(plan.max_mailboxes),
            _bound(plan.max_messages_per_mailbox),
            f"{plan.default_ttl_minutes:,}",
            f"{plan.max_ttl_minutes:,}",
            f"{plan.max_message_bytes / 1024**2:g} MiB",
            _bound(plan.requests_per_minute),
        )
        lines.append(f"| `{plan.name}` | {' | '.join(figures)} |")
    return "\n".join(lines) + "\n"


def _bound(count: int) -> str:
    return "no limit" if count < 0 else f"{count:,}"


def _plain(text: str) -> str:
    """``text`` with what Markdown would take for markup escaped, code apart."""
    text = text.strip()
    parts = (text if text.endswith("..") else text.removesuffix(".")).split("`")
    escaped = ["".join(f"\\{c}" if c in "*_[]<>|\\" else c for c in one) for one in parts[::2]]
    code = [f"`{one}`" for one in parts[1::2]]
    return "".join(a + b for a, b in zip(escaped, [*code, ""], strict=True))
