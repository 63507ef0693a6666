"""Mail of real accounts, on Debian's dovecot, into a real database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed

from tempmail.core.budget import ByteBudget
from tempmail.imap import puller as puller_module
from tempmail.imap.account import account
from tempmail.imap.puller import Puller
from tempmail.imap.pulling import Desk
from tempmail.imap.session import Session
from tempmail.model.errors import Unavailable
from tempmail.model.message import Envelope, Placement
from tempmail.storage.imap_positions import PostgresImapPositions
from tests.imap.dovecot import PASSWORD, Dovecot, dovecot, make_certificate
from tests.storage.case import DOMAINS, StorageCase, make_mailbox

LIMIT = 1024 * 1024


def mail(number: int, to: str = "box@example.test", header: str = "Delivered-To") -> bytes:
    return (
        f"Return-Path: <ann@sender.test>\r\n{header}: {to}\r\n"
        f"From: Ann <ann@sender.test>\r\nSubject: {number}\r\n\r\nNumber {number}.\r\n"
    ).encode()


class PlainDoor:
    """The one door, without bus and log.

    :ivar before, after: called around each commit.
    :ivar seen: envelopes handed in.
    """

    def __init__(self, ingest: Any) -> None:
        self._ingest = ingest
        self.seen: list[Envelope] = []
        self.before: Callable[[], Deferred[Any]] = lambda: succeed(None)
        self.after: Callable[[], Deferred[Any]] = lambda: succeed(None)

    def deliver(self, envelope: Envelope) -> Deferred[list[Placement]]:
        return Deferred.fromCoroutine(self._deliver(envelope))

    async def _deliver(self, envelope: Envelope) -> list[Placement]:
        self.seen.append(envelope)
        await self.before()
        placements: list[Placement] = await self._ingest.store(envelope)
        await self.after()
        return placements

    def turned_away(self, envelope: Envelope, reason: str, *, refused: bool) -> None:
        raise AssertionError("nothing is turned away")


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as it:
        yield it


@pytest.mark.usefixtures("use_server")
class PullerCase(StorageCase):
    """Each test has a user of its own, ``self.user``."""

    server: Dovecot

    @pytest.fixture
    def use_server(self, server: Dovecot) -> None:
        self.server = server

    def setUp(self) -> None:
        super().setUp()
        self.user = f"u{uuid4().hex[:10]}"
        make_mailbox(self.connection, "box")
        self.query("UPDATE plans SET max_messages_per_mailbox = -1, max_message_bytes = %s", LIMIT)
        self.ingest = self.make_ingest()
        self.database = self.make_database()
        self.door = PlainDoor(self.ingest)
        self.budget = ByteBudget(16 * LIMIT, self.metrics.bytes_in_flight)

    def puller(
        self,
        query: str = "",
        *,
        tls: str = "imaps",
        password: str = PASSWORD,
        host: str = "localhost",
    ) -> Puller:
        """One that runs until the test ends."""
        port = self.server.tls_port if tls == "imaps" else self.server.port
        given = account(
            f"{tls}://{self.user}@{host}:{port}/INBOX?password_env=X&ca_file={self.server.ca}"
            f"&{query}"
        )
        self.name = given.name
        desk = Desk(
            self.door,
            PostgresImapPositions(self.database),
            DOMAINS,
            self.budget,
            LIMIT,
            self.metrics,
            reactor,
            uuid4(),
        )
        puller = Puller(given, password.encode, desk, reactor, lambda: 0.01)
        self.addCleanup(puller.stop)
        puller.start()
        return puller

    def append(self, *mails: bytes) -> None:
        self.server.append(*mails, user=self.user)

    def uids(self, what: str = "ALL") -> list[int]:
        return self.server.uids(self.user, what)

    def subjects(self) -> list[str]:
        return [one for (one,) in self.query("SELECT subject FROM messages ORDER BY seq")]

    def cursor(self) -> int:
        rows = self.query("SELECT last_uid FROM imap_cursors")
        return int(rows[0][0]) if rows else -1

    def counted(self, outcome: str) -> int:
        return int(self.metrics.imap_mails.labels(self.name, outcome)._value.get())

    def state(self) -> list[str]:
        labels = self.metrics.imap_accounts.labels
        return [one for one in puller_module.STATES if labels(self.name, one)._value.get()]

    async def settled(self) -> None:
        await self.until(lambda: self.state() == ["waiting"])


class ReadingTest(PullerCase):
    async def test_what_is_there_and_what_comes_is_delivered_byte_for_byte(self) -> None:
        self.append(mail(1), mail(2))
        self.puller()
        await self.until(lambda: self.subjects() == ["1", "2"])
        await self.settled()
        self.append(mail(3))
        await self.until(lambda: self.subjects() == ["1", "2", "3"])
        rows = self.query(
            "SELECT raw, mail_from, rcpt_to, helo, peer_ip, tls FROM messages ORDER BY seq"
        )
        assert bytes(rows[2][0]) == mail(3)
        assert rows[2][1:4] == ("ann@sender.test", "box@example.test", "localhost")
        assert rows[2][4] in ("127.0.0.1", "::1")
        assert rows[2][5].startswith("TLSv1.3 ")
        assert self.uids("UNSEEN") == [1, 2, 3], "they are left as they were"

    async def test_by_starttls_and_where_the_operator_says_so_in_clear(self) -> None:
        self.append(mail(1))
        first = self.puller(tls="imap")
        await self.until(lambda: self.subjects() == ["1"])
        await first.stop()
        self.puller("insecure=yes", tls="imap")
        self.append(mail(2))
        await self.until(lambda: self.subjects() == ["1", "2"])
        tls = [one for (one,) in self.query("SELECT tls FROM messages ORDER BY seq")]
        assert tls[0].startswith("TLSv1.3 ")
        assert tls[1] is None

    @pytest.mark.alone
    async def test_new_mail_is_pushed(self) -> None:
        self.puller()
        await self.settled()
        with mock.patch.object(puller_module, "POLL_SECONDS", 1e6):
            self.append(mail(1))
            began = reactor.seconds()
            await self.until(lambda: self.subjects() == ["1"])
        assert reactor.seconds() - began < 2

    async def test_what_is_delivered_is_deleted_where_the_operator_says_so(self) -> None:
        self.append(mail(1), mail(2, "nobody@example.test"), mail(3))
        self.puller("delete=yes")
        await self.until(lambda: self.cursor() == 3)
        assert self.subjects() == ["1", "3"]
        assert self.uids() == [2], "what nobody got stays"
        assert self.counted("unknown") == 1

    async def test_old_mail_stays_where_the_operator_says_so(self) -> None:
        self.append(mail(1), mail(2))
        self.puller("start=new")
        await self.settled()
        self.append(mail(3))
        await self.until(lambda: self.subjects() == ["3"])

    async def test_200_mails(self) -> None:
        self.append(*[mail(number) for number in range(200)])
        self.puller()
        await self.until(lambda: self.cursor() == 200)
        assert self.subjects() == [str(number) for number in range(200)]

    async def test_a_large_mail_is_left_and_those_behind_it_come(self) -> None:
        self.append(mail(1) + b"x" * LIMIT, mail(2))
        self.puller("delete=yes")
        await self.until(lambda: self.subjects() == ["2"])
        await self.until(lambda: self.uids() == [1])
        assert self.counted("oversized") == 1
        assert len(self.door.seen) == 1

    async def test_a_large_mail_that_the_server_called_small_is_left_too(self) -> None:
        self.append(mail(1) + b"x" * LIMIT, mail(2))

        async def sizes(_: Session, uids: Sequence[int]) -> dict[int, int]:
            return dict.fromkeys(uids, 10)

        with mock.patch.object(Session, "sizes", sizes):
            self.puller()
            await self.until(lambda: self.subjects() == ["2"])
        assert self.counted("oversized") == 1
        await self.until(lambda: self.budget.held == 0)

    async def test_a_server_that_cannot_push_is_asked(self) -> None:
        async def wait(*_: object) -> bool:
            return False

        with (
            mock.patch.object(Session, "wait", wait),
            mock.patch.object(puller_module, "POLL_SECONDS", 0.05),
        ):
            self.puller()
            await self.settled()
            self.append(mail(1))
            await self.until(lambda: self.subjects() == ["1"])

    async def test_without_room_in_the_process_mail_waits_for_it(self) -> None:
        self.append(mail(1))
        self.budget.take(self.budget.limit)
        self.puller()
        await self.until(lambda: self.state() == ["failing"])
        assert self.door.seen == []
        self.budget.give(self.budget.limit)
        await self.until(lambda: self.subjects() == ["1"])
        await self.until(lambda: self.budget.held == 0)

    async def test_mail_for_nobody_of_ours_goes_to_the_account_s_mailbox_or_is_left(self) -> None:
        self.append(mail(1, "joe@elsewhere.test"))
        first = self.puller()
        await self.until(lambda: self.counted("no_recipient") == 1)
        assert self.cursor() == 1
        await first.stop()
        self.append(mail(2, "joe@elsewhere.test"))
        self.puller("mailbox=box@example.test")
        await self.until(lambda: self.subjects() == ["2"])

    async def test_the_operator_chooses_the_headers(self) -> None:
        make_mailbox(self.connection, "other")
        self.append(mail(1, header="X-Envelope"), mail(2, "other@example.test"))
        self.puller("headers=x-envelope&mailbox=box@example.test")
        await self.until(lambda: self.subjects() == ["1", "2"])
        assert {one.recipients[0].address for one in self.door.seen} == {"box@example.test"}


class OnceTest(PullerCase):
    """Killed, cut off or numbered anew: nothing is lost, nothing comes twice."""

    async def test_killed_between_fetch_and_commit_it_is_fetched_again(self) -> None:
        self.append(mail(1), mail(2))
        held: Deferred[None] = Deferred()
        self.door.before = lambda: held
        self.puller("delete=yes")
        await self.until(lambda: len(self.door.seen) == 1)
        self.forget_that_it_lives()
        self.door = PlainDoor(self.ingest)
        self.puller("delete=yes")
        await self.until(lambda: self.subjects() == ["1", "2"])
        await self.until(lambda: self.uids() == [])
        held.callback(None)  # the first was only frozen
        await self.until(lambda: self.state() == ["failing"] or self.state() == ["elsewhere"])
        assert self.subjects() == ["1", "2"]

    async def test_killed_between_commit_and_cursor_it_is_not_delivered_twice(self) -> None:
        self.append(mail(1), mail(2))
        held: Deferred[None] = Deferred()
        self.door.after = lambda: held
        self.puller("delete=yes")
        await self.until(lambda: self.subjects() == ["1"])
        self.forget_that_it_lives()
        self.door = PlainDoor(self.ingest)
        self.puller("delete=yes")
        await self.until(lambda: self.subjects() == ["1", "2"])
        await self.until(lambda: self.uids() == [])
        assert self.counted("duplicate") == 1
        held.callback(None)

    async def test_killed_between_the_mark_and_the_removal_it_is_removed_all_the_same(self) -> None:
        self.append(mail(1), mail(2))
        held: Deferred[None] = Deferred()
        removing = Session.remove

        async def mark(session: Session, uid: int) -> None:
            await session._protocol.command(b"UID STORE %d +FLAGS.SILENT (\\Deleted)" % uid)
            await held

        with mock.patch.object(Session, "remove", mark):
            self.puller("delete=yes")
            await self.until(lambda: self.uids("DELETED") == [1])
        self.forget_that_it_lives()
        assert Session.remove is removing
        self.puller("delete=yes")
        await self.until(lambda: self.cursor() == 2)
        assert self.uids() == []
        assert self.subjects() == ["1", "2"]
        held.callback(None)

    async def test_a_mail_marked_as_deleted_by_its_owner_is_left(self) -> None:
        self.append(mail(1), mail(2))
        with self.server.client(self.user) as client:
            client.select()
            client.store("1", "+FLAGS", "\\Deleted")
        self.puller()
        await self.until(lambda: self.subjects() == ["2"])

    async def test_while_storage_is_away_the_place_does_not_move(self) -> None:
        self.append(mail(1))
        away = [Unavailable("away")] * 2

        async def store(envelope: Envelope) -> list[Placement]:
            if away:
                raise away.pop()
            return await self.ingest.store(envelope)

        with mock.patch.object(self.door, "_ingest", mock.Mock(store=store)):
            self.puller()
            await self.until(lambda: self.subjects() == ["1"])
        assert len(self.door.seen) == 3

    async def test_a_mail_that_storage_never_takes_does_not_hold_up_the_others(self) -> None:
        self.append(mail(1, "poison@example.test"), mail(2))
        make_mailbox(self.connection, "poison")
        self.query(  # no partition takes this mailbox's messages
            "UPDATE mailboxes SET bucket = '2199-01-01' WHERE address LIKE 'poison%%' RETURNING 1"
        )
        with mock.patch.object(puller_module, "LONGEST_PAUSE", 1.0):
            self.puller("delete=yes")
            await self.until(lambda: self.subjects() == ["2"])
            await self.until(lambda: self.uids() == [1])
        assert self.counted("not_storable") == 1

    async def test_numbered_anew_what_was_taken_is_not_taken_again(self) -> None:
        self.append(mail(1), mail(2))
        first = self.puller()
        await self.until(lambda: self.cursor() == 2)
        await first.stop()
        (before,) = self.query("SELECT uidvalidity FROM imap_cursors")
        for file in self.server.folder.joinpath("mail", self.user).glob("dovecot*"):
            file.unlink()  # as when an operator restores a maildir
        self.query("UPDATE imap_cursors SET uidvalidity = uidvalidity - 1")  # as seconds do
        self.append(mail(3))
        self.puller()
        await self.until(lambda: self.counted("renumbered") == 2)
        await self.until(lambda: self.subjects() == ["1", "2", "3"])
        self.append(mail(1))
        await self.until(lambda: self.subjects() == ["1", "2", "3", "1"])
        assert self.query("SELECT uidvalidity FROM imap_cursors") >= [before]

    async def test_two_daemons_do_not_read_one_account_at_once(self) -> None:
        first = self.puller()
        await self.settled()
        lease = self.query("SELECT owner FROM imap_cursors")
        with mock.patch.object(puller_module, "LEASE_SECONDS", 1.0):
            second = self.puller()
            await self.until(lambda: self.state() == ["elsewhere"])
            assert self.query("SELECT owner FROM imap_cursors") == lease
            await first.stop()
            await self.until(lambda: self.query("SELECT owner FROM imap_cursors") != lease)
            self.append(mail(1))
            await self.until(lambda: self.subjects() == ["1"])
            await second.stop()
        assert self.query("SELECT owner FROM imap_cursors") == [(None,)]

    async def test_whoever_lost_the_lease_stops_reading(self) -> None:
        with mock.patch.object(puller_module, "RENEW_SECONDS", 0.05):
            self.puller()
            await self.settled()
            self.query("UPDATE imap_cursors SET owner = %s, lease_until = 'infinity'", str(uuid4()))
            await self.until(lambda: self.state() == ["elsewhere"])
        self.append(mail(1))
        assert self.subjects() == []

    async def test_stopping_waits_for_the_mail_under_way_and_its_place(self) -> None:
        self.append(mail(1), mail(2))
        held: Deferred[None] = Deferred()
        self.door.before = lambda: held
        puller = self.puller()
        await self.until(lambda: len(self.door.seen) == 1)
        stopped = puller.stop()
        assert not stopped.called
        held.callback(None)
        await stopped
        assert self.subjects() == ["1"]
        assert self.cursor() == 1

    async def test_stopping_while_the_lease_is_asked_for_connects_to_nobody(self) -> None:
        await self.puller().stop()
        assert self.state() == ["connecting"]
        assert self.query("SELECT owner FROM imap_cursors") == [(None,)]

    def forget_that_it_lives(self) -> None:
        """What SIGKILL leaves in the database: a lease that ends."""
        self.query("UPDATE imap_cursors SET lease_until = clock_timestamp() - interval '1 second'")


class FailingTest(PullerCase):
    async def test_a_wrong_password_is_asked_again_only_after_a_minute(self) -> None:
        pauses: list[float] = []
        hold: Deferred[None] = Deferred()

        async def pause(_: Puller, seconds: float) -> None:
            pauses.append(seconds)
            await hold

        with mock.patch.object(Puller, "_pause", pause):
            puller = self.puller(password="wrong")
            await self.until(lambda: len(pauses) == 1)
            assert pauses == [puller_module.REJECTED_PAUSE * 0.01]
            assert self.state() == ["failing"]
            stopped = puller.stop()
            hold.callback(None)
            await stopped

    async def test_a_certificate_of_another_host_is_refused(self) -> None:
        await self.fails("VerificationError", host="127.0.0.1")

    async def test_a_certificate_of_nobody_we_trust_is_refused(self) -> None:
        self.server.ca, ours = make_certificate(self.server.folder / "other"), self.server.ca
        self.addCleanup(setattr, self.server, "ca", ours)
        await self.fails("certificate verify failed")
        await self.fails("certificate verify failed", tls="imap")

    async def test_an_expired_certificate_is_refused(self) -> None:
        with dovecot(days=-1) as self.server:
            await self.fails("certificate verify failed")

    async def test_after_the_server_was_away_mail_comes_again(self) -> None:
        self.append(mail(1))
        self.puller()
        await self.until(lambda: self.subjects() == ["1"])
        await self.settled()
        self.server.stop()
        await self.until(lambda: self.state() == ["failing"])
        self.server.start()
        self.append(mail(2))
        await self.until(lambda: self.subjects() == ["1", "2"])

    async def fails(self, why: str, **more: str) -> None:
        said: list[str] = []
        with mock.patch.object(Puller, "_say", lambda _, what, why="": said.append(why)):
            puller = self.puller(**more)
            await self.until(lambda: bool(said))
            await puller.stop()
        assert why in said[0], said
        assert f"Login: user=<{self.user}>" not in self.server.log()
