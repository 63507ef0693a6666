"""Words of others within our sentences."""

from __future__ import annotations

from tempmail.mail.storable import one_line

MAX_DOMAIN = 253


def quoted(text: str, limit: int = 100) -> str:
    """The beginning of what somebody else wrote, on one line that storage can hold."""
    line = one_line(text, limit + 1)
    return line if len(line) <= limit else line[: limit - 3] + "..."


def domain_in_words(name: str) -> str:
    """A domain as it may stand in a sentence."""
    return quoted(name, MAX_DOMAIN)
