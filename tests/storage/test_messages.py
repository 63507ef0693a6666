"""Messages of one mailbox: the bytes that came, in order, whole lists, and what is kept."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from attrs import evolve
from twisted.internet.defer import Deferred, gatherResults

from tempmail.model.errors import NotFound
from tempmail.model.event import Event, EventKind
from tempmail.model.mailbox import Mailbox
from tempmail.model.message import Summary
from tempmail.storage.message_ids import message_ids
from tests.storage.case import MAIL, VIEW, MailboxCase, owner

BOX = "box@example.test"
MINE = owner("box")


class MessagesCase(MailboxCase):
    mailbox: Mailbox

    async def a_mailbox(self, messages: int = 0) -> list[UUID]:
        """Make the box with so many messages; their ids."""
        self.query("UPDATE plans SET max_messages_per_mailbox = -1")
        self.mailbox = await self.create()
        stored = await gatherResults(
            [Deferred.fromCoroutine(self.deliver()) for _ in range(messages)]
        )
        return [one.message_id for one in stored if one.message_id is not None]

    async def summaries(self) -> list[Summary]:
        page = await self.messages.newest(BOX, MINE, limit=200, before=None, unread=False)
        assert page.cursor is None
        return list(page.messages)


class RawTest(MessagesCase):
    async def test_the_bytes_that_came_are_the_bytes_that_go(self) -> None:
        await self.a_mailbox()
        noise = os.urandom(64 * 1024)
        for size in (0, 1, 2048, 64 * 1024, 64 * 1024 + 1, 256 * 1024, 300_000, 1 << 20):
            raw = (noise * (size // len(noise) + 1))[:size]
            identity = (await self.deliver(raw=raw)).message_id
            assert await self.messages.raw(BOX, MINE, identity) == raw
            assert await self.messages.raw(BOX, MINE, None) == raw
            assert (await self.messages.get(BOX, MINE, None)).summary.size == size

    async def test_25_mb_come_back_whole(self) -> None:
        self.query("UPDATE plans SET max_message_bytes = 26214400")
        await self.a_mailbox()
        raw = os.urandom(25 * 1024 * 1024)
        identity = (await self.deliver(raw=raw)).message_id
        assert await self.messages.raw(BOX, MINE, identity) == raw


class ListTest(MessagesCase):
    async def test_a_summary_says_what_was_found_at_arrival(self) -> None:
        (identity,) = await self.a_mailbox(1)
        (found,) = await self.summaries()
        assert found == Summary(
            id=identity,
            seq=1,
            mailbox_id=self.mailbox.id,
            bucket=self.mailbox.bucket,
            to_address=BOX,
            tag="",
            subject="Hello",
            from_address="ann@sender.test",
            from_name="Ann",
            received_at=found.received_at,
            size=len(MAIL),
            is_read=False,
            preview=None,
            attachment_count=None,
            parser_version=None,
        )
        assert found.received_at.tzinfo is not None

    async def test_newest_first_is_complete_and_without_doubles_while_mail_arrives(self) -> None:
        await self.a_mailbox(23)
        found: list[int] = []
        before: int | None = None
        while True:
            page = await self.messages.newest(BOX, MINE, limit=5, before=before, unread=False)
            assert len(page.messages) <= 5
            found += [one.seq for one in page.messages]
            if page.cursor is None:
                break
            before = page.cursor
            await self.deliver()
        assert found == list(range(23, 0, -1))

    async def test_oldest_first_also_finds_what_arrived_meanwhile(self) -> None:
        await self.a_mailbox(7)
        found: list[int] = []
        after, arriving = 2, 3
        while True:
            page = await self.messages.since(BOX, MINE, limit=2, after=after, unread=False)
            found += [one.seq for one in page.messages]
            if page.cursor is None:
                break
            after = page.cursor
            if arriving:
                arriving -= 1
                await self.deliver()
                await self.deliver()
        assert found == list(range(3, 14))

    async def test_a_page_that_ends_with_the_last_message_is_the_last(self) -> None:
        await self.a_mailbox(4)
        page = await self.messages.newest(BOX, MINE, limit=4, before=None, unread=False)
        assert (len(page.messages), page.cursor) == (4, None)
        page = await self.messages.newest(BOX, MINE, limit=3, before=None, unread=False)
        assert (len(page.messages), page.cursor) == (3, 2)

    async def test_only_unread_ones_where_those_are_asked_for(self) -> None:
        ids = await self.a_mailbox(4)
        await self.messages.get(BOX, MINE, ids[1])
        page = await self.messages.newest(BOX, MINE, limit=9, before=None, unread=True)
        assert [one.seq for one in page.messages] == [4, 3, 1]
        page = await self.messages.since(BOX, MINE, limit=9, after=1, unread=True)
        assert [one.seq for one in page.messages] == [3, 4]

    async def test_arrivals_are_events_in_the_order_of_commit(self) -> None:
        ids = await self.a_mailbox(4)
        found = await self.messages.arrivals(self.mailbox.id, 1, 2)
        assert found == [
            Event(EventKind.NEW_MESSAGE, self.mailbox.id, ids[1], 2),
            Event(EventKind.NEW_MESSAGE, self.mailbox.id, ids[2], 3),
        ]


class GetTest(MessagesCase):
    async def test_it_is_marked_as_read_and_says_so(self) -> None:
        (identity,) = await self.a_mailbox(1)
        assert (await self.messages.get(BOX, MINE, identity)).summary.is_read
        assert (await self.messages.get(BOX, MINE, identity)).summary.is_read
        assert [one.is_read for one in await self.summaries()] == [True]

    async def test_the_newest_is_the_one_that_was_committed_last(self) -> None:
        ids = await self.a_mailbox(3)
        found = await self.messages.get(BOX, MINE, None)
        assert found.summary.id == ids[-1]
        assert (found.trace.helo, found.trace.peer_ip, found.view) == (
            "client.test", "127.0.0.1", None,
        )  # fmt: skip

    async def test_what_is_not_there_is_not_found(self) -> None:
        await self.a_mailbox()
        for which in (None, uuid4(), UUID(int=0), UUID(int=2**128 - 1)):
            for call in (self.messages.get, self.messages.raw):
                await self.assertFailure(Deferred.fromCoroutine(call(BOX, MINE, which)), NotFound)

    async def test_an_id_with_the_right_number_and_other_noise_is_not_found(self) -> None:
        await self.a_mailbox(1)
        (guess,) = message_ids([1])
        for call in (self.messages.get, self.messages.raw, self.messages.delete):
            await self.assertFailure(Deferred.fromCoroutine(call(BOX, MINE, guess)), NotFound)


class ViewTest(MessagesCase):
    async def test_a_view_comes_back_as_it_was_kept(self) -> None:
        await self.a_mailbox(1)
        view = evolve(VIEW, date=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC))
        await self.messages.keep_view((await self.summaries())[0], view)
        found = await self.messages.get(BOX, MINE, None)
        assert found.view == view
        (summary,) = await self.summaries()
        assert (summary.subject, summary.preview) == ("Grüße", "a text")
        assert (summary.attachment_count, summary.parser_version) == (1, 7)

    async def test_the_view_of_a_message_that_is_gone_is_let_go(self) -> None:
        (identity,) = await self.a_mailbox(1)
        (summary,) = await self.summaries()
        await self.messages.delete(BOX, MINE, identity)
        await self.messages.keep_view(summary, VIEW)
        self.query("DELETE FROM mailboxes")
        await self.messages.keep_view(summary, VIEW)
        self.query("ALTER TABLE messages DETACH PARTITION " + self.partition())
        await self.messages.keep_view(summary, VIEW)
        assert self.query("SELECT count(*) FROM messages") == [(0,)]

    async def test_a_view_finds_its_message_in_the_bucket_that_it_moved_to(self) -> None:
        await self.a_mailbox(1)
        (summary,) = await self.summaries()
        moved = await self.mailboxes.extend(BOX, MINE, 600)
        assert moved.bucket != summary.bucket
        await self.messages.keep_view(summary, VIEW)
        assert (await self.messages.get(BOX, MINE, None)).view == VIEW

    async def test_a_view_that_is_kept_while_its_message_moves_is_kept(self) -> None:
        await self.a_mailbox(1)
        (summary,) = await self.summaries()
        for turn in range(20):
            calls: list[Deferred[Any]] = [
                Deferred.fromCoroutine(self.mailboxes.extend(BOX, MINE, (60, 600)[turn % 2])),
                Deferred.fromCoroutine(
                    self.messages.keep_view(summary, evolve(VIEW, parser_version=turn))
                ),
                Deferred.fromCoroutine(self.messages.get(BOX, MINE, None)),
            ]
            await gatherResults(calls)
            assert [one.parser_version for one in await self.summaries()] == [turn]

    def partition(self) -> str:
        return f"messages_{self.mailbox.bucket.astimezone(UTC):%Y%m%d%H}"


class DeleteTest(MessagesCase):
    async def test_one_goes_and_makes_room_for_one(self) -> None:
        ids = await self.a_mailbox(3)
        event = await self.messages.delete(BOX, MINE, ids[1])
        assert event == Event(EventKind.DELETED, self.mailbox.id, ids[1], 1)
        assert [one.seq for one in await self.summaries()] == [3, 1]
        assert self.query("SELECT message_count, last_seq FROM mailboxes") == [(2, 3)]
        await self.assertFailure(
            Deferred.fromCoroutine(self.messages.delete(BOX, MINE, ids[1])), NotFound
        )
        assert self.query("SELECT message_count FROM mailboxes") == [(2,)]

    async def test_emptying_takes_all_that_was_there_and_keeps_the_count_of_commits(self) -> None:
        await self.a_mailbox(3)
        event = await self.messages.empty(BOX, MINE)
        assert event == Event(EventKind.DELETED, self.mailbox.id, None, 3)
        assert await self.summaries() == []
        assert self.query("SELECT message_count, last_seq FROM mailboxes") == [(0, 3)]
        assert (await self.deliver()).seq == 4

    async def test_emptying_a_large_mailbox_goes_in_steps_to_the_end(self) -> None:
        await self.a_mailbox(1)
        self.query(
            "INSERT INTO messages (id, mailbox_id, seq, bucket, expires_at, size, mail_from,"
            "  rcpt_to, tag, helo, peer_ip, from_address, from_name, subject, raw)"
            " SELECT gen_random_uuid(), mailbox_id, s, bucket, expires_at, size, mail_from,"
            "  rcpt_to, tag, helo, peer_ip, from_address, from_name, subject, raw"
            " FROM messages, generate_series(2, 4500) s"
        )
        self.query("UPDATE mailboxes SET message_count = 4500, last_seq = 4500")
        await self.messages.empty(BOX, MINE)
        assert self.query("SELECT count(*) FROM messages") == [(0,)]
        assert self.query("SELECT message_count FROM mailboxes") == [(0,)]

    async def test_the_count_is_exact_after_deliveries_deletions_and_extensions_at_once(
        self,
    ) -> None:
        ids = await self.a_mailbox(30)

        async def deliver() -> None:
            for _ in range(20):
                await self.deliver()

        async def delete(some: list[UUID]) -> None:
            for identity in some:
                await self.messages.delete(BOX, MINE, identity)

        async def extend() -> None:
            for turn in range(10):
                await self.mailboxes.extend(BOX, MINE, (60, 600)[turn % 2])

        work = (deliver(), deliver(), delete(ids[:10]), delete(ids[10:20]), extend())
        await gatherResults([Deferred.fromCoroutine(one) for one in work])
        assert self.query("SELECT message_count FROM mailboxes") == [(50,)]
        assert self.query("SELECT count(*), count(DISTINCT bucket) FROM messages") == [(50, 1)]
