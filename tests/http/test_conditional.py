"""Asking for a message's headers alone, and whether what one has is still right."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.http.service import Reply, Service, replies, request_bytes


class Messages(SynchronousTestCase):
    def setUp(self) -> None:
        self.service = Service()
        self.url, self.token = self.service.mailbox("ann")
        self.service.deliver(self.url)
        self.latest = f"{self.url}/messages/latest"

    def ask(self, method: str, target: str, **headers: str) -> Reply:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.service.call(method, target, token=self.token, headers=sent)

    def unread(self) -> int:
        return len(self.ask("GET", f"{self.url}/messages?unread=true").json["messages"])

    def test_head_leaves_a_message_unread(self) -> None:
        for target in [self.latest, f"{self.latest}/html", f"{self.latest}/raw"]:
            reply = self.ask("HEAD", target)
            self.assertEqual((reply.status, reply.body), (200, b""))
            self.assertEqual(self.unread(), 1)
        self.ask("GET", self.latest)
        self.assertEqual(self.unread(), 0)

    def test_head_says_what_get_does(self) -> None:
        self.ask("GET", self.latest)  # which marks it as read
        head, got = self.ask("HEAD", self.latest), self.ask("GET", self.latest)
        for name in ["content-type", "content-length", "etag", "cache-control"]:
            self.assertEqual(head.headers[name], got.headers[name])

    def test_head_does_not_wait(self) -> None:
        connection = self.service.connect()
        headers = {"Authorization": f"Bearer {self.token}"}
        target = f"{self.url}/messages/wait?from=nobody&timeout=120"
        connection.send(request_bytes("HEAD", target, headers))
        self.service.clock.advance(0)
        [reply] = replies(connection.received(), "HEAD")
        self.assertEqual(reply.status, 204)
        reply = self.ask("HEAD", f"{self.url}/events")
        self.assertEqual((reply.status, reply.body), (200, b""))

    def test_whoever_has_a_message_is_not_sent_it_again(self) -> None:
        self.ask("GET", self.latest)  # which makes its view
        first = self.ask("GET", self.latest)
        self.assertEqual(first.headers["cache-control"], "private, no-cache")
        self.assertRegex(first.headers["etag"], r'\A"[0-9a-f]{32}"\Z')
        tag = first.headers["etag"]
        for known in [tag, f"W/{tag}", f'"other", {tag}', "*"]:
            again = self.ask("GET", self.latest, If_None_Match=known)
            self.assertEqual((again.status, again.body), (304, b""), known)
            self.assertEqual(again.headers["etag"], tag)
            self.assertEqual(again.headers["cache-control"], "private, no-cache")
            self.assertNotIn("content-length", again.headers)
        for other in ['"other"', "", tag.strip('"'), tag[:-1]]:
            again = self.ask("GET", self.latest, If_None_Match=other)
            self.assertEqual(again.json, first.json, other)

    def test_what_changed_is_sent(self) -> None:
        tag = self.ask("GET", self.latest).headers["etag"]
        [stored] = self.service.storage.boxes["ann@mail.test"].messages
        summary = evolve(stored.message.summary, tag="changed")
        stored.message = evolve(stored.message, summary=summary)
        reply = self.ask("GET", self.latest, If_None_Match=tag)
        self.assertEqual(reply.status, 200)
        self.assertNotEqual(reply.headers["etag"], tag)

    def test_a_304_does_not_outlive_the_address_of_the_document(self) -> None:
        tag = self.ask("GET", self.latest).headers["etag"]
        self.service.clock.advance(60)
        self.assertEqual(self.ask("GET", self.latest, If_None_Match=tag).status, 200)

    def test_a_304_is_for_the_owner_alone(self) -> None:
        tag = self.ask("GET", self.latest).headers["etag"]
        reply = self.service.call("GET", self.latest, token="other", headers={"If-None-Match": tag})
        self.assertEqual(reply.status, 401)

    def test_everything_else_is_not_to_be_kept(self) -> None:
        for target in [self.url, f"{self.url}/messages", f"{self.latest}/raw", "/health", "/x"]:
            reply = self.ask("GET", target)
            self.assertEqual(reply.headers["cache-control"], "no-store", target)
            self.assertNotIn("etag", reply.headers)
