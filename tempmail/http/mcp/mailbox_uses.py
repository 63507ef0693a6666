"""What the tools do: mailboxes made and ended, their mail listed, read and waited for."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from uuid import UUID

from twisted.internet.threads import deferToThreadPool

from tempmail.core.long_polls import Caught, LongPolls, Wanted
from tempmail.core.mailboxes import MailboxDesk, Wish
from tempmail.core.matching import matcher
from tempmail.core.reading import Reading
from tempmail.core.turns import Room
from tempmail.http.asked import CreateMailbox, ListMailboxes
from tempmail.http.cursors import Cursor
from tempmail.http.finishing import to_the_end
from tempmail.http.mcp import asked as asked
from tempmail.http.mcp import found as found
from tempmail.http.mcp.mail import code_of, message_of, summary_of
from tempmail.http.mcp.tools import Use
from tempmail.http.messages import one_or_latest
from tempmail.mail import hypertext
from tempmail.model import mailbox
from tempmail.model.account import Scope
from tempmail.model.errors import Forbidden, InvalidInput
from tempmail.model.mailbox import Owner, OwnerType, UserOwner
from tempmail.model.message import Message

_LISTED = 20


class MailboxUses:
    """:param reactor: for the thread in which the text of HTML is taken out, one after another;
    networks take turns at it.
    """

    def __init__(self, desk: MailboxDesk, reading: Reading, polls: LongPolls, reactor: Any) -> None:
        self._desk = desk
        self._reading = reading
        self._polls = polls
        self._reactor = reactor
        self._reducing = Room(1)

    async def create_mailbox(self, use: Use, given: CreateMailbox) -> found.Mailbox:
        wish = Wish(given.username, given.domain, given.style, given.ttl_minutes, given.client_id)
        owner = use.caller.owner
        assert isinstance(owner, UserOwner)
        made, _ = await to_the_end(self._desk.create(wish, use.network, owner, OwnerType.MCP))
        return _mailbox(made)

    async def list_mailboxes(self, use: Use, given: ListMailboxes) -> found.Mailboxes:
        owner = use.caller.owner
        assert isinstance(owner, UserOwner)
        below = None if given.cursor is None else Cursor.read(given.cursor).seq
        listed, further = await self._desk.of_user(owner, limit=given.limit, below=below)
        return found.Mailboxes(
            mailboxes=[_mailbox(one) for one in listed],
            next=None if further is None else Cursor(further, oldest_first=False).text(),
        )

    async def get_messages(self, use: Use, given: asked.GetMessages) -> found.Messages:
        start = _start(given)
        limit, unread = given.limit or _LISTED, bool(given.unread)
        upward = start is not None and start.oldest_first
        if start is not None and upward:
            listing = self._reading.since(
                given.address,
                _owner(use),
                limit=limit,
                after=start.seq,
                unread=unread,
                asker=use.network,
                words=given.q,
            )
        else:
            listing = self._reading.newest(
                given.address,
                _owner(use),
                limit=limit,
                before=None if start is None else start.seq,
                unread=unread,
                asker=use.network,
                words=given.q,
            )
        page = await to_the_end(listing)
        return found.Messages(
            notice=use.fence.notice,
            messages=[summary_of(one) for one in page.messages],
            next=None if page.cursor is None else Cursor(page.cursor, upward).text(),
        )

    async def read_message(self, use: Use, given: asked.ReadMessage) -> found.Message:
        which: UUID | None = one_or_latest(given.message_id)
        reading = self._reading.get(given.address, _owner(use), which, use.network, mark=False)
        return await self._shown(use, await to_the_end(reading), given.offset or 0)

    async def delete_mailbox(self, use: Use, given: asked.DeleteMailbox) -> found.Deleted:
        await to_the_end(self._desk.delete(given.address, _owner(use)))
        return found.Deleted(address=given.address)

    async def wait_for_message(
        self, use: Use, given: asked.WaitForMessage
    ) -> found.MessageWaitedFor:
        caught = await self._caught(use, given)
        shown = [await self._shown(use, one, 0) for one in caught.messages]
        return found.MessageWaitedFor(
            found=bool(shown), after=caught.after, message=shown[0] if shown else None
        )

    async def wait_for_code(self, use: Use, given: asked.WaitForCode) -> found.CodeWaitedFor:
        if not use.caller.scope.includes(Scope.READ):
            for name in ("subject", "body"):
                if getattr(given, name) is not None:
                    raise Forbidden(f"{name}: a key of scope codes may not ask for that")
        caught = await self._caught(use, given)
        for message in caught.messages:
            return code_of(message, caught.after, use.fence)
        return found.CodeWaitedFor(found=False, after=caught.after)

    async def _caught(self, use: Use, given: asked.WaitForMessage | asked.WaitForCode) -> Caught:
        wanted = Wanted(
            matcher(sender=given.sender, subject=given.subject, body=given.body, has=given.has),
            1,
            given.after or 0,
            given.timeout_seconds,
        )
        return await self._polls.wait(given.address, _owner(use), wanted, use.network)

    async def _shown(self, use: Use, message: Message, offset: int) -> found.Message:
        view = message.view
        assert view is not None
        text, of_html = view.body_text, False
        if not text.strip() and view.body_html:
            reducing = self._text_of(use, view.body_html)
            text = await self._reading.unless_gone(message.summary, reducing)
            of_html = True
        return message_of(message, text, offset, use.fence, of_html=of_html)

    async def _text_of(self, use: Use, html: str) -> str:
        """What one reads of it, found out beside the reactor: it may take 100 ms."""
        read: tuple[str, object] = await self._reducing.run(
            use.network,
            deferToThreadPool,
            self._reactor,
            self._reactor.getThreadPool(),
            hypertext.read,
            html,
        )
        return read[0].strip()


def _owner(use: Use) -> Owner:
    assert use.caller.owner is not None
    return use.caller.owner


def _start(given: asked.GetMessages) -> Cursor | None:
    if given.cursor is None:
        return None if given.after is None else Cursor(given.after, oldest_first=True)
    cursor = Cursor.read(given.cursor)
    if given.after is not None and not cursor.oldest_first:
        raise InvalidInput("cursor: of a list without 'after'; give one of the two")
    return cursor


def _mailbox(kept: mailbox.Mailbox) -> found.Mailbox:
    return found.Mailbox(
        address=kept.address,
        expires_at=kept.expires_at.astimezone(UTC),
        created_at=kept.created_at.astimezone(UTC),
        owner_type=kept.owner_type.value,
        message_count=kept.message_count,
        last_seq=kept.last_seq,
    )
