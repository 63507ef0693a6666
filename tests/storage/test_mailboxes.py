"""Mailboxes: made within the plan, opened by their own token alone, ended for good."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from twisted.internet.defer import Deferred, gatherResults

from tempmail.model.errors import (
    AddressUnavailable,
    LimitReached,
    NotFound,
    TempmailError,
    Unauthenticated,
)
from tempmail.model.mailbox import Mailbox, NewMailbox, OwnerType, SessionOwner
from tests.storage.case import MAIL, MailboxCase, failures, owner

BOX = "box@example.test"


class CreateTest(MailboxCase):
    async def test_a_new_mailbox_is_empty_and_lives_as_long_as_the_plan_says(self) -> None:
        made = await self.create()
        assert (made.address, made.owner_type) == (BOX, OwnerType.ANONYMOUS)
        assert (made.message_count, made.last_seq) == (0, 0)
        lifetime = made.expires_at - made.created_at
        assert abs(lifetime - timedelta(minutes=60)) < timedelta(seconds=1)
        assert made.expires_at < made.bucket <= made.expires_at + timedelta(hours=1)
        assert await self.mailboxes.get(BOX, owner("box")) == made

    async def test_a_lifetime_is_clamped_to_the_plan(self) -> None:
        made = await self.create(ttl_minutes=10**9)
        assert made.expires_at - made.created_at <= timedelta(minutes=1440)

    async def test_mail_reaches_a_mailbox_that_ends_far_ahead(self) -> None:
        self.query("UPDATE plans SET max_ttl_minutes = 43200")
        await self.create(ttl_minutes=43200)
        assert (await self.deliver()).seq == 1
        assert await self.messages.raw(BOX, owner("box"), None) == MAIL

    async def test_64_at_once_of_one_client_make_exactly_as_many_as_it_may(self) -> None:
        answers = [Deferred.fromCoroutine(self.create(f"box{n}")) for n in range(64)]
        assert await failures(answers) == [LimitReached] * 54
        assert self.query("SELECT count(*) FROM mailboxes") == [(10,)]

    async def test_the_limit_counts_each_network_for_itself(self) -> None:
        await gatherResults([Deferred.fromCoroutine(self.create(f"a{n}")) for n in range(10)])
        await self.create("other", client="2001:db8::/64")
        asked: Deferred[Any] = Deferred.fromCoroutine(self.create("a10"))
        refusal = await self.assertFailure(asked, LimitReached)
        assert 3500 < refusal.retry_after <= 3600, "when the first of them ends"

    async def test_what_was_deleted_or_has_expired_counts_no_more(self) -> None:
        await gatherResults([Deferred.fromCoroutine(self.create(f"a{n}")) for n in range(10)])
        await self.mailboxes.delete("a0@example.test", owner("a0"))
        await self.create("b0")
        self.expire("a1@%")
        await self.create("b1")
        await self.assertFailure(Deferred.fromCoroutine(self.create("b2")), LimitReached)

    async def test_without_a_limit_there_is_none(self) -> None:
        self.query("UPDATE plans SET max_mailboxes = -1")
        await gatherResults([Deferred.fromCoroutine(self.create(f"a{n}")) for n in range(12)])

    async def test_of_many_who_ask_for_one_address_one_gets_it(self) -> None:
        answers = [Deferred.fromCoroutine(self.create_for_another(BOX)) for _ in range(16)]
        assert await failures(answers) == [AddressUnavailable] * 15

    async def test_an_expired_address_goes_to_nobody_before_it_was_swept(self) -> None:
        await self.create()
        self.expire()
        await self.assertFailure(
            Deferred.fromCoroutine(self.create_for_another(BOX)), AddressUnavailable
        )

    async def test_a_deleted_address_goes_to_nobody_from_that_moment_on(self) -> None:
        await self.create()
        await self.mailboxes.delete(BOX, owner("box"))
        await self.assertFailure(
            Deferred.fromCoroutine(self.create_for_another(BOX)), AddressUnavailable
        )
        assert self.query("SELECT count(*) FROM mailboxes WHERE is_active") == [(0,)]

    async def test_a_mailbox_that_ends_while_its_address_is_asked_for_gives_it_to_nobody(
        self,
    ) -> None:
        await self.create()
        session = self.connect()
        session.autocommit = False
        with session.cursor() as cursor:  # a deletion that has yet to commit
            cursor.execute(
                "WITH gone AS (UPDATE mailboxes SET is_active = false RETURNING address)"
                " INSERT INTO tombstones SELECT sha256(address::bytea) FROM gone"
            )
        asked = Deferred.fromCoroutine(self.create_for_another(BOX))
        await self.until("EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'transactionid')")
        session.commit()
        await self.assertFailure(asked, AddressUnavailable)

    async def test_after_the_days_of_a_tombstone_an_address_is_free(self) -> None:
        await self.create()
        await self.mailboxes.delete(BOX, owner("box"))
        self.query("UPDATE tombstones SET released_at = released_at - interval '30 days'")
        await self.create_for_another(BOX)


class OwnershipTest(MailboxCase):
    def calls(self, address: str, who: str, which: UUID) -> list[Deferred[object]]:
        """Everything that an owner can do with a mailbox."""
        mine, boxes, mails = owner(who), self.mailboxes, self.messages
        return [
            Deferred.fromCoroutine(call)
            for call in (
                boxes.get(address, mine),
                boxes.extend(address, mine, 90),
                mails.newest(address, mine, limit=9, before=None, unread=False),
                mails.newest(address, mine, limit=9, before=9, unread=True),
                mails.since(address, mine, limit=9, after=0, unread=False),
                mails.get(address, mine, None),
                mails.get(address, mine, which),
                mails.raw(address, mine, None),
                mails.raw(address, mine, which),
                mails.delete(address, mine, which),
                mails.empty(address, mine),
                boxes.delete(address, mine),
            )
        ]

    async def all_fail(self, calls: list[Deferred[object]], how: type[TempmailError]) -> None:
        assert await failures(calls) == [how] * len(calls)

    async def a_message(self) -> UUID:
        await self.create("box")
        identity = (await self.deliver("box")).message_id
        assert identity is not None
        return identity

    async def test_the_token_of_one_mailbox_never_opens_another(self) -> None:
        identity = await self.a_message()
        await self.create("mine")
        await self.all_fail(self.calls(BOX, "mine", identity), NotFound)
        await self.all_fail(self.calls("nobody@example.test", "mine", identity), NotFound)
        await self.unharmed()

    async def test_a_token_that_was_never_issued_opens_nothing(self) -> None:
        identity = await self.a_message()
        await self.all_fail(self.calls(BOX, "stranger", identity), Unauthenticated)
        await self.unharmed()

    async def test_the_ids_of_another_mailbox_s_messages_are_not_found_in_one_s_own(self) -> None:
        identity = await self.a_message()
        await self.create("mine")
        await self.deliver("mine")
        mine, address = owner("mine"), "mine@example.test"
        for call in (self.messages.get, self.messages.raw, self.messages.delete):
            answer = Deferred.fromCoroutine(call(address, mine, identity))
            await self.assertFailure(answer, NotFound)
        await self.unharmed()

    async def test_a_deleted_mailbox_is_not_found_from_that_moment_on(self) -> None:
        identity = await self.a_message()
        await self.mailboxes.delete(BOX, owner("box"))
        await self.all_fail(self.calls(BOX, "box", identity), NotFound)
        assert (await self.deliver("box")).verdict == "unknown"

    async def test_nothing_is_readable_after_its_time_though_nobody_sweeps(self) -> None:
        identity = await self.a_message()
        self.expire()
        await self.all_fail(self.calls(BOX, "box", identity), NotFound)
        ((mailbox_id,),) = self.query("SELECT id FROM mailboxes")
        answer = Deferred.fromCoroutine(self.messages.arrivals(mailbox_id, 0, 9))
        await self.assertFailure(answer, NotFound)
        assert (await self.deliver("box")).verdict == "unknown"
        assert self.query("SELECT is_active FROM mailboxes") == [(True,)], "nobody swept"

    async def test_an_address_that_no_mailbox_can_have_is_not_found(self) -> None:
        await self.create("mine")
        for address in ("\0", "\udc80@example.test", "x" * 100_000, "'; --", "%", ""):
            answer = Deferred.fromCoroutine(self.mailboxes.get(address, owner("mine")))
            await self.assertFailure(answer, NotFound)

    async def unharmed(self) -> None:
        page = await self.messages.newest(BOX, owner("box"), limit=9, before=None, unread=True)
        assert len(page.messages) == 1


class ExtendTest(MailboxCase):
    async def test_it_counts_from_now_and_may_shorten(self) -> None:
        made = await self.create(ttl_minutes=600)
        shorter = await self.mailboxes.extend(BOX, owner("box"), 5)
        lifetime = shorter.expires_at - made.created_at
        assert timedelta(minutes=5) <= lifetime < timedelta(minutes=5, seconds=10)
        longer = await self.mailboxes.extend(BOX, owner("box"), 10**6)
        assert (
            timedelta(0)
            <= longer.expires_at - made.created_at - timedelta(days=1)
            < timedelta(seconds=10)
        )

    async def test_its_messages_move_with_it_whole(self) -> None:
        await self.create()
        sent = [f"Subject: {n}\r\n\r\n".encode() + b"x" * 3000 * n for n in range(5)]
        for raw in sent:
            await self.deliver(raw=raw)
        before = await self.everything()
        extended = await self.mailboxes.extend(BOX, owner("box"), 600)
        assert self.query("SELECT DISTINCT bucket, expires_at FROM messages") == [
            (extended.bucket, extended.expires_at)
        ]
        assert await self.everything() == before == sent

    async def test_nothing_is_lost_under_deliveries_and_reads_at_the_same_time(self) -> None:
        self.query("UPDATE plans SET max_messages_per_mailbox = -1")
        await self.create()
        stored: list[int] = []
        stopped = False

        async def deliver() -> None:
            while not stopped:
                placement = await self.deliver()
                assert placement.seq is not None
                stored.append(placement.seq)

        async def read() -> int:
            reads = 0
            while not stopped:
                known = set(stored)
                page = await self.messages.since(
                    BOX, owner("box"), limit=10_000, after=0, unread=False
                )
                assert known <= {one.seq for one in page.messages}
                newest = await self.messages.get(BOX, owner("box"), None)
                assert newest.summary.seq >= max(known, default=0)
                reads += 1
            return reads

        async def extend() -> set[object]:
            buckets: set[object] = set()
            for turn in range(12):
                ttl = (60, 300, 600)[turn % 3]
                buckets.add((await self.mailboxes.extend(BOX, owner("box"), ttl)).bucket)
            nonlocal stopped
            stopped = True
            return buckets

        await self.deliver()
        stored.append(1)
        work = (deliver(), deliver(), read(), extend())
        outcomes: list[object] = await gatherResults([Deferred.fromCoroutine(one) for one in work])
        assert isinstance(outcomes[2], int)
        assert outcomes[2] > 2
        assert isinstance(outcomes[3], set)
        assert len(outcomes[3]) == 3
        assert sorted(stored) == list(range(1, len(stored) + 1))
        assert self.query(
            "SELECT count(*), count(DISTINCT seq), min(bucket) = max(bucket) FROM messages"
        ) == [(len(stored), len(stored), True)]
        assert self.query("SELECT message_count, last_seq FROM mailboxes") == [
            (len(stored), len(stored))
        ]

    async def everything(self) -> list[bytes]:
        page = await self.messages.since(BOX, owner("box"), limit=200, after=0, unread=False)
        return [await self.messages.raw(BOX, owner("box"), one.id) for one in page.messages]


class DeleteTest(MailboxCase):
    async def test_it_says_which_mailbox_ended(self) -> None:
        made = await self.create()
        ended = await self.mailboxes.delete(BOX, owner("box"))
        assert isinstance(ended, Mailbox)
        assert ended.id == made.id

    async def test_the_digest_of_the_address_is_all_that_stays(self) -> None:
        await self.create()
        await self.mailboxes.delete(BOX, owner("box"))
        assert self.query(
            "SELECT address_hash = sha256('box@example.test'), session_token_hash = %s"
            " FROM tombstones",
            owner("box").token_hash,
        ) == [(True, True)]

    async def test_another_network_may_not_have_it_with_the_old_token_either(self) -> None:
        await self.create()
        await self.mailboxes.delete(BOX, owner("box"))
        new = NewMailbox(BOX, SessionOwner(b"n" * 32), OwnerType.ANONYMOUS, None, "192.0.2.9")
        await self.assertFailure(
            Deferred.fromCoroutine(self.mailboxes.create(new)), AddressUnavailable
        )
