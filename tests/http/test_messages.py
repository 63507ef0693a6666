"""Messages over HTTP."""

from __future__ import annotations

import contextlib
from uuid import uuid4

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tempmail.http.cursors import Cursor
from tempmail.model.errors import InvalidInput, Unavailable
from tempmail.model.event import EventKind
from tempmail.model.message import View
from tests.http.service import Reply, Service, replies, request_bytes

RAW = b"Subject: hello\r\n\r\nhi there\r\n"


class MessageCase(TestCase):
    def setUp(self) -> None:
        self.service = Service()
        self.url, self.token = self.service.mailbox("ann")
        self.messages = f"{self.url}/messages"

    def call(self, method: str, target: str) -> Reply:
        return self.service.call(method, target, token=self.token)

    def arrive(self, count: int = 1) -> list[str]:
        return [str(self.service.storage.arrive("ann@mail.test", RAW)) for _ in range(count)]

    def assert_problem(self, reply: Reply, status: int, code: str) -> None:
        self.assertEqual((reply.status, reply.json["code"]), (status, code), reply)


class Listing(MessageCase):
    def seqs(self, query: str) -> tuple[list[int], str | None]:
        reply = self.call("GET", f"{self.messages}?{query}")
        self.assertEqual(reply.status, 200, reply)
        return [one["seq"] for one in reply.json["messages"]], reply.json["next"]

    def test_an_empty_mailbox_has_an_empty_list(self) -> None:
        self.assertEqual(self.call("GET", self.messages).json, {"messages": [], "next": None})

    def test_a_summary_says_what_a_list_shows(self) -> None:
        [which] = self.arrive()
        [summary] = self.call("GET", self.messages).json["messages"]
        self.assertEqual(
            summary,
            {
                "id": which,
                "seq": 1,
                "from_address": "ann@example.org",
                "from_name": "Ann",
                "to_address": "ann@mail.test",
                "tag": "",
                "subject": "hello",
                "preview": "Subject: hello hi there",
                "received_at": "2030-01-02T03:04:05Z",
                "size": len(RAW),
                "is_read": False,
                "attachment_count": 1,
                "codes": [{"value": "4711", "confidence": 0.9, "context": "It is 4711."}],
            },
        )

    def test_a_list_without_previews_is_better_than_none(self) -> None:
        self.arrive()
        self.service.parser.away = True
        [summary] = self.call("GET", self.messages).json["messages"]
        self.assertEqual((summary["preview"], summary["attachment_count"]), (None, None))

    def test_cursors_walk_down_from_the_newest(self) -> None:
        self.arrive(5)
        self.assertEqual(self.seqs("limit=2")[0], [5, 4])
        _, cursor = self.seqs("limit=2")
        self.assertEqual(self.seqs(f"limit=2&cursor={cursor}")[0], [3, 2])
        _, cursor = self.seqs(f"limit=2&cursor={cursor}")
        self.assertEqual(self.seqs(f"limit=2&cursor={cursor}"), ([1], None))

    def test_cursors_walk_up_from_after(self) -> None:
        self.arrive(5)
        found, cursor = self.seqs("limit=2&after=1")
        self.assertEqual(found, [2, 3])
        self.assertEqual(self.seqs(f"limit=2&after=1&cursor={cursor}"), ([4, 5], None))
        self.assertEqual(self.seqs(f"limit=2&cursor={cursor}"), ([4, 5], None))

    def test_a_downward_cursor_does_not_go_with_after(self) -> None:
        self.arrive(5)
        _, cursor = self.seqs("limit=2")
        reply = self.call("GET", f"{self.messages}?after=1&cursor={cursor}")
        self.assert_problem(reply, 422, "invalid")

    def test_unread_leaves_out_what_was_read(self) -> None:
        first, _ = self.arrive(2)
        self.call("GET", f"{self.messages}/{first}")
        for yes in ("true", "True", "1"):
            self.assertEqual(self.seqs(f"unread={yes}")[0], [2], yes)
        for no in ("false", "0", ""):
            self.assertEqual(self.seqs(f"unread={no}&cursor=&after=&q=")[0], [2, 1], no)

    def test_wrong_parameters_are_refused(self) -> None:
        for query in [
            "limit=0",
            "limit=201",
            "limit=ten",
            "limit=5&limit=6",
            "after=-1",
            "after=1.5",
            f"after={2**63}",
            "unread=yes",
            "unread=2",
            "cursor=x",
            "cursor=AQAAAAAAAAAB%0a",
            "cursor=CQAAAAAAAAAB",
            "cursor=Af__________",
            "cursor=" + "A" * 70,
            "words=x",
            "q=a%00b",
            f"q={'x' * 201}",
        ]:
            self.assert_problem(self.call("GET", f"{self.messages}?{query}"), 422, "invalid")

    def test_anothers_list_is_not_there(self) -> None:
        _, other = self.service.mailbox("bob")
        reply = self.service.call("GET", self.messages, token=other)
        self.assert_problem(reply, 404, "not_found")


