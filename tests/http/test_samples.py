"""A test mail is asked for over HTTP."""

from __future__ import annotations

import re
from email import message_from_bytes, policy

from twisted.trial.unittest import TestCase

from tests.http.service import Service


class Samples(TestCase):
    def setUp(self) -> None:
        self.service = Service()
        self.box, self.token = self.service.mailbox("box")
        self.path = f"{self.box}/messages/test"

    def test_a_mail_with_a_code_comes_by_the_door_that_all_mail_takes(self) -> None:
        reply = self.service.call("POST", self.path, token=self.token)
        self.assertEqual(reply.status, 201)
        (envelope,) = self.service.door.envelopes
        self.assertEqual(
            (envelope.mail_from, envelope.recipients[0].address), ("", "box@mail.test")
        )
        raw = b"".join(envelope.chunks)
        self.assertEqual(envelope.size, len(raw))
        self.assertEqual(re.findall(rb"(?<!\r)\n|\r(?!\n)", raw), [])
        mail = message_from_bytes(raw, policy=policy.default)
        code = re.fullmatch(r"([0-9]{6}) is your test code", mail["Subject"])
        assert code is not None
        for kind in ("plain", "html"):
            body = mail.get_body((kind,))
            assert body is not None
            self.assertIn(code[1], body.get_content())
        read = self.service.call("GET", f"{self.box}/messages/{reply.json['id']}", token=self.token)
        self.assertEqual(read.status, 200)

    def test_a_full_mailbox_gets_none(self) -> None:
        for status in (201, 201, 429):
            reply = self.service.call("POST", self.path, token=self.token)
            self.assertEqual(reply.status, status)
        self.assertEqual(reply.json["code"], "limit_reached")

    def test_anothers_mailbox_gets_none(self) -> None:
        _, other = self.service.mailbox("other")
        self.assertEqual(self.service.call("POST", self.path, token=other).status, 404)
        self.assertEqual(self.service.call("POST", self.path).status, 401)
        self.assertEqual(self.service.door.envelopes, [])
