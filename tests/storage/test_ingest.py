"""What a 250 rests on: after COMMIT, for each recipient, and never after a refusal."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any
from unittest import mock

from twisted.internet.defer import gatherResults

from tempmail.model.errors import Unavailable, Undecided
from tempmail.model.message import Verdict
from tempmail.storage.batch import Claim
from tempmail.storage.batch_writer import SESSION, BatchWriter
from tempmail.storage.connection import Connection, connect
from tempmail.storage.decoy import Decoy
from tempmail.storage.ingest import GroupCommit
from tests.storage.case import MAIL, StorageCase, envelope, failures, make_mailbox, verdicts


class IngestTest(StorageCase):
    def setUp(self) -> None:
        super().setUp()
        self.ingest = self.make_ingest()

    async def test_a_stored_message_has_its_bytes_its_envelope_and_its_place(self) -> None:
        mailbox = make_mailbox(self.connection, "box")
        (placement,) = await self.ingest.store(envelope("Box+shop"))
        assert (placement.verdict, placement.mailbox_id, placement.seq) == ("stored", mailbox, 1)
        (row,) = self.query(
            "SELECT id, seq, rcpt_to, tag, mail_from, helo, peer_ip, tls, subject, from_address,"
            " from_name, size, raw, expires_at = (SELECT expires_at FROM mailboxes) FROM messages"
        )
        assert row[0] == str(placement.message_id)
        assert row[1:-2] == (
            1, "Box+shop@example.test", "shop", "ann@sender.test", "client.test", "127.0.0.1",
            None, "Hello", "ann@sender.test", "Ann", len(MAIL),
        )  # fmt: skip
        assert bytes(row[-2]) == MAIL
        assert row[-1] is True
        assert self.query("SELECT last_seq, message_count FROM mailboxes") == [(1, 1)]

    async def test_each_recipient_has_a_verdict_of_its_own(self) -> None:
        make_mailbox(self.connection, "here")
        make_mailbox(self.connection, "full", message_count=100)
        make_mailbox(self.connection, "gone", is_active=False)
        outcome = await self.ingest.store(envelope("nobody", "here", "full", "gone", "here"))
        assert verdicts(outcome) == ["unknown", "stored", "full", "unknown", "stored"]
        assert [placement.seq for placement in outcome] == [None, 1, None, None, 2]

    async def test_a_message_above_the_plan_s_size_takes_no_place(self) -> None:
        make_mailbox(self.connection, "box")
        self.query("UPDATE plans SET max_message_bytes = 100 RETURNING 1")
        large, small = await gatherResults(
            [self.ingest.store(envelope("box", raw=b"x" * 101)), self.ingest.store(envelope("box"))]
        )
        assert verdicts(large) == ["too_large"]
        assert [placement.seq for placement in small] == [1]

    async def test_a_changed_plan_counts_from_the_next_message_on(self) -> None:
        make_mailbox(self.connection, "box")
        self.query("UPDATE plans SET max_messages_per_mailbox = 0 RETURNING 1")
        assert verdicts(await self.ingest.store(envelope("box"))) == ["full"]
        self.query("UPDATE plans SET max_messages_per_mailbox = -1 RETURNING 1")
        assert verdicts(await self.ingest.store(envelope("box"))) == ["stored"]

    async def test_a_subscription_gives_its_user_s_mailboxes_the_plan(self) -> None:
        ((user,),) = self.query("INSERT INTO users (name) VALUES ('ann') RETURNING id")
        make_mailbox(
            self.connection,
            "box",
            owner_type="api",
            owner_id=user,
            session_token_hash=None,
            message_count=500,
        )
        assert verdicts(await self.ingest.store(envelope("box"))) == ["full"]
        self.query("INSERT INTO subscriptions (user_id, plan) VALUES (%s, 'pro') RETURNING 1", user)
        assert verdicts(await self.ingest.store(envelope("box"))) == ["stored"]

    async def test_many_at_once_fill_a_mailbox_exactly(self) -> None:
        make_mailbox(self.connection, "box", message_count=90)
        other = self.make_ingest(batch_messages=3)
        outcomes = await gatherResults(
            [(self.ingest, other)[i % 2].store(envelope("box")) for i in range(64)]
        )
        stored = [one.seq for (one,) in outcomes if one.verdict is Verdict.STORED]
        assert sorted(filter(None, stored)) == list(range(1, 11))
        assert self.query("SELECT count(*) FROM messages") == [(10,)]

    async def test_a_public_mailbox_s_messages_live_15_minutes(self) -> None:
        make_mailbox(self.connection, "box", owner_type="public", session_token_hash=None)
        await self.ingest.store(envelope("box"))
        assert self.query(
            "SELECT expires_at - received_at BETWEEN interval '14 minutes 50 seconds'"
            " AND interval '15 minutes' FROM messages"
        ) == [(True,)]

    async def test_a_mail_in_pieces_is_stored_as_one(self) -> None:
        make_mailbox(self.connection, "box")
        mail = envelope("box")
        pieces = (MAIL, b"a" * 300_000, b"", b"b" * 5, b"c" * 262_144)
        mail.chunks, mail.size = pieces, sum(map(len, pieces))
        await self.ingest.store(mail)
        ((raw,),) = self.query("SELECT raw FROM messages")
        assert bytes(raw) == b"".join(pieces)

    async def test_text_that_postgresql_cannot_hold_is_cleaned_and_kept(self) -> None:
        make_mailbox(self.connection, "box")
        mail = envelope("box", mail_from="a\0\udc80b@sender.test", raw=b"Subject: \0\xff\r\n\r\n")
        assert verdicts(await self.ingest.store(mail)) == ["stored"]

    async def test_a_poison_envelope_takes_no_other_with_it(self) -> None:
        make_mailbox(self.connection, "box")
        make_mailbox(self.connection, "poison")
        self.query(  # no partition takes this mailbox's messages
            "UPDATE mailboxes SET bucket = '2199-01-01' WHERE address LIKE 'poison%%' RETURNING 1"
        )
        poison = envelope("poison")
        mails = [envelope("box") for _ in range(7)]
        mails.insert(3, poison)
        answers = [self.ingest.store(mail) for mail in mails]
        failure = await self.assertFailure(answers.pop(3), Exception)
        assert getattr(failure, "code", "") == "unavailable"
        outcomes = await gatherResults(answers)
        assert [verdicts(outcome) for outcome in outcomes] == [["stored"]] * 7
        assert self.query("SELECT count(*) FROM messages") == [(7,)]

    async def test_what_waits_when_it_stops_is_answered(self) -> None:
        make_mailbox(self.connection, "box")
        answers = [self.ingest.store(envelope("box")) for _ in range(20)]
        await self.ingest.stop()
        assert all(answer.called for answer in answers)
        assert self.query("SELECT count(*) FROM messages") == [(20,)]

    async def test_beyond_its_queue_it_refuses_at_once(self) -> None:
        make_mailbox(self.connection, "box")
        ingest = self.make_ingest(queue=2)
        answers = [ingest.store(envelope("box")) for _ in range(4)]  # one runs, two wait
        failure = await self.assertFailure(answers[3], Exception)
        assert getattr(failure, "code", "") == "unavailable"
        await gatherResults(answers[:3])

    async def test_a_lost_connection_refuses_its_batch_and_the_next_one_is_stored(self) -> None:
        make_mailbox(self.connection, "box")
        await self.ingest.store(envelope("box"))
        self.query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
        await self.assertFailure(self.ingest.store(envelope("box")), Exception)
        assert verdicts(await self.ingest.store(envelope("box"))) == ["stored"]
        assert self.query("SELECT count(*) FROM messages") == [(2,)]

    async def test_what_no_driver_takes_is_a_poison_like_another(self) -> None:
        make_mailbox(self.connection, "box")
        mails = [envelope("box") for _ in range(5)]
        for name in ("nul\0", "surrogate\udc80"):
            mails.insert(2, envelope(name))
        calls = [self.ingest.store(mail) for mail in mails]
        assert await failures(calls) == [Unavailable] * 2
        assert self.query("SELECT count(*) FROM messages") == [(5,)]
        assert self.query("SELECT message_count, last_seq FROM mailboxes") == [(5, 5)]

    async def test_a_mailbox_that_somebody_holds_holds_up_nobody_else_s_mail(self) -> None:
        make_mailbox(self.connection, "held")
        make_mailbox(self.connection, "box")
        with mock.patch.dict(SESSION, lock_timeout="200ms"):
            ingest = self.make_ingest()
        holder = self.connect()
        holder.autocommit = False
        with holder.cursor() as cursor:
            cursor.execute("SELECT FROM mailboxes WHERE address LIKE 'held%' FOR UPDATE")
        # The first runs while the others gather.
        calls = [ingest.store(envelope(name)) for name in ("box", "held", "box", "box")]
        assert await failures(calls) == [Unavailable]
        holder.rollback()
        assert verdicts(await ingest.store(envelope("held"))) == ["stored"]
        assert self.query("SELECT count(*) FROM messages") == [(4,)]

    async def test_a_batch_counts_its_bytes_for_each_recipient(self) -> None:
        make_mailbox(self.connection, "box")
        ingest = self.make_ingest(batch_bytes=4 * len(MAIL))
        calls = [ingest.store(envelope(*names)) for names in (["box"], ["box"] * 3, ["box"] * 2)]
        await gatherResults(calls)
        assert self.query("SELECT count(DISTINCT xmin::text), count(*) FROM messages") == [(3, 6)]


def losing(ingest: GroupCommit, lose: Callable[[Connection], None]) -> Any:
    """Let something happen to the connection in the moment before COMMIT is sent on it."""
    claim_commit = Claim.commit

    def commit(claim: Claim) -> bool:
        batch = ingest._running
        assert batch is not None
        assert batch.connection is not None
        lose(batch.connection)
        return claim_commit(claim)

    return mock.patch.object(Claim, "commit", commit)


class DeadlineTest(StorageCase):
    """A server that stops answering; the clock is the reactor's, the deadline short."""

    def setUp(self) -> None:
        super().setUp()
        make_mailbox(self.connection, "box")

    async def test_a_batch_that_is_late_is_refused_and_never_stored(self) -> None:
        ingest = self.make_ingest(deadline=0.1)
        await ingest.store(envelope("box"))
        holder = self.connect()
        holder.autocommit = False
        with holder.cursor() as cursor:
            cursor.execute("SELECT FROM mailboxes FOR UPDATE")
        calls = [ingest.store(envelope("box")) for _ in range(5)]
        assert await failures(calls) == [Unavailable] * 5, "those that waited as well"
        holder.rollback()
        assert verdicts(await ingest.store(envelope("box"))) == ["stored"]
        assert self.query("SELECT count(*) FROM messages") == [(2,)]

    async def test_a_mailbox_that_somebody_holds_holds_up_no_other(self) -> None:
        make_mailbox(self.connection, "other")
        ingest = self.make_ingest()
        holder = self.connect()
        holder.autocommit = False
        with holder.cursor() as cursor:
            cursor.execute("SELECT FROM mailboxes WHERE address LIKE 'box@%%' FOR UPDATE")
        await ingest.store(envelope("nobody"))
        held = [ingest.store(envelope("box")) for _ in range(20)]
        free = [ingest.store(envelope("other")) for _ in range(20)]
        both = ingest.store(envelope("other", "box"))
        assert await failures([*held, both]) == [Unavailable] * 21
        assert [verdicts(one) for one in await gatherResults(free)] == [["stored"]] * 20
        holder.rollback()
        assert verdicts(await ingest.store(envelope("box"))) == ["stored"]

    async def test_when_frozen_before_its_commit_nothing_is_stored(self) -> None:
        ingest = self.make_ingest(deadline=0.3)
        await ingest.store(envelope("box"))
        pid = self.backend()
        os.kill(pid, signal.SIGSTOP)
        try:
            assert await failures([ingest.store(envelope("box"))]) == [Unavailable]
        finally:
            os.kill(pid, signal.SIGCONT)
        await self.until(f"NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {pid})")
        assert self.query("SELECT count(*) FROM messages") == [(1,)]

    async def test_when_lost_after_its_commit_the_rows_say_that_it_is_stored(self) -> None:
        ingest = self.make_ingest(deadline=5)

        def lose(connection: Connection) -> None:
            with connection.cursor() as cursor:
                cursor.execute("COMMIT")
            connection.interrupt()  # what is sent now fails like an answer that never came

        with losing(ingest, lose):
            assert verdicts(await ingest.store(envelope("box"))) == ["stored"]
        assert self.query("SELECT count(*) FROM messages") == [(1,)]

    async def test_when_lost_before_its_commit_the_rows_say_that_it_is_not(self) -> None:
        ingest = self.make_ingest(deadline=5)
        with losing(ingest, Connection.interrupt):
            assert await failures([ingest.store(envelope("box"))]) == [Unavailable]
        assert self.query("SELECT count(*) FROM messages") == [(0,)]
        assert verdicts(await ingest.store(envelope("box"))) == ["stored"]

    async def test_where_the_server_cannot_be_asked_there_is_no_answer(self) -> None:
        ingest = self.make_ingest(deadline=5)
        await ingest.store(envelope("box"))
        seconds = iter(range(1000))
        ingest._writer = BatchWriter(
            lambda: connect("host=/nonexistent"),
            Decoy(),
            lambda _: None,
            lambda: float(next(seconds)),
        )
        with losing(ingest, Connection.interrupt):
            assert await failures([ingest.store(envelope("box"))]) == [Undecided]
        assert verdicts(await ingest.store(envelope("box"))) == ["stored"]

    async def test_a_commit_that_is_late_is_waited_for(self) -> None:
        self.dsn += " options='-c commit_delay=100000 -c commit_siblings=0'"
        ingest = self.make_ingest(deadline=30)
        await ingest.store(envelope("box"))
        stored = ingest.store(envelope("box"))
        await self.until("EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%%bump%%'"
                         " AND state = 'active' AND pid <> pg_backend_pid())")  # fmt: skip
        ingest.abort()  # as the deadline does
        assert verdicts(await stored) == ["stored"]
        assert self.query("SELECT count(*) FROM messages") == [(2,)]

    def backend(self) -> int:
        ((pid,),) = self.query(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE '%%bump%%'"
            " AND pid <> pg_backend_pid()"
        )
        return int(pid)