class Reading(MessageCase):
    def test_a_message_has_all_that_is_known_of_it(self) -> None:
        [which] = self.arrive()
        read = self.call("GET", f"{self.messages}/{which}").json
        self.assertRegex(read.pop("html_url"), r"\A/m/[A-Za-z0-9_-]{86}\Z")
        self.assertEqual(
            {key: read[key] for key in sorted(read)},
            {
                "attachment_count": 1,
                "codes": [{"value": "4711", "confidence": 0.9, "context": "It is 4711."}],
                "attachments": [
                    {
                        "index": 0,
                        "filename": "a.pdf",
                        "content_type": "application/pdf",
                        "size": 12,
                        "content_id": None,
                        "inline": False,
                        "blocked": False,
                    }
                ],
                "body_html": "<p>hi</p>",
                "body_text": RAW.decode(),
                "cc": ["bob@example.org"],
                "date": "2030-01-02T03:04:05Z",
                "authentication": dict.fromkeys(
                    ("spf", "dkim", "dmarc", "arc", "spam", "virus"), None
                ),
                "defects": ["odd"],
                "links": [{"href": "https://shop.test/go?t=1", "text": "Go", "kind": "confirm"}],
                "envelope": {
                    "mail_from": "bounce@example.org",
                    "rcpt_to": "ann@mail.test",
                    "helo": "mx.example.org",
                    "peer_ip": "192.0.2.7",
                    "tls": None,
                },
                "from_address": "ann@example.org",
                "from_name": "Ann",
                "headers": [
                    {"name": "Received", "value": "from mx"},
                    {"name": "Subject", "value": "hello"},
                    {"name": "Return-Path", "value": "<>"},
                ],
                "id": which,
                "is_read": True,
                "preview": "Subject: hello hi there",
                "received_at": "2030-01-02T03:04:05Z",
                "reply_to": [],
                "seq": 1,
                "size": len(RAW),
                "subject": "hello",
                "tag": "",
                "to_address": "ann@mail.test",
                "trace": ["from mx", "<>"],
            },
        )

    def test_latest_is_the_newest(self) -> None:
        _, newest = self.arrive(2)
        self.assertEqual(self.call("GET", f"{self.messages}/latest").json["id"], newest)
        self.assertEqual(self.call("GET", f"{self.messages}/latest/raw").body, RAW)

    def test_latest_of_nothing_is_not_there(self) -> None:
        self.assert_problem(self.call("GET", f"{self.messages}/latest"), 404, "not_found")

    def test_only_our_spelling_of_an_id_is_one(self) -> None:
        [which] = self.arrive()
        for wrong in ["1", "x" * 500, f"{{{which}}}", which.replace("-", ""), f"urn:uuid:{which}"]:
            for method, end in (("GET", ""), ("GET", "/raw"), ("DELETE", "")):
                reply = self.call(method, f"{self.messages}/{wrong}{end}")
                self.assert_problem(reply, 404, "not_found")
        self.assert_problem(self.call("GET", f"{self.messages}/{uuid4()}"), 404, "not_found")
        self.assertEqual(self.call("GET", f"{self.messages}/{which.upper()}").status, 200)

    def test_without_a_worker_a_message_is_for_later(self) -> None:
        self.arrive()
        self.service.parser.away = True
        reply = self.call("GET", f"{self.messages}/latest")
        self.assert_problem(reply, 503, "unavailable")

    def test_what_is_deleted_while_it_is_made_readable_is_gone(self) -> None:
        [which] = self.arrive()
        for target in (f"/{which}", "/latest", "/latest/html"):
            view: Deferred[View] = Deferred()
            parse = self.service.parser.parse
            self.service.parser.parse = lambda *_, view=view: view  # type: ignore[method-assign]
            connection = self.service.connect()
            shown = {"Authorization": f"Bearer {self.token}"}
            connection.send(request_bytes("GET", self.messages + target, shown))
            box = self.service.storage.boxes.pop("ann@mail.test")
            parse("192.0.2.1", b"hi").chainDeferred(view)
            [reply] = replies(connection.received(), "GET")
            self.assert_problem(reply, 404, "not_found")
            self.service.storage.boxes["ann@mail.test"] = box
            self.service.parser.parse = parse  # type: ignore[method-assign]
            box.messages[0].message = evolve(box.messages[0].message, view=None)

    def test_raw_is_byte_for_byte_and_nothing_that_a_browser_opens(self) -> None:
        [which] = self.arrive()
        reply = self.call("GET", f"{self.messages}/{which}/raw")
        self.assertEqual((reply.status, reply.body), (200, RAW))
        self.assertEqual(reply.headers["content-type"], "message/rfc822")
        self.assertTrue(reply.headers["content-disposition"].startswith("attachment"))
        self.assertEqual(reply.headers["x-content-type-options"], "nosniff")
        self.assertTrue(reply.headers["content-security-policy"].startswith("sandbox;"))

    def test_a_large_message_waits_for_a_slow_reader(self) -> None:
        raw = bytes(range(256)) * 4096
        self.service.storage.arrive("ann@mail.test", raw)
        connection = self.service.connect()
        headers = {"Authorization": f"Bearer {self.token}"}
        channel, transport = connection.channel, connection.transport
        write = transport.write

        def write_and_fill_up(data: bytes) -> None:
            write(data)
            channel.pauseProducing()

        transport.write = write_and_fill_up  # type: ignore[method-assign]  # a small socket
        connection.send(request_bytes("GET", f"{self.messages}/latest/raw", headers))
        sent = [len(connection.received())]
        self.assertLess(sent[0], 65536 + 2048)
        while sent[-1] < len(raw):
            channel.resumeProducing()
            sent.append(len(connection.received()))
            self.assertLessEqual(sent[-1] - sent[-2], 65536)
        channel.resumeProducing()
        [reply] = replies(connection.received(), "GET")
        self.assertEqual(reply.body, raw)
        self.assertFalse(connection.closed)

    def test_a_reader_that_reads_too_slowly_is_cut(self) -> None:
        self.service.storage.arrive("ann@mail.test", b"x" * (64 * 16 * 1024))
        connection = self.service.connect()
        headers = {"Authorization": f"Bearer {self.token}"}
        write = connection.transport.write

        def write_and_fill_up(data: bytes) -> None:
            write(data)
            connection.channel.pauseProducing()

        connection.transport.write = write_and_fill_up  # type: ignore[method-assign]  # a full one
        connection.send(request_bytes("GET", f"{self.messages}/latest/raw", headers))
        self.service.clock.advance(30 + 63)
        self.assertFalse(connection.transport.aborted)
        self.service.clock.advance(2)
        self.assertTrue(connection.transport.aborted)

    def test_head_says_what_get_would(self) -> None:
        [which] = self.arrive()
        for target in (f"{self.messages}/{which}", f"{self.messages}/{which}/raw", self.messages):
            # Having been read once, it answers the same from then on.
            self.call("GET", target)
            head, get = self.call("HEAD", target), self.call("GET", target)
            self.assertEqual((head.status, head.body), (200, b""))
            self.assertEqual(head.headers["content-length"], str(len(get.body)))
            self.assertEqual(head.headers["content-type"], get.headers["content-type"])


