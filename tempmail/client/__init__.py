"""What a user's own program imports: clients of a tempmail server, and a pytest plugin.

    from tempmail.client import Client

    with Client("http://127.0.0.1:8080") as client, client.create() as mailbox:
        sign_up(mailbox.address)
        code = mailbox.code(subject="welcome", timeout=20)

Nothing of the daemon is imported here, and httpx only where a client is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tempmail.client.errors import (
    BadAnswer,
    Conflict,
    Error,
    Forbidden,
    Interrupted,
    InvalidRequest,
    LimitReached,
    NotFound,
    Problem,
    Timeout,
    Unauthenticated,
    Unavailable,
    Unreachable,
)
from tempmail.client.models import (
    Attachment,
    Code,
    Envelope,
    Event,
    Header,
    Link,
    MailboxInfo,
    Message,
    Summary,
)

if TYPE_CHECKING:
    from tempmail.client.asynchronous import AsyncClient, AsyncMailbox
    from tempmail.client.sync import Client, Mailbox

__all__ = [
    "AsyncClient",
    "AsyncMailbox",
    "Attachment",
    "BadAnswer",
    "Client",
    "Code",
    "Conflict",
    "Envelope",
    "Error",
    "Event",
    "Forbidden",
    "Header",
    "Interrupted",
    "InvalidRequest",
    "LimitReached",
    "Link",
    "Mailbox",
    "MailboxInfo",
    "Message",
    "NotFound",
    "Problem",
    "Summary",
    "Timeout",
    "Unauthenticated",
    "Unavailable",
    "Unreachable",
]

if not TYPE_CHECKING:  # else every name would pass for one of ours

    def __getattr__(name: str) -> Any:
        """The clients, once they are asked for (PEP 562): they need httpx."""
        module = {
            "AsyncClient": "asynchronous",
            "AsyncMailbox": "asynchronous",
            "Client": "sync",
            "Mailbox": "sync",
        }.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            return getattr(import_module(f"{__name__}.{module}"), name)
        except ModuleNotFoundError as error:
            if error.name != "httpx":
                raise
            raise ModuleNotFoundError(
                f"tempmail.client.{name} needs httpx: install tempmail with its extra 'client', "
                "or pip install httpx",
                name="httpx",
            ) from None
