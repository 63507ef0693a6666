from __future__ import annotations

from tempmail.core.ports import News, Place
from tempmail.model.event import Event, EventKind
from tempmail.storage.rounds import _NEWS, PostgresRounds
from tempmail.storage.sweeping import PostgresHousekeeping
from tests.storage.case import MailboxCase, owner

BOX, MINE = "box@example.test", owner("box")


class MeetTest(MailboxCase):
    def setUp(self) -> None:
        super().setUp()
        self.one, self.other = PostgresRounds(self.database), PostgresRounds(self.database)

    async def test_who_is_alone_meets_nobody(self) -> None:
        assert await self.one.meet(True) == (frozenset(), True)
        assert await self.one.meet(True) == (frozenset(), True)

    async def test_daemons_see_each_other_and_whether_all_are_heard(self) -> None:
        await self.one.meet(False)
        assert await self.other.meet(True) == (frozenset({self.one.name}), False)
        assert await self.one.meet(True) == (frozenset({self.other.name}), True)
        assert await self.other.meet(True) == (frozenset({self.one.name}), True)

    async def test_who_has_left_is_not_there(self) -> None:
        await self.one.meet(True)
        await self.one.leave()
        assert await self.other.meet(True) == (frozenset(), True)

    async def test_who_is_silent_for_ten_seconds_is_not_there_and_is_forgotten(self) -> None:
        await self.one.meet(False)
        self.query("UPDATE daemons SET seen_at = seen_at - interval '11 seconds'")
        assert await self.other.meet(True) == (frozenset(), True)
        self.query("UPDATE daemons SET seen_at = seen_at - interval '2 minutes'")
        await self.other.meet(True)
        assert self.query("SELECT name FROM daemons") == [(self.other.name,)]


class NewsTest(MailboxCase):
    def setUp(self) -> None:
        super().setUp()
        self.rounds = PostgresRounds(self.database)

    async def test_only_mailboxes_in_which_more_happened_are_news(self) -> None:
        first = await self.create("box")
        await self.deliver("box")
        known = Place(first.id, 1, 0)
        assert await self.rounds.news([known]) == []
        await self.deliver("box")
        assert await self.rounds.news([known]) == [News(first.id, False, 2, 0, ())]

    async def test_deletions_come_with_their_names_in_order(self) -> None:
        box = await self.create("box")
        ids = [(await self.deliver("box")).message_id for _ in range(3)]
        for which in (ids[2], ids[0]):
            assert which is not None
            await self.messages.delete(BOX, MINE, which)
        events = [
            Event(EventKind.DELETED, box.id, ids[2], 1),
            Event(EventKind.DELETED, box.id, ids[0], 2),
        ]
        assert await self.rounds.news([Place(box.id, 3, 0)]) == [News(box.id, False, 3, 2, events)]
        [second] = await self.rounds.news([Place(box.id, 3, 1)])
        assert second.deleted == events[1:]
        assert await self.rounds.news([Place(box.id, 3, 2)]) == []

    async def test_an_emptied_mailbox_is_one_deletion_without_a_name(self) -> None:
        box = await self.create("box")
        for _ in range(3):
            await self.deliver("box")
        event = await self.messages.empty(BOX, MINE)
        assert event == Event(EventKind.DELETED, box.id, None, 3)
        [news] = await self.rounds.news([Place(box.id, 3, 0)])
        assert news.deleted == [event]
        assert await self.messages.empty(BOX, MINE) == event, "there was nothing more to delete"

    async def test_what_is_past_its_time_or_was_deleted_has_ended(self) -> None:
        box, gone = await self.create("box"), await self.create("gone")
        self.expire(BOX)
        await self.mailboxes.delete("gone@example.test", owner("gone"))
        places = [Place(each, 0, 0) for each in (box.id, gone.id, 999_999)]
        found = await self.rounds.news(places)
        assert sorted((each.mailbox_id, each.ended) for each in found) == [
            (place.mailbox_id, True) for place in places
        ]

    async def test_deletions_are_forgotten_after_an_hour(self) -> None:
        await self.create("box")
        which = (await self.deliver("box")).message_id
        assert which is not None
        await self.messages.delete(BOX, MINE, which)
        housekeeping = PostgresHousekeeping(self.database)
        assert await housekeeping.forget_deletions(10) == 0
        self.query("UPDATE deletions SET deleted_at = deleted_at - interval '61 minutes'")
        assert await housekeeping.forget_deletions(10) == 1

    async def test_each_place_is_one_look_up_by_index(self) -> None:
        await self.create("box")
        plan = "\n".join(
            line
            for (line,) in self.query("SET enable_seqscan = off; EXPLAIN " + _NEWS, [1], [0], [0])
        )
        assert "Index Scan using mailboxes_pkey" in plan, plan
