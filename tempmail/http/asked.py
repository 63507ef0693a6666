"""The shapes of what is asked about mailboxes and messages, as clients see them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Struct, field

from tempmail.core.matching import MAX_EXPRESSION
from tempmail.http.described import described

_Minutes = Annotated[
    int, described("Minutes from now, at most what the plan allows", 60, ge=1, le=2**63 - 1)
]
_Username = Annotated[str, described("What stands before the @", "happy-tiger", max_length=253)]
_Domain = Annotated[str, described("One of this service's; the first of them", max_length=253)]
_Style = Annotated[
    Literal["words", "hex"],
    described("Of a name that we choose: `happy-tiger-42`, or 8 hex digits", "words"),
]
_ClientId = Annotated[
    str,
    described(
        "What you call this request: sent again, it gives the same mailbox while that lives",
        "ci-run-1841",
        min_length=1,
        max_length=128,
    ),
]
_Limit = Annotated[int, described("How many at the most", 20, ge=1, le=200)]
_Cursor = Annotated[str, described("What the last page's `next` held", max_length=64)]
_After = Annotated[
    int,
    described("A sequence number: what has a higher one, oldest first", ge=0, le=2**63 - 1),
]
_Words = Annotated[
    str,
    described(
        'Words in subject, sender or text: all of them, `"a phrase"`, `or`, `-not`',
        "verification code",
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00]*$",
    ),
]
_PATTERN = "a substring in any case, or `/pattern/` in RE2's syntax"
_Sender = Annotated[
    str,
    described(
        f"In its sender's address or name: {_PATTERN}",
        "shop.example",
        min_length=1,
        max_length=MAX_EXPRESSION,
    ),
]
_Subject = Annotated[
    str,
    described(f"In its subject: {_PATTERN}", "/code/i", min_length=1, max_length=MAX_EXPRESSION),
]
_Body = Annotated[
    str, described(f"In its text: {_PATTERN}", min_length=1, max_length=MAX_EXPRESSION)
]
_Has = Annotated[Literal["code", "link"], described("What it must have", "code")]
_Count = Annotated[
    int,
    described(
        "Wait for so many, and answer with a list; past 4 MiB of text, HTML and headers the further"
        " ones come without theirs, as their `defects` say",
        ge=1,
        le=20,
    ),
]
_Token = Annotated[str, described("The session token that making the mailbox gave")]
_ApiKey = Annotated[str, described("An API key")]
_Ticket = Annotated[str, described("What `POST /api/v1/tickets` gave, good for one use")]


class CreateMailbox(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a new mailbox should be; what is left out is chosen."""

    ttl_minutes: _Minutes | None = None
    username: _Username | None = None
    domain: _Domain | None = None
    style: _Style = "words"
    client_id: _ClientId | None = None


class ListMailboxes(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which of an account's mailboxes to list."""

    limit: _Limit = 50
    cursor: _Cursor | None = None


class ExtendMailbox(Struct, forbid_unknown_fields=True, kw_only=True):
    """How long from now a mailbox should live."""

    ttl_minutes: _Minutes


class ListMessages(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which messages to list: newest first, or oldest first from ``after`` on."""

    limit: _Limit = 50
    cursor: _Cursor | None = None
    after: _After | None = None
    unread: Annotated[bool, described("Only those that nobody has read")] = False
    q: _Words | None = None


class WaitForMessages(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to wait for, and for how many seconds."""

    timeout: Annotated[float, described("Seconds, less than 1 being 1", 30, ge=0, le=120)] = 30
    after: _After = 0
    sender: _Sender | None = field(default=None, name="from")
    subject: _Subject | None = None
    body: _Body | None = None
    has: _Has | None = None
    count: _Count | None = None


class FollowEvents(Struct, forbid_unknown_fields=True, kw_only=True):
    """From where on to follow a mailbox; credentials for those who cannot set headers."""

    after: _After | None = None
    token: _Token | None = None
    api_key: _ApiKey | None = None
    ticket: _Ticket | None = None
