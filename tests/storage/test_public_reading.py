"""Reading public mailboxes, whose messages each have a time of their own."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from twisted.internet.defer import Deferred

from tempmail.model.errors import AddressUnavailable, NotFound
from tempmail.model.mailbox import Everybody
from tempmail.storage.recipients import PostgresRecipients
from tests.storage.case import MAIL, VIEW, MailboxCase, envelope, make_mailbox

SHARED = "shared@example.test"


class Reading(MailboxCase):
    def setUp(self) -> None:
        super().setUp()
        make_mailbox(self.connection, "shared", owner_type="public", session_token_hash=None)

    async def listed(self) -> list[int]:
        page = await self.messages.newest(SHARED, Everybody(), limit=9, before=None, unread=False)
        return [one.seq for one in page.messages]

    async def test_its_messages_are_listed_fetched_and_viewed(self) -> None:
        for _ in range(3):
            await self.ingest.store(envelope("shared"))
        assert await self.listed() == [3, 2, 1]
        page = await self.messages.since(SHARED, Everybody(), limit=1, after=1, unread=False)
        [second] = page.messages
        message, raw = await self.messages.fetch(second.mailbox_id, second.id, 1)
        assert (message.summary.seq, raw) == (2, MAIL)
        await self.messages.keep_view(second, VIEW)
        viewed, raw = await self.messages.fetch(second.mailbox_id, second.id, 1)
        assert (viewed.view is not None, raw) == (True, None)
        assert [one.seq for one in await self.messages.arrivals(second.mailbox_id, 1, 9)] == [2, 3]

    async def test_from_its_own_time_on_a_message_is_unreadable(self) -> None:
        for _ in range(2):
            await self.ingest.store(envelope("shared"))
        [(first,)] = self.query("SELECT id FROM messages WHERE seq = 1")
        self.query("UPDATE messages SET expires_at = clock_timestamp() WHERE seq = 1 RETURNING 1")
        assert await self.listed() == [2]
        mailbox = await self.mailboxes.get(SHARED, Everybody())
        fetching = self.messages.fetch(mailbox.id, UUID(first), 1)
        await self.assertFailure(Deferred.fromCoroutine(fetching), NotFound)

    async def test_those_that_live_into_the_next_hour_are_read_with_the_others(self) -> None:
        await self.ingest.store(envelope("shared"))
        mailbox = await self.mailboxes.get(SHARED, Everybody())
        for bucket in (mailbox.bucket, mailbox.bucket + timedelta(hours=1)):
            self.query("SELECT ensure_partition(%s)", bucket)
            self.query("UPDATE messages SET bucket = %s RETURNING 1", bucket)
            assert await self.listed() == [1]


class Claiming(MailboxCase):
    def setUp(self) -> None:
        super().setUp()
        self.recipients = PostgresRecipients(self.database)

    async def not_given(self, *, create: bool = True) -> None:
        claiming = self.recipients.claim(SHARED, create=create)
        await self.assertFailure(Deferred.fromCoroutine(claiming), AddressUnavailable)

    async def test_it_is_made_once_and_then_found(self) -> None:
        await self.not_given(create=False)
        assert await self.recipients.claim(SHARED, create=True)
        assert not await self.recipients.claim(SHARED, create=True)
        assert not await self.recipients.claim(SHARED, create=False)

    async def test_what_is_or_was_somebodys_own_is_not_claimed(self) -> None:
        mailbox = await self.create_for_another(SHARED)
        await self.not_given()
        self.query("UPDATE mailboxes SET is_active = false WHERE id = %s RETURNING 1", mailbox.id)
        self.query(
            "INSERT INTO tombstones (address_hash) VALUES (sha256(%s::bytea)) RETURNING 1", SHARED
        )
        await self.not_given()

    async def test_being_asked_for_prolongs_it_at_most_once_a_minute(self) -> None:
        await self.recipients.claim(SHARED, create=True)
        made = await self.mailboxes.get(SHARED, Everybody())
        await self.recipients.prolong(SHARED)
        assert (await self.mailboxes.get(SHARED, Everybody())).expires_at == made.expires_at
        self.query(
            "UPDATE mailboxes SET expires_at = expires_at - interval '2 minutes' RETURNING 1"
        )
        await self.recipients.prolong(SHARED)
        assert (await self.mailboxes.get(SHARED, Everybody())).expires_at > made.expires_at
