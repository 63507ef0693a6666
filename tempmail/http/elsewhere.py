"""What is served beside Klein, as the OpenAPI document shows it."""

from __future__ import annotations

from tempmail.http.answers import Answer
from tempmail.http.asked import FollowEvents
from tempmail.http.routes import Access, Ask, Returns, Route


async def _by_another(_: Ask[FollowEvents], address: str) -> Answer:
    raise AssertionError(f"/ws/inbox/{address} is mounted, see api.py")


WEBSOCKET = Route(
    "GET",
    "/ws/inbox/<address>",
    _by_another,
    "Follow a mailbox by WebSocket",
    Access.CODES,
    query=FollowEvents,
    returns={
        101: Returns(
            description='A WebSocket.  Its frames: `{"event": "new_message", "message_id", "seq"}`;'
            ' `{"event": "deleted", "message_id"}`, null where the mailbox was emptied;'
            ' `{"event": "ping"}` every 30 seconds; `{"event": "expired"}`, and then a close.'
            " Who reads too slowly is closed with 4408; nothing is lost, for `after` resumes"
        )
    },
    credential_in_query=True,
    name="open_websocket",
)
