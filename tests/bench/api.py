"""The client's side of tempmail's HTTP and WebSocket, as little of it as the benchmarks need."""

from __future__ import annotations

import json
import urllib.request
from typing import NamedTuple
from urllib.parse import quote


class Inbox(NamedTuple):
    """A mailbox and the token that opens it."""

    address: str
    token: str


def create_mailbox(http: int) -> Inbox:
    """Make an anonymous mailbox on the daemon at 127.0.0.1:``http``."""
    request = urllib.request.Request(f"http://127.0.0.1:{http}/api/v1/mailboxes", method="POST")
    with urllib.request.urlopen(request, timeout=10) as response:
        answer = json.load(response)
    return Inbox(answer["address"], answer["session_token"])


def inbox_path(inbox: Inbox) -> str:
    """Return the path and query of the mailbox's WebSocket."""
    return f"/ws/inbox/{quote(inbox.address)}?token={quote(inbox.token)}"
