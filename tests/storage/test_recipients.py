"""Which addresses have a mailbox, and public ones made of a first mail."""

from __future__ import annotations

from tempmail.storage.recipients import PostgresRecipients
from tests.storage.case import StorageCase, envelope, make_mailbox, verdicts


class RecipientsTest(StorageCase):
    def setUp(self) -> None:
        super().setUp()
        self.recipients = PostgresRecipients(self.make_database())

    async def made(self, *names: str, create: bool = True) -> tuple[list[str], int]:
        """Names that have a mailbox now, and how many were made."""
        addresses = [f"{name}@example.test" for name in names]
        living, made = await self.recipients.ensure_public(addresses, create=create)
        return sorted(address.partition("@")[0] for address in living), made

    async def test_an_address_stands_open_full_or_unknown(self) -> None:
        make_mailbox(self.connection, "open", message_count=99)
        make_mailbox(self.connection, "full", message_count=100)
        make_mailbox(self.connection, "gone", is_active=False)
        make_mailbox(self.connection, "late")
        self.expire("late@%")
        standings = {
            name: await self.recipients.standing(f"{name}@example.test")
            for name in ("open", "full", "gone", "late", "nobody")
        }
        assert standings == {
            "open": "open",
            "full": "full",
            "gone": "unknown",
            "late": "unknown",
            "nobody": "unknown",
        }

    async def test_a_first_mail_makes_a_public_mailbox_that_takes_it(self) -> None:
        assert await self.made("new", "other") == (["new", "other"], 2)
        assert await self.made("new") == (["new"], 0)
        assert self.query("SELECT DISTINCT owner_type, is_active FROM mailboxes") == [
            ("public", True)
        ]
        assert verdicts(await self.make_ingest().store(envelope("new"))) == ["stored"]

    async def test_looking_makes_nothing(self) -> None:
        make_mailbox(self.connection, "here")
        assert await self.made("here", "new", create=False) == (["here"], 0)

    async def test_a_released_private_address_is_not_made_public(self) -> None:
        self.query(
            "INSERT INTO tombstones (address_hash) VALUES (sha256('late@example.test'::bytea))"
        )
        assert await self.made("late", "new") == (["new"], 1)

    async def test_roles_are_nobody_s(self) -> None:
        assert await self.made("postmaster", "abuse") == ([], 0)

    async def test_an_expired_private_mailbox_is_not_taken_over(self) -> None:
        make_mailbox(self.connection, "late")
        self.expire()
        assert await self.made("late") == ([], 0)

    async def test_an_expired_public_mailbox_begins_anew(self) -> None:
        await self.made("shared")
        self.expire()
        assert await self.made("shared") == (["shared"], 1)
        assert self.query("SELECT expires_at > clock_timestamp() FROM mailboxes") == [(True,)]
