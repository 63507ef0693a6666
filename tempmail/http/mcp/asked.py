"""The shapes of what agents ask the tools for, as they see them.

Null counts as left out: some models fill every field.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Struct, field

from tempmail.core.matching import MAX_EXPRESSION
from tempmail.http.described import described

_Address = Annotated[
    str, described("The mailbox's address", "happy-tiger-42@example.org", max_length=320)
]
_PATTERN = "a part of it in any case, or `/pattern/` in RE2's syntax"
_Sender = Annotated[
    str,
    described(
        f"Only mail whose sender's address or name has this: {_PATTERN}",
        "shop.example",
        min_length=1,
        max_length=MAX_EXPRESSION,
    ),
]
_Subject = Annotated[
    str,
    described(
        f"Only mail whose subject has this: {_PATTERN}",
        "verify",
        min_length=1,
        max_length=MAX_EXPRESSION,
    ),
]
_Body = Annotated[
    str,
    described(
        f"Only mail whose text has this: {_PATTERN}", min_length=1, max_length=MAX_EXPRESSION
    ),
]
_After = Annotated[
    int,
    described(
        "Only mail with a sequence number above this, such as the `after` of the last answer;"
        " 0 is all that is there already",
        ge=0,
        le=2**53 - 1,
    ),
]
_Seconds = Annotated[
    int, described("How long to wait at the most; calling again goes on", ge=1, le=120)
]


class GetMessages(Struct, forbid_unknown_fields=True, kw_only=True):
    address: _Address
    limit: Annotated[int, described("How many at the most", ge=1, le=50)] | None = None
    cursor: Annotated[str, described("The `next` of the last page", max_length=64)] | None = None
    after: (
        Annotated[
            int,
            described(
                "A sequence number: those with a higher one, oldest first; else newest first",
                ge=0,
                le=2**53 - 1,
            ),
        ]
        | None
    ) = None
    unread: Annotated[bool, described("Only those that no person has read")] | None = None
    q: (
        Annotated[
            str,
            described(
                'Words in subject, sender or text: all of them, `"a phrase"`, `or`, `-not`',
                min_length=1,
                max_length=200,
                pattern=r"^[^\x00]*$",
            ),
        ]
        | None
    ) = None


class ReadMessage(Struct, forbid_unknown_fields=True, kw_only=True):
    address: _Address
    message_id: Annotated[
        str, described("A message's `id`, or `latest` for the newest", "latest", max_length=64)
    ] = "latest"
    offset: (
        Annotated[
            int,
            described(
                "Where in the text to begin: the `next_offset` of the last answer",
                ge=0,
                le=2**31 - 1,
            ),
        ]
        | None
    ) = None


class DeleteMailbox(Struct, forbid_unknown_fields=True, kw_only=True):
    address: _Address


class WaitForMessage(Struct, forbid_unknown_fields=True, kw_only=True):
    address: _Address
    sender: _Sender | None = field(default=None, name="from")
    subject: _Subject | None = None
    body: _Body | None = None
    has: (
        Annotated[Literal["code", "link"], described("Only mail with a code, or a link")] | None
    ) = None
    after: _After | None = None
    timeout_seconds: _Seconds = 50


class WaitForCode(Struct, forbid_unknown_fields=True, kw_only=True):
    address: _Address
    sender: _Sender | None = field(default=None, name="from")
    subject: _Subject | None = None
    body: _Body | None = None
    has: Annotated[
        Literal["code", "link"],
        described("`link` waits for a link to confirm or sign in with, instead of a code"),
    ] = "code"
    after: _After | None = None
    timeout_seconds: _Seconds = 50
