"""Reading with the bucket remembered: what one statement finds is what two would have found."""

from __future__ import annotations

from unittest import mock

from twisted.internet.defer import Deferred

from tempmail.model.errors import NotFound, Unauthenticated
from tests.storage.case import VIEW, MailboxCase, owner

ADDRESS = "box@example.test"


class RememberedTest(MailboxCase):
    async def fill(self) -> None:
        """A mailbox with two messages, whose bucket is remembered."""
        await self.create()
        for _ in range(2):
            await self.deliver()
        page = await self.messages.newest(ADDRESS, owner("box"), limit=9, before=None, unread=False)
        for one in page.messages:
            await self.messages.keep_view(one, VIEW)

    async def seqs(self, whose: str = "box") -> list[int]:
        page = await self.messages.newest(ADDRESS, owner(whose), limit=9, before=None, unread=False)
        return [one.seq for one in page.messages]

    async def test_lists_and_messages_need_no_transaction(self) -> None:
        await self.fill()
        with mock.patch.object(self.database, "run", side_effect=AssertionError):
            assert await self.seqs() == [2, 1]
            page = await self.messages.since(ADDRESS, owner("box"), limit=1, after=0, unread=True)
            assert ([one.seq for one in page.messages], page.cursor) == ([1], 1)
            message = await self.messages.get(ADDRESS, owner("box"), None, mark=False)
        assert message.summary.seq == 2
        assert message.view == VIEW

    async def test_an_empty_page_is_one_all_the_same(self) -> None:
        await self.fill()
        with mock.patch.object(self.database, "run", side_effect=AssertionError):
            page = await self.messages.since(ADDRESS, owner("box"), limit=9, after=2, unread=False)
        assert (page.messages, page.cursor) == ([], None)

    async def test_after_it_has_moved_everything_is_found_where_it_is_now(self) -> None:
        await self.fill()
        await self.mailboxes.extend(ADDRESS, owner("box"), 600)
        assert await self.seqs() == [2, 1]
        await self.mailboxes.extend(ADDRESS, owner("box"), 60)
        assert (await self.messages.get(ADDRESS, owner("box"), None)).summary.seq == 2

    async def test_another_and_whoever_comes_late_find_nothing(self) -> None:
        await self.fill()
        await self.create("other")
        await self.assertFailure(Deferred.fromCoroutine(self.seqs("other")), NotFound)
        await self.assertFailure(Deferred.fromCoroutine(self.seqs("stranger")), Unauthenticated)
        self.expire()
        await self.assertFailure(Deferred.fromCoroutine(self.seqs()), NotFound)
