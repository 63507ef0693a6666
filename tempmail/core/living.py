"""What was read and took its time is looked for once more before it is shown: gone means gone."""

from __future__ import annotations

from tempmail.core.ports import Messages
from tempmail.model.errors import NotFound
from tempmail.model.message import Received, Summary


async def check_lives(messages: Messages, one: Summary | Received) -> None:
    """:raises NotFound: the message was deleted meanwhile, or its mailbox has ended."""
    there = await messages.arrivals(one.mailbox_id, one.seq - 1, 1)
    if [each.message_id for each in there] != [one.id]:
        raise NotFound("the message is gone")
