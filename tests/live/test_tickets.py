"""WebSockets by ticket: once, for whoever asked, never in a log."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.mailboxes import owner_of
from tempmail.core.tokens import digest
from tempmail.model.account import Caller
from tests.live.doubles import FOREIGN_TOKEN, TOKEN, Service, Visitor

KEY = "uct_key"


class TicketTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.service = Service(self.clock)

    def ticket(self, token: str = TOKEN) -> str:
        giving = self.service.tickets.give(Caller(owner_of(token)), "192.0.2.1")
        ticket, _ = self.successResultOf(Deferred.fromCoroutine(giving))
        return ticket

    def visit(self, query: str) -> int | None:
        return Visitor(self.service, self.clock, query).status

    def test_one_opens_one_websocket(self) -> None:
        ticket = self.ticket()
        with capturedLogs() as events:
            self.assertEqual(self.visit(f"?ticket={ticket}"), 101)
            self.assertEqual(self.visit(f"?ticket={ticket}"), 401)
        self.assertNotIn(ticket, str(events))
        self.assertEqual(self.service.open(), 1)

    def test_it_opens_no_more_than_its_owner_may(self) -> None:
        self.assertEqual(self.visit(f"?ticket={self.ticket(FOREIGN_TOKEN)}"), 404)

    def test_the_websocket_of_a_key_that_is_revoked_is_closed_within_a_second(self) -> None:
        shown = digest(KEY)
        self.service.accounts.keys[shown] = Caller(owner_of(TOKEN), key_id=1, digest=shown)
        visitor = Visitor(self.service, self.clock, f"?api_key={KEY}")
        self.assertEqual(visitor.status, 101)
        self.clock.pump([0.5] * 10)
        self.assertEqual(self.service.open(), 1)
        self.service.accounts.keys.clear()
        self.clock.pump([0.5] * 2)
        self.assertEqual(visitor.close_code, 4401)
        self.assertEqual(self.service.refused("revoked"), 1)

    def test_beside_a_token_it_is_not_even_looked_at(self) -> None:
        ticket = self.ticket()
        self.assertEqual(self.visit(f"?ticket={ticket}&token={TOKEN}"), 401)
        self.assertEqual(self.visit(f"?ticket={ticket}"), 101)