class Removing(MessageCase):
    def test_one(self) -> None:
        first, second = self.arrive(2)
        self.assertEqual(self.call("DELETE", f"{self.messages}/{first}").status, 204)
        self.assertEqual(self.call("GET", f"{self.messages}/{first}").status, 404)
        self.assertEqual(self.call("GET", f"{self.messages}/{second}").status, 200)
        [event] = self.service.bus.published
        self.assertEqual((event.kind, str(event.message_id)), (EventKind.DELETED, first))

    def test_latest_is_no_target_for_it(self) -> None:
        self.arrive()
        reply = self.call("DELETE", f"{self.messages}/latest")
        self.assert_problem(reply, 404, "not_found")

    def test_all(self) -> None:
        self.arrive(3)
        self.assertEqual(self.call("DELETE", self.messages).status, 204)
        self.assertEqual(self.call("GET", self.messages).json["messages"], [])
        self.assertEqual(len(self.service.bus.published), 1)

    def test_anothers_are_not_there(self) -> None:
        [which] = self.arrive()
        _, other = self.service.mailbox("bob")
        for target in (self.messages, f"{self.messages}/{which}"):
            reply = self.service.call("DELETE", target, token=other)
            self.assert_problem(reply, 404, "not_found")
        self.assertEqual(self.call("GET", f"{self.messages}/{which}").status, 200)

    def test_a_client_that_leaves_has_still_emptied_it(self) -> None:
        self.arrive(2)
        self.service.storage.gate.close()
        connection = self.service.connect()
        headers = {"Authorization": f"Bearer {self.token}"}
        connection.send(request_bytes("DELETE", self.messages, headers))
        connection.leave()
        self.service.storage.gate.open()
        self.assertEqual(self.service.storage.boxes["ann@mail.test"].messages, [])
        self.assertEqual(len(self.service.bus.published), 1)

    def test_a_client_that_leaves_while_reading_leaves_the_view_kept(self) -> None:
        self.arrive()
        gate = self.service.storage.gate
        gate.close()
        connection = self.service.connect()
        headers = {"Authorization": f"Bearer {self.token}"}
        connection.send(request_bytes("GET", f"{self.messages}/latest", headers))
        connection.leave()
        gate.open()
        [stored] = self.service.storage.boxes["ann@mail.test"].messages
        self.assertIsNotNone(stored.message.view)

    def test_our_trouble_removes_nothing(self) -> None:
        self.arrive()
        self.service.storage.broken = Unavailable("away")
        self.assert_problem(self.call("DELETE", self.messages), 503, "unavailable")
        self.service.storage.broken = None
        self.assertEqual(len(self.call("GET", self.messages).json["messages"]), 1)


class Cursors(TestCase):
    @given(st.integers(0, 2**63 - 1), st.booleans())
    def test_what_we_give_out_comes_back(self, seq: int, oldest_first: bool) -> None:
        cursor = Cursor(seq, oldest_first)
        self.assertEqual(Cursor.read(cursor.text()), cursor)

    @given(st.text(max_size=16))
    def test_anything_else_is_refused_or_ours(self, text: str) -> None:
        with contextlib.suppress(InvalidInput):
            self.assertEqual(Cursor.read(text).text(), text)
