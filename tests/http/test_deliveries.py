"""The delivery log over HTTP."""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from tempmail.model.delivery import Refused
from tests.http.service import Service


class DeliveryLogTest(TestCase):
    def setUp(self) -> None:
        self.service = Service()
        self.box, self.token = self.service.mailbox("box")

    def note(self, verdict: str) -> None:
        address = self.box.rpartition("/")[2]
        self.service.delivery_log.note(
            Refused((address,), verdict, "why", "ann@sender.test", "client", "::1", None, 38, 7)
        )

    def test_an_owner_sees_what_came_newest_first(self) -> None:
        self.note("full")
        self.note("deferred")
        self.service.clock.advance(1)
        reply = self.service.call("GET", f"{self.box}/deliveries", token=self.token)
        assert [entry["verdict"] for entry in reply.json["deliveries"]] == ["deferred", "full"]
        assert reply.json["deliveries"][0] == {
            "at": "2030-01-02T03:04:05Z",
            "verdict": "deferred",
            "reason": "why",
            "mail_from": "ann@sender.test",
            "rcpt_to": "box@mail.test",
            "helo": "client",
            "peer_ip": "::1",
            "tls": None,
            "size": 38,
            "milliseconds": {"received": 7, "queued": 0},
        }
        limited = self.service.call("GET", f"{self.box}/deliveries?limit=1", token=self.token)
        assert len(limited.json["deliveries"]) == 1

    def test_nobody_else_sees_it(self) -> None:
        _, stranger = self.service.mailbox("other")
        assert self.service.call("GET", f"{self.box}/deliveries", token=stranger).status == 404
        assert self.service.call("GET", f"{self.box}/deliveries").status == 401

    def test_notes_beyond_the_bound_are_dropped_and_counted(self) -> None:
        for _ in range(1005):
            self.note("full")
        metrics = self.service.metrics.registry
        assert metrics.get_sample_value("tempmail_delivery_notes_dropped_total") == 5
        self.service.clock.advance(1)
        assert len(self.service.deliveries.notes) == 1000
