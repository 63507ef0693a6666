"""Where mails come from, found out by real workers, with mails that mean harm."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from attrs import asdict, evolve
from msgspec.msgpack import encode
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from tempmail.core.metrics import Metrics
from tempmail.mail.authenticity.answers import Answer, Question
from tempmail.model.authentication import Authentication, Finding
from tempmail.model.message import Trace
from tempmail.workers.answers import Examining, InvalidAnswer, request
from tempmail.workers.examinations import Judgement, Lookups, SpfCheck, Survey
from tempmail.workers.pool import ParserPool
from tests.mail.authenticity.zone import MAIL, key_record, rsa_key, signed

ASKER = "192.0.2.1"
TRACE = Trace("ann@shop.example", "box@mail.test", "mx.shop.example", "192.0.2.10", None)
NO_SPF = Finding("none", "nothing")
SPF_RECORD = Question("shop.example", "TXT")
KEY = Question("s1._domainkey.shop.example", "TXT")
POLICY = Question("_dmarc.shop.example", "TXT")
LARGE = 24 * 1024 * 1024


def answers(record: str | None = None) -> dict[Question, Answer]:
    return {KEY: Answer((record or rsa_key()[1],)), POLICY: Answer(("v=DMARC1; p=reject",))}


@pytest.mark.alone
class ExaminationTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.pool = ParserPool(reactor, Metrics(), size=1)
        self.pool.start()
        self.addCleanup(self.pool.stop)

    async def dkim(self, mail: bytes, record: str | None = None) -> Finding:
        judged = await self.pool.judge(ASKER, mail, NO_SPF, answers(record))
        assert judged.dkim is not None
        return judged.dkim

    async def test_spf_is_asked_for_until_nothing_lacks(self) -> None:
        self.assertEqual(await self.pool.check_spf(ASKER, TRACE, {}), [SPF_RECORD])
        record = Answer(("v=spf1 ip4:192.0.2.0/24 -all",))
        found = await self.pool.check_spf(ASKER, TRACE, {SPF_RECORD: record})
        assert isinstance(found, Finding)
        self.assertEqual((found.result, found.domain), ("pass", "shop.example"))

    async def test_a_signed_mail_is_judged_with_the_answers_it_asked_for(self) -> None:
        mail = signed()
        self.assertEqual(await self.pool.survey(ASKER, mail), [KEY, POLICY])
        found = await self.pool.judge(ASKER, mail, NO_SPF, answers())
        assert found.dkim is not None
        assert found.dmarc is not None
        assert found.arc is not None
        self.assertEqual(found.spf, NO_SPF)
        self.assertEqual(
            (found.dkim.result, found.dmarc.result, found.arc.result), ("pass", "pass", "none")
        )

    async def test_an_answer_that_is_missing_is_one_that_could_not_be_had(self) -> None:
        found = await self.pool.judge(ASKER, signed(), NO_SPF, {})
        assert found.dkim is not None
        self.assertEqual(found.dkim.result, "temperror")

    async def test_a_mail_of_24_megabytes_with_many_signatures(self) -> None:
        body = (b"A" * 76 + b"\r\n") * (LARGE // 78)
        mail = MAIL + body
        for canonicalize in ((b"relaxed", b"relaxed"), (b"relaxed", b"simple")):
            mail = signed(mail, canonicalize=canonicalize)
        found = await self.dkim(mail)
        self.assertEqual([one.result for one in found.signatures], ["pass", "pass"])

    async def test_bodies_made_to_take_long(self) -> None:
        for line in (b" ", b"\r\n", b" \r\n", b"\r", b"\n", b"\t x"):
            found = await self.dkim(signed() + line * (LARGE // len(line)))
            self.assertIn(found.result, ("pass", "fail", "permerror"))

    async def test_headers_made_to_take_long(self) -> None:
        many = b"".join(b"X-%d: y\r\n" % n for n in range(900))
        folded = b"X: y\r\n" + b" z\r\n" * 60_000
        wide = b"DKIM-Signature: v=1; a=rsa-sha256; d=shop.example; s=s1; bh=AAAA; b=AAAA; h=from"
        wide = (wide + b"".join(b":n%d" % n for n in range(190)) + b"\r\n") * 8
        spaces = b"DKIM-Signature: v=1; a=rsa-sha256; d=shop.example; s=s1; h=from; bh=AAAA; b=A"
        spaces += (b" " * 90 + b"A") * 80 + b"!\r\n"
        for head in (many + wide, folded, spaces * 8, b"a" * 300_000, b"\n" * 10 + b"x" * 1000):
            found = await self.dkim(head + MAIL)
            self.assertIn(found.result, ("fail", "permerror", "none"))

    async def test_keys_made_to_take_long(self) -> None:
        def der(tag: int, content: bytes) -> bytes:
            return bytes([tag, 0x83]) + len(content).to_bytes(3, "big") + content

        huge = der(2, b"\x7f" * 4000)
        public = der(0x30, huge + huge)
        algorithm = der(0x30, bytes.fromhex("06092a864886f70d0101010500"))
        spki = der(0x30, algorithm + der(3, b"\0" + public))
        record = f"v=DKIM1; p={base64.b64encode(spki).decode()}"
        self.assertEqual((await self.dkim(signed(), record)).result, "permerror")

    async def test_a_mail_that_costs_its_worker_is_judged_for_good(self) -> None:
        kill = "import os, signal; os.kill(os.getpid(), signal.SIGPROF)"
        boot = (
            "import sys, struct; o = sys.stdout.buffer; o.write(struct.pack('!I', 0)); o.flush();"
            f"sys.stdin.buffer.read(4); {kill}"
        )
        import sys

        pool = ParserPool(reactor, Metrics(), size=1, worker_command=[sys.executable, "-c", boot])
        pool.start()
        self.addCleanup(pool.stop)
        found = await pool.judge(ASKER, signed(), NO_SPF, {})
        assert found.dkim is not None
        self.assertEqual((found.spf, found.dkim.result), (NO_SPF, "permerror"))
        self.assertEqual(await pool.survey(ASKER, signed()), [])
        spf = await pool.check_spf(ASKER, TRACE, {})
        assert isinstance(spf, Finding)
        self.assertEqual(spf.result, "permerror")


@pytest.mark.parametrize(
    "asked",
    [
        SpfCheck("192.0.2.1", "helo", "a@b.example", Lookups.of(answers())),
        Survey(b"\x00raw\xff"),
        Judgement(b"\x00raw\xff", NO_SPF, Lookups.of(answers())),
    ],
)
def test_examinations_cross_the_pipe_unchanged(asked: Any) -> None:
    assert request(Examining(asked).encoded()[4:]) == Examining(asked)


GOOD = Authentication(NO_SPF, NO_SPF, NO_SPF, NO_SPF)


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        Authentication(),
        evolve(GOOD, arc=None),
        evolve(GOOD, dkim=Finding("great", "")),
        evolve(GOOD, dkim=Finding("pass", "a\0b")),
        evolve(GOOD, dkim=Finding("pass", "x" * 100_000)),
        evolve(GOOD, dkim=Finding("pass", "", "x" * 100_000)),
    ],
)
def test_a_worker_that_was_taken_over_cannot_say_just_anything(said: Any) -> None:
    judgement = Examining(Judgement(b"", NO_SPF, Lookups(())))
    plain = asdict(said) if isinstance(said, Authentication) else said
    with pytest.raises(InvalidAnswer):
        judgement.result(encode(plain))
    assert judgement.result(encode(asdict(GOOD))) == GOOD


def test_a_worker_cannot_have_just_anything_asked() -> None:
    many = [asdict(Question(f"n{n}.example", "TXT")) for n in range(1000)]
    with pytest.raises(InvalidAnswer):
        Examining(Survey(b"")).result(encode(many))
    with pytest.raises(InvalidAnswer):
        Examining(Survey(b"")).result(encode([{"name": "a.example", "kind": "AXFR"}]))


def test_the_key_record_of_the_zone_is_the_one_that_is_used() -> None:
    assert (KEY.name, KEY.kind) in key_record()
