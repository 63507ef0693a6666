"""Mails that are handed over again are kept once, whatever happens to either attempt."""

from __future__ import annotations

from typing import Any
from unittest import mock

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import DeferredList, gatherResults

from tempmail.core.metrics import Metrics
from tempmail.model.errors import Unavailable
from tempmail.model.message import Envelope, Once
from tempmail.storage.batch import Claim
from tempmail.storage.batch_writer import SESSION
from tempmail.storage.connection import Connection
from tempmail.storage.ingest import GroupCommit
from tempmail.storage.sweeping import PostgresHousekeeping
from tests.storage.case import StorageCase, envelope, failures, make_mailbox, verdicts
from tests.storage.test_ingest import losing


def named(key: str, *names: str, source: str = "notices") -> Envelope:
    return evolve(envelope(*names), once=Once(source, key))


class OnceTest(StorageCase):
    def setUp(self) -> None:
        super().setUp()
        make_mailbox(self.connection, "box")
        self.ingest = self.make_ingest()

    def stored(self) -> int:
        ((count,),) = self.query("SELECT count(*)::int FROM messages")
        return int(count)

    def keys(self) -> list[str]:
        return [key for (key,) in self.query("SELECT key FROM deliveries_once ORDER BY key")]

    def other_daemon(self) -> GroupCommit:
        other = GroupCommit(self.dsn, reactor, Metrics())
        self.addCleanup(other.stop)
        return other

    async def test_the_second_time_it_is_a_duplicate_for_every_recipient(self) -> None:
        assert verdicts(await self.ingest.store(named("a", "box", "box+tag"))) == ["stored"] * 2
        again = await self.ingest.store(named("a", "box", "box+tag"))
        assert verdicts(again) == ["duplicate"] * 2
        assert self.stored() == 2

    async def test_another_source_s_key_is_another_mail(self) -> None:
        outcomes = [await self.ingest.store(named("a", "box", source=s)) for s in ("one", "two")]
        assert [verdicts(one) for one in outcomes] == [["stored"], ["stored"]]

    async def test_mail_without_a_key_is_kept_as_often_as_it_comes(self) -> None:
        both = [self.ingest.store(envelope("box")) for _ in range(2)]
        assert [verdicts(one) for one in await gatherResults(both)] == [["stored"], ["stored"]]
        assert self.keys() == []

    async def test_of_many_in_one_batch_one_is_kept(self) -> None:
        first = self.ingest.store(envelope("box"))  # the others wait for its commit together
        copies = [self.ingest.store(named("a", "box")) for _ in range(50)]
        beside = self.ingest.store(named("b", "box"))
        outcomes = [verdicts(one) for one in await gatherResults(copies)]
        assert outcomes == [["stored"]] + [["duplicate"]] * 49
        assert verdicts(await beside) == ["stored"]
        await first
        assert self.query("SELECT last_seq, message_count FROM mailboxes") == [(3, 3)]

    async def test_of_many_on_two_daemons_at_once_one_is_kept(self) -> None:
        make_mailbox(self.connection, "other")
        daemons = self.ingest, self.other_daemon()
        seen: list[str] = []
        for turn in range(20):  # to different mailboxes, so that nothing but the key keeps order
            calls = [
                daemon.store(named(f"{turn}", name))
                for daemon, name in zip(daemons, ("box", "other"), strict=True)
                for _ in range(25)
            ]
            outcomes: list[tuple[bool, Any]] = await DeferredList(calls, consumeErrors=True)
            for good, outcome in outcomes:
                if good:
                    seen += verdicts(outcome)
                else:
                    assert isinstance(outcome.value, Unavailable)  # may be handed over again
        assert self.stored() == 20
        assert seen.count("stored") == 20

    async def test_one_that_somebody_else_is_keeping_holds_up_no_other(self) -> None:
        with mock.patch.dict(SESSION, lock_timeout="0"):  # whoever waited would wait for ever
            self.ingest = self.make_ingest()
        holder = self.connect()
        holder.autocommit = False
        with holder.cursor() as cursor:
            cursor.execute(
                "INSERT INTO deliveries_once SELECT 'notices', 'a', clock_timestamp();"
                "SELECT pg_advisory_xact_lock(hashtextextended('notices a', 7310466133051204173))"
            )
        calls = [self.ingest.store(named("a", "box")), self.ingest.store(named("b", "box"))]
        assert await failures(calls[:1]) == [Unavailable]
        assert verdicts(await calls[1]) == ["stored"]
        holder.rollback()
        assert verdicts(await self.ingest.store(named("a", "box"))) == ["stored"]

    async def test_mail_that_nobody_gets_has_been_dealt_with(self) -> None:
        assert verdicts(await self.ingest.store(named("a", "late"))) == ["unknown"]
        make_mailbox(self.connection, "late")
        assert verdicts(await self.ingest.store(named("a", "late"))) == ["duplicate"]

    async def test_so_has_it_in_a_batch_with_mail_that_is_only_dropped(self) -> None:
        await self.ingest.store(envelope("box"))
        calls = [self.ingest.store(one) for one in
                 (envelope("x"), envelope("nobody"), named("a", "late"))]  # fmt: skip
        assert [verdicts(one) for one in await gatherResults(calls)] == [["unknown"]] * 3
        assert self.keys() == ["a"]

    async def test_where_its_key_was_lost_with_the_decoy_it_may_come_again(self) -> None:
        await self.ingest.store(envelope("nobody"))
        with mock.patch("tempmail.storage.decoy.COPY", "COPY nothing FROM STDIN"):
            calls = [self.ingest.store(one) for one in
                     (envelope("x"), envelope("nobody"), named("a", "late"))]  # fmt: skip
            assert verdicts(await calls[1]) == ["unknown"]
            assert await failures(calls[2:]) == [Unavailable]
            await calls[0]
        assert self.keys() == []

    async def test_a_poison_beside_it_leaves_it_kept_once(self) -> None:
        first = self.ingest.store(envelope("box"))
        poison = named("bad", "nul\0")
        calls = [self.ingest.store(one) for one in (named("a", "box"), poison, named("a", "box"))]
        outcomes = await DeferredList(calls, consumeErrors=True)
        await first
        assert [good for good, _ in outcomes] == [True, False, True]
        assert self.keys() == ["a"], "the poison was not dealt with"
        assert self.stored() == 2

    async def test_where_the_first_of_two_is_poison_the_second_is_kept(self) -> None:
        first = self.ingest.store(envelope("box"))
        poison = named("a", "nul\0")
        calls = [self.ingest.store(one) for one in (poison, named("a", "box"))]
        assert await failures(calls[:1]) == [Unavailable]
        assert verdicts(await calls[1]) == ["stored"]
        await first

    async def test_when_refused_at_the_deadline_it_has_no_key(self) -> None:
        ingest = self.make_ingest(deadline=0.1)
        await ingest.store(envelope("box"))
        with mock.patch.object(Claim, "commit", lambda claim: not claim.refuse()):
            assert await failures([ingest.store(named("a", "box"))]) == [Unavailable]
        assert self.keys() == []
        assert verdicts(await ingest.store(named("a", "box"))) == ["stored"]

    async def test_when_lost_after_its_commit_the_key_says_that_it_was_dealt_with(self) -> None:
        def lose(connection: Connection) -> None:
            with connection.cursor() as cursor:
                cursor.execute("COMMIT")
            connection.interrupt()

        with losing(self.ingest, lose):
            assert verdicts(await self.ingest.store(named("a", "nobody"))) == ["unknown"]
        assert self.keys() == ["a"]

    async def test_when_lost_before_its_commit_it_was_not(self) -> None:
        with losing(self.ingest, Connection.interrupt):
            assert await failures([self.ingest.store(named("a", "nobody"))]) == [Unavailable]
        assert self.keys() == []
        with losing(self.ingest, Connection.interrupt):
            assert await failures([self.ingest.store(named("a", "box"))]) == [Unavailable]
        assert verdicts(await self.ingest.store(named("a", "box"))) == ["stored"]

    async def test_the_sweeper_forgets_keys_past_their_time(self) -> None:
        for key in "abc":
            await self.ingest.store(named(key, "box"))
        self.query(
            "UPDATE deliveries_once SET forget_at = clock_timestamp() - interval '1 second'"
            " WHERE key <> 'b'"
        )
        housekeeping = PostgresHousekeeping(self.make_database())
        assert [await housekeeping.forget_deliveries(1) for _ in range(3)] == [1, 1, 0]
        assert self.keys() == ["b"]
        ((left,),) = self.query(
            "SELECT forget_at - clock_timestamp() BETWEEN interval '71 hours' AND interval '3 days'"
            " FROM deliveries_once"
        )
        assert left
