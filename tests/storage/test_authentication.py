"""Where a message comes from, kept beside it."""

from __future__ import annotations

from attrs import evolve

from tempmail.model.authentication import Authentication, Finding, Scan, Signature
from tempmail.model.message import Message
from tests.storage.case import MailboxCase, envelope, owner

BOX = "box@example.test"
PASS = Finding("pass", "it is", "shop.example")
SIGNED = evolve(PASS, signatures=(Signature("shop.example", "s1", "pass", "signed"),))
FOUND = Authentication(Finding("none", "nobody says", None), SIGNED, PASS, PASS)


class AuthenticationTest(MailboxCase):
    async def a_message(self) -> Message:
        await self.create()
        await self.deliver()
        return await self.read()

    async def read(self) -> Message:
        return await self.messages.get(BOX, owner("box"), None)

    async def test_what_nobody_found_out_is_not_there(self) -> None:
        assert (await self.a_message()).authentication is None

    async def test_what_was_found_out_is_there_for_every_reader(self) -> None:
        message = await self.a_message()
        await self.messages.keep_authentication(message.summary, FOUND)
        assert (await self.read()).authentication == FOUND
        fetched, _ = await self.messages.fetch(
            message.summary.mailbox_id, message.summary.id, 2**31 - 1
        )
        assert fetched.authentication == FOUND

    async def test_what_others_found_in_it_stays(self) -> None:
        message = await self.a_message()
        self.query("""UPDATE messages SET authentication = '{"spam": {"result": "fail",
                   "reason": "says another"}}'""")
        scanned = (await self.read()).authentication
        assert scanned == Authentication(spam=Scan("fail", "says another"))
        assert not scanned.evaluated
        await self.messages.keep_authentication(message.summary, FOUND)
        assert (await self.read()).authentication == evolve(FOUND, spam=scanned.spam)

    async def test_what_came_with_a_mail_is_there_from_the_start(self) -> None:
        await self.create()
        mail = envelope("box")
        mail.authentication = evolve(FOUND, arc=None, virus=Scan("pass", "Grüße"))
        ingest = self.make_ingest()
        await ingest.store(envelope("box"))
        await ingest.store(mail)
        assert (await self.read()).authentication == mail.authentication

    async def test_it_finds_a_message_that_was_moved(self) -> None:
        message = await self.a_message()
        await self.mailboxes.extend(BOX, owner("box"), 600)
        await self.messages.keep_authentication(message.summary, FOUND)
        assert (await self.read()).authentication == FOUND

    async def test_a_message_that_is_gone_is_no_error(self) -> None:
        message = await self.a_message()
        await self.messages.delete(BOX, owner("box"), message.summary.id)
        await self.messages.keep_authentication(message.summary, FOUND)
        self.query("DELETE FROM mailboxes")
        await self.messages.keep_authentication(message.summary, FOUND)
