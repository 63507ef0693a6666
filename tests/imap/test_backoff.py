"""An account that cannot be read is tried again, ever more seldom, and spoken of once."""

from __future__ import annotations

from typing import Any
from unittest import mock
from uuid import UUID, uuid4

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionRefusedError  # noqa: A004  # Twisted's own
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.budget import ByteBudget
from tempmail.core.imap_ports import ImapPosition
from tempmail.core.metrics import Metrics
from tempmail.imap.account import account
from tempmail.imap.errors import Rejected
from tempmail.imap.puller import LONGEST_PAUSE, REJECTED_PAUSE, Puller
from tempmail.imap.pulling import Desk
from tempmail.model.address import Domains
from tempmail.model.errors import Unavailable

ACCOUNT = account("imaps://joe@mail.test?password_env=X")


class Positions:
    """Held by us, by somebody else, or by nobody who can tell.

    :ivar trouble: raised instead of an answer.
    """

    def __init__(self) -> None:
        self.position: ImapPosition | None = ImapPosition()
        self.trouble: Exception | None = None
        self.released = 0

    async def hold(self, account: str, owner: UUID, seconds: float) -> ImapPosition | None:
        if self.trouble is not None:
            raise self.trouble
        return self.position

    async def move(self, *_: Any) -> bool:
        raise AssertionError("nothing is read")

    async def taken(self, account: str, digest: str) -> bool:
        raise AssertionError("nothing is read")

    async def release(self, account: str, owner: UUID) -> None:
        self.released += 1


class BackoffTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.metrics, self.positions = Clock(), Metrics(), Positions()
        self.outcome: Any = ConnectionRefusedError("refused")
        self.tries: list[float] = []
        self.patch_connect()
        desk = Desk(
            mock.Mock(),
            self.positions,
            Domains(["example.test"]),
            ByteBudget(1, self.metrics.bytes_in_flight),
            1,
            self.metrics,
            self.clock,
            uuid4(),
        )
        self.puller = Puller(ACCOUNT, lambda: b"secret", desk, self.clock, lambda: 1.0)

    def patch_connect(self) -> None:
        def connect(*_: Any) -> Deferred[Any]:
            self.tries.append(self.clock.seconds())
            return fail(self.outcome)

        patched = mock.patch("tempmail.imap.puller.connect", connect)
        patched.start()
        self.addCleanup(patched.stop)

    def run_for(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1)

    def test_each_pause_is_twice_the_last_up_to_some_minutes(self) -> None:
        self.puller.start()
        self.run_for(2000)
        pauses = [after - before for before, after in zip(self.tries, self.tries[1:], strict=False)]
        assert pauses[:9] == [1, 2, 4, 8, 16, 32, 64, 128, 256]
        assert set(pauses[9:]) == {LONGEST_PAUSE}
        assert self.metrics.imap_failures.labels(ACCOUNT.name)._value.get() == len(self.tries)
        self.successResultOf(self.puller.stop())
        assert self.positions.released == 1
        assert not self.clock.getDelayedCalls()

    def test_a_refused_log_in_waits_for_a_minute_at_least(self) -> None:
        self.outcome = Rejected("no")
        self.puller.start()
        self.run_for(200)
        assert self.tries[:3] == [0, REJECTED_PAUSE, 2 * REJECTED_PAUSE]
        self.successResultOf(self.puller.stop())

    def test_the_same_trouble_is_logged_once(self) -> None:
        with capturedLogs() as logged:
            self.puller.start()
            self.run_for(500)
            self.outcome = Rejected("no")
            self.run_for(1000)
        said = [one["said"] for one in logged if one["log_level"] is LogLevel.warn]
        assert len(said) == 2, said
        self.successResultOf(self.puller.stop())

    def test_what_another_daemon_reads_is_asked_for_again_and_no_failure(self) -> None:
        self.positions.position = None
        self.puller.start()
        self.run_for(60)
        assert self.tries == []
        self.positions.position = ImapPosition()
        self.run_for(10)
        assert len(self.tries) > 0
        self.successResultOf(self.puller.stop())

    def test_while_storage_is_away_the_server_is_left_alone(self) -> None:
        self.positions.trouble = Unavailable("away")
        self.puller.start()
        self.run_for(100)
        assert self.tries == []
        self.positions.trouble = None
        self.run_for(100)
        assert len(self.tries) > 0
        self.successResultOf(self.puller.stop())

    def test_no_exception_ends_it(self) -> None:
        self.outcome = ZeroDivisionError()
        self.puller.start()
        self.run_for(10)
        assert len(self.tries) == 4
        assert len(self.flushLoggedErrors(ZeroDivisionError)) == 4
        self.successResultOf(self.puller.stop())

    def test_stopping_before_it_started_is_done_at_once(self) -> None:
        self.successResultOf(self.puller.stop())
