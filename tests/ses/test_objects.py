"""Mails in S3, by the real client against a bucket of ours."""

from __future__ import annotations

import os
import threading
from unittest import mock

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tempmail.core.budget import ByteBudget
from tempmail.core.metrics import Metrics
from tempmail.model.errors import Unavailable
from tempmail.ses import objects as module
from tempmail.ses.objects import S3Objects, TooLarge
from tempmail.ses.receipts import Stored
from tests.ses.s3 import FakeS3

WHERE = Stored("mails.example", "inbound/a b+ü")
PATH = "/mails.example/inbound/a b+ü"
MAIL = bytes(range(256)) * 1000


class S3ObjectsTest(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.s3 = FakeS3()
        self.s3.start()
        self.addCleanup(self.s3.stop)
        patched = mock.patch.dict(os.environ, self.s3.environment)
        patched.start()
        self.addCleanup(patched.stop)
        self.s3.objects[PATH] = MAIL
        self.budget = ByteBudget(1024 * 1024, Metrics().bytes_in_flight)
        self.objects = S3Objects(reactor, self.budget)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.objects.stop()))

    def fetch(self, most: int = len(MAIL)) -> Deferred[bytes]:
        return Deferred.fromCoroutine(self.objects.fetch("eu-west-1", WHERE, most))

    async def test_a_mail_comes_byte_for_byte_and_counts(self) -> None:
        assert await self.fetch() == MAIL
        assert self.budget.held == len(MAIL)
        assert self.s3.asked == [(PATH, True)]

    async def test_a_larger_one_than_wanted_is_not_read(self) -> None:
        with pytest.raises(TooLarge) as caught:
            await self.fetch(len(MAIL) - 1)
        assert (caught.value.size, self.budget.held) == (len(MAIL), 0)

    async def test_where_there_is_no_room_it_is_to_come_again(self) -> None:
        self.budget.take(self.budget.limit - len(MAIL) + 1)
        held = self.budget.held
        with pytest.raises(Unavailable):
            await self.fetch()
        assert self.budget.held == held

    async def test_what_is_not_there_is_to_come_again(self) -> None:
        self.s3.objects.clear()
        with pytest.raises(Unavailable):
            await self.fetch()
        assert self.budget.held == 0

    async def test_one_that_breaks_off_is_to_come_again(self) -> None:
        self.s3.short = 1
        with pytest.raises(Unavailable):
            await self.fetch()
        assert self.budget.held == 0

    async def test_one_that_takes_too_long_is_to_come_again(self) -> None:
        with mock.patch.object(module, "SECONDS", -1), pytest.raises(Unavailable):
            await self.fetch()
        assert self.budget.held == 0

    async def test_without_the_client_it_is_to_come_again(self) -> None:
        with mock.patch.dict("sys.modules", {"boto3.session": None}), pytest.raises(Unavailable):
            await self.fetch()

    async def test_many_wait_for_few_threads_and_too_many_are_refused(self) -> None:
        self.s3.hold.clear()
        with mock.patch.object(module, "_WAITING", 9):
            waiting = [self.fetch() for _ in range(9)]
            assert threading.active_count() < 60
            with pytest.raises(Unavailable):
                await self.fetch()
            self.s3.hold.set()
            for one in waiting:
                try:
                    assert await one == MAIL
                except Unavailable:  # no room
                    continue
                self.budget.give(len(MAIL))
        assert self.budget.held == 0
        assert await self.fetch() == MAIL
