from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tempmail.http.events import PING_SECONDS
from tempmail.model.event import Event, EventKind
from tests.http.doubles import NOW
from tests.http.service import Connection, Headers, Reply, Service, replies, request_bytes


def chunks(body: bytes) -> tuple[bytes, bool]:
    """What came in chunks (RFC 9112 section 7.1), and whether that was all."""
    content = b""
    while body:
        length, _, rest = body.partition(b"\r\n")
        size = int(length, 16)
        if size == 0:
            return content, True
        content += rest[:size]
        body = rest[size + 2 :]
    return content, False


class Events(SynchronousTestCase):
    def setUp(self) -> None:
        self.service = Service()
        self.url, self.token = self.service.mailbox("ann")
        self.target = f"{self.url}/events"

    def open(
        self, query: str = "", headers: Headers | None = None, client: str = "192.0.2.1"
    ) -> Connection:
        connection = self.service.connect(client)
        sent = {"Authorization": f"Bearer {self.token}"} if headers is None else headers
        connection.send(request_bytes("GET", f"{self.target}{query}", sent))
        return connection

    def head(self, connection: Connection) -> bytes:
        return connection.received().partition(b"\r\n\r\n")[0]

    def blocks(self, connection: Connection) -> list[dict[str, str]]:
        """The fields of each block of the stream by now (WHATWG HTML, section 9.2.5)."""
        content, _ = chunks(connection.received().partition(b"\r\n\r\n")[2])
        assert not content or content.endswith(b"\n\n"), content
        return [
            dict(line.split(": ", 1) for line in block.splitlines())
            for block in content.decode().split("\n\n")
            if block
        ]

    def told(self, connection: Connection) -> list[Any]:
        """The data of what followed the opening block."""
        return [json.loads(block["data"]) for block in self.blocks(connection)[1:]]

    def is_over(self, connection: Connection) -> bool:
        return chunks(connection.received().partition(b"\r\n\r\n")[2])[1]

    def network_of(self, connection: Connection) -> Any:
        """What the network pauses and resumes."""
        return connection.transport.producer

    def refused(self, reason: str) -> float | None:
        return self.service.metrics.registry.get_sample_value(
            "tempmail_followers_refused_total", {"reason": reason}
        )

    def held(self) -> float | None:
        return self.service.metrics.registry.get_sample_value("tempmail_event_streams")

    def assert_problem(self, reply: Reply, status: int, code: str) -> None:
        self.assertEqual((reply.status, reply.json["code"]), (status, code), reply)

    def assert_nothing_is_held(self) -> None:
        self.assertEqual(self.held(), 0)
        self.assertEqual(self.service.bus._subscriptions, {})

    def test_a_stream_opens_at_once_and_is_stored_nowhere(self) -> None:
        stream = self.open()
        head = self.head(stream)
        self.assertTrue(head.startswith(b"HTTP/1.1 200 "))
        for line in [
            b"Content-Type: text/event-stream",
            b"Cache-Control: no-store",
            b"X-Accel-Buffering: no",
            b"Transfer-Encoding: chunked",
        ]:
            self.assertIn(line, head)
        self.assertEqual(self.blocks(stream), [{"id": "0", "retry": "2000"}])

    def test_an_event_is_told_as_on_the_websocket(self) -> None:
        stream = self.open()
        message_id = str(self.service.deliver(self.url))
        self.service.call("DELETE", f"{self.url}/messages/{message_id}", token=self.token)
        _, new, deleted = self.blocks(stream)
        self.assertEqual((new["id"], new["event"]), ("1", "new_message"))
        self.assertEqual(
            json.loads(new["data"]),
            {"event": "new_message", "message_id": message_id, "seq": 1},
        )
        self.assertEqual(deleted["event"], "deleted")
        self.assertNotIn("id", deleted)
        self.assertEqual(
            json.loads(deleted["data"]), {"event": "deleted", "message_id": message_id}
        )

    def test_it_begins_now_or_behind_the_number_that_is_given(self) -> None:
        for _ in range(3):
            self.service.deliver(self.url)
        self.assertEqual(self.blocks(self.open()), [{"id": "3", "retry": "2000"}])
        stream = self.open("?after=1")
        self.assertEqual(self.blocks(stream)[0]["id"], "1")
        self.assertEqual([one["seq"] for one in self.told(stream)], [2, 3])
        self.assertEqual(self.blocks(self.open("?after=99"))[0]["id"], "3")

    def test_a_browser_that_comes_again_goes_on_where_it_was(self) -> None:
        for _ in range(3):
            self.service.deliver(self.url)
        given = {"Authorization": f"Bearer {self.token}", "Last-Event-ID": "2"}
        stream = self.open("?after=0", given)
        self.assertEqual([one["seq"] for one in self.told(stream)], [3])

    def test_a_credential_may_stand_in_the_query(self) -> None:
        for name in ["token", "api_key"]:
            stream = self.open(f"?{name}={self.token}", {})
            self.assertEqual(self.blocks(stream), [{"id": "0", "retry": "2000"}])
            stream.leave()

    def test_without_the_mailboxs_credential_there_is_no_stream(self) -> None:
        _, other = self.service.mailbox("bob")
        for query, status in [
            ("", 401),
            ("?token=", 401),
            ("?token=nobodys", 401),
            ("?token=%C3%BC", 401),
            (f"?token={self.token}&api_key=another", 401),
            (f"?token={other}", 404),
        ]:
            [reply] = replies(self.open(query, {}).received(), "GET")
            self.assertEqual(reply.status, status, query)
        self.assert_nothing_is_held()

    def test_wrong_parameters_are_refused(self) -> None:
        for query, last_event_id in [
            ("?after=-1", None),
            ("?since=1", None),
            ("", "x"),
            ("", "-1"),
            ("", "9" * 19),
        ]:
            headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
            target = f"{self.target}{query}"
            reply = self.service.call("GET", target, token=self.token, headers=headers)
            self.assert_problem(reply, 422, "invalid")

    def test_head_is_answered_and_ends(self) -> None:
        reply = self.service.call("HEAD", self.target, token=self.token)
        self.assertEqual((reply.status, reply.headers["content-type"]), (200, "text/event-stream"))
        self.assert_nothing_is_held()

    def test_a_ping_comes_every_20_seconds(self) -> None:
        stream = self.open()
        for second in range(1, 3 * PING_SECONDS + 1):
            self.service.clock.advance(1)
            self.assertLessEqual(abs(len(self.told(stream)) - second / PING_SECONDS), 1)
        self.assertEqual(self.told(stream), [{"event": "ping"}] * 3)
        self.assertEqual(self.blocks(stream)[1]["event"], "ping")

    def test_no_deadline_cuts_a_stream(self) -> None:
        stream = self.open()
        for _ in range(3600):
            self.service.clock.advance(1)
        self.assertFalse(stream.closed)
        self.service.deliver(self.url)
        self.assertEqual(self.told(stream)[-1]["seq"], 1)

    def test_the_end_of_the_mailbox_is_told_and_ends_the_stream(self) -> None:
        stream = self.open()
        self.service.call("DELETE", self.url, token=self.token)
        self.assertEqual(self.told(stream), [{"event": "expired"}])
        self.assertTrue(self.is_over(stream))
        self.assert_nothing_is_held()

    def test_a_mailbox_past_its_time_is_noticed_without_the_sweeper(self) -> None:
        self.service.clock.advance(NOW.timestamp())
        stream = self.open()
        self.service.clock.advance(3599)
        self.assertFalse(self.is_over(stream))
        del self.service.storage.boxes[self.url.rpartition("/")[2]]
        self.service.mailbox("somebody")
        self.service.clock.advance(2)
        self.assertEqual(self.told(stream)[-1], {"event": "expired"})
        self.assertTrue(self.is_over(stream))

    def test_a_mailbox_that_was_extended_goes_on(self) -> None:
        self.service.clock.advance(NOW.timestamp())
        stream = self.open()
        self.service.call("PATCH", self.url, {"ttl_minutes": 120}, token=self.token)
        self.service.clock.advance(3601)
        self.service.clock.advance(1)
        self.service.deliver(self.url)
        self.assertEqual(self.told(stream)[-1]["seq"], 1)

    def test_who_leaves_frees_everything(self) -> None:
        stream = self.open()
        self.assertEqual(self.held(), 1)
        stream.leave()
        self.assert_nothing_is_held()
        self.assertEqual(self.service.clock.getDelayedCalls(), [])
        self.service.deliver(self.url)

    def test_to_one_who_does_not_read_nothing_is_written(self) -> None:
        stream = self.open()
        self.network_of(stream).pauseProducing()
        for _ in range(3):
            self.service.deliver(self.url)
        self.assertEqual(self.told(stream), [])
        self.network_of(stream).resumeProducing()
        self.assertEqual([one["seq"] for one in self.told(stream)], [1, 2, 3])

    def test_one_who_has_not_caught_up_by_the_next_ping_is_let_go(self) -> None:
        stream = self.open()
        self.network_of(stream).pauseProducing()
        for _ in range(PING_SECONDS):
            self.service.clock.advance(1)
        self.assertTrue(self.is_over(stream))
        self.assertEqual(self.refused("slow"), 1)
        self.assert_nothing_is_held()

    def test_one_who_would_miss_what_is_in_no_table_is_let_go(self) -> None:
        stream = self.open()
        self.network_of(stream).pauseProducing()
        self.service.bus.publish(Event(EventKind.DELETED, 1))
        self.assertTrue(self.is_over(stream))
        self.assert_nothing_is_held()

    def test_a_network_has_only_so_many_streams(self) -> None:
        streams = [self.open() for _ in range(3)]
        [refused] = replies(self.open().received(), "GET")
        self.assert_problem(refused, 429, "limit_reached")
        streams.append(self.open(client="198.51.100.1"))
        [refused] = replies(self.open(client="203.0.113.1").received(), "GET")
        self.assert_problem(refused, 503, "unavailable")
        self.assertEqual((self.refused("network_full"), self.refused("full")), (1, 1))
        streams[0].leave()
        self.assertEqual(len(self.blocks(self.open())), 1)

    def test_a_stopping_daemon_ends_all_streams(self) -> None:
        stream = self.open()
        self.service.streams.stop()
        self.assertTrue(self.is_over(stream))
        [refused] = replies(self.open().received(), "GET")
        self.assert_problem(refused, 503, "unavailable")
        self.assert_nothing_is_held()
