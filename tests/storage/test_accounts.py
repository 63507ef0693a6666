"""Accounts in PostgreSQL: users, plans, subscriptions, keys, invitations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred, gatherResults

from tempmail.core.tokens import digest
from tempmail.model.account import Scope, Usage, User
from tempmail.model.credentials import ApiKey
from tempmail.model.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    Unauthenticated,
)
from tempmail.model.mailbox import Made, NewMailbox, OwnerType, UserOwner
from tempmail.storage import invitations, keys, plans, users
from tempmail.storage.accounts import PostgresAccounts
from tempmail.storage.forgetting import forget_credentials
from tempmail.storage.keys import PostgresKeys
from tempmail.storage.single_use import PostgresSingleUse
from tempmail.storage.sweeping import PostgresHousekeeping
from tests.storage.case import MailboxCase, envelope, failures, verdicts


class AccountCase(MailboxCase):
    def run_in_database(self, work: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """A Deferred of what ``work`` returns, in a transaction of its own."""
        return Deferred.fromCoroutine(self.database.run(work, *args, **options))

    async def user(self, name: str = "ann", plan: str | None = None) -> User:
        made: User = await self.run_in_database(users.create_user, name, plan)
        return made

    async def key(self, user: User, *scopes: Scope, **options: Any) -> tuple[ApiKey, str]:
        made: tuple[ApiKey, str] = await self.run_in_database(
            keys.make_key, user.id, "laptop", scopes or (Scope.FULL,), **options
        )
        return made

    def mailbox(self, user: User, name: str) -> Deferred[Made]:
        new = NewMailbox(
            f"{name}@example.test", UserOwner(user.id), OwnerType.API, None, "192.0.2.1"
        )
        return Deferred.fromCoroutine(self.mailboxes.create(new))


class Users(AccountCase):
    async def test_a_name_is_one_users_in_whatever_case(self) -> None:
        ann = await self.user("  Ann ")
        assert ann.name == "Ann"
        assert await self.run_in_database(users.user_named, "ANN") == ann
        await self.assertFailure(self.run_in_database(users.create_user, "ann"), Conflict)
        bob = await self.user("bob")
        await self.assertFailure(self.run_in_database(users.rename_user, bob.id, "aNN"), Conflict)
        assert (await self.run_in_database(users.rename_user, bob.id, "Bob")).name == "Bob"

    async def test_names_that_cannot_be_shown_are_nobodys(self) -> None:
        for name in ("", "  ", "a\nb", "a\0", "\ud800", "x" * 65):
            await self.assertFailure(self.run_in_database(users.create_user, name), InvalidInput)

    async def test_they_are_listed_in_pages(self) -> None:
        made = [await self.user(f"user{n}") for n in range(3)]
        first = await self.run_in_database(users.users, limit=2)
        assert first == made[:2]
        assert await self.run_in_database(users.users, above=first[-1].id) == made[2:]

    async def test_a_deleted_users_mailboxes_and_keys_have_ended_and_the_name_is_free(self) -> None:
        ann, bob = await self.user("ann"), await self.user("bob")
        made = [(await self.mailbox(ann, f"box{n}")).mailbox.id for n in range(2)]
        await self.mailbox(bob, "other")
        _, secret = await self.key(ann)
        assert await self.run_in_database(users.delete_user, ann.id) == made
        opening = Deferred.fromCoroutine(self.mailboxes.get("box0@example.test", UserOwner(ann.id)))
        await self.assertFailure(opening, NotFound)
        assert await PostgresKeys(self.database).callers([digest(secret)]) == {}
        assert await self.run_in_database(users.users) == [bob]
        await self.assertFailure(self.run_in_database(users.user_named, "ann"), NotFound)
        await self.assertFailure(Deferred.fromCoroutine(self.key(ann)), NotFound)
        again = await self.user("ann")
        assert again.id != ann.id
        assert (await self.mailboxes.get("other@example.test", UserOwner(bob.id))).id

    async def test_what_is_left_of_a_deleted_user_goes_with_the_last_mailbox(self) -> None:
        ann = await self.user("ann", "pro")
        await self.mailbox(ann, "box")
        await self.run_in_database(users.delete_user, ann.id)
        assert self.query("SELECT name FROM users") == [("",)]
        await self.run_in_database(forget_credentials, 100)
        assert self.query("SELECT count(*) FROM users") == [(1,)]
        housekeeping = PostgresHousekeeping(self.database)
        await housekeeping.release_mailboxes(100)
        assert await housekeeping.forget_credentials(100) == 1
        assert self.query("SELECT count(*) FROM users") == [(0,)]


class Subscriptions(AccountCase):
    async def test_the_current_one_alone_says_which_plan_holds_and_the_others_stay(self) -> None:
        ann = await self.user()
        assert (await self.run_in_database(plans.plan_of, ann.id)).name == "free"
        await self.run_in_database(users.set_subscription, ann.id, "pro")
        assert (await self.run_in_database(plans.plan_of, ann.id)).name == "pro"
        assert await self.run_in_database(users.end_subscription, ann.id)
        assert (await self.run_in_database(plans.plan_of, ann.id)).name == "free"
        await self.run_in_database(users.set_subscription, ann.id, "free")
        history = await self.run_in_database(users.subscriptions, ann.id)
        assert [(one.plan, one.ended_at is None) for one in history] == [
            ("free", True),
            ("pro", False),
        ]
        await self.run_in_database(users.end_subscription, ann.id)
        assert not await self.run_in_database(users.end_subscription, ann.id)

    async def test_the_same_plan_again_changes_nothing(self) -> None:
        ann = await self.user("ann", "pro")
        await self.run_in_database(users.set_subscription, ann.id, "pro")
        assert len(await self.run_in_database(users.subscriptions, ann.id)) == 1

    async def test_of_many_set_at_once_one_is_current(self) -> None:
        ann = await self.user()
        names = ["pro", "free", "anonymous"] * 10
        await gatherResults(
            [self.run_in_database(users.set_subscription, ann.id, name) for name in names]
        )
        current = self.query("SELECT count(*) FROM subscriptions WHERE ended_at IS NULL")
        assert current == [(1,)]

    async def test_unknown_users_and_plans_are_said_to_be(self) -> None:
        ann = await self.user()
        setting = self.run_in_database(users.set_subscription, ann.id, "gold")
        assert "anonymous, free, pro" in (await self.assertFailure(setting, NotFound)).detail
        await self.assertFailure(self.run_in_database(users.set_subscription, 99, "pro"), NotFound)
        await self.assertFailure(self.run_in_database(users.create_user, "b", "gold"), NotFound)
        assert len(await self.run_in_database(users.users)) == 1


class Plans(AccountCase):
    async def test_a_change_counts_at_once_and_a_wrong_one_is_refused_by_its_name(self) -> None:
        changed = await self.run_in_database(plans.change_plan, "free", max_mailboxes=3)
        assert changed.max_mailboxes == 3
        assert changed in await self.run_in_database(plans.plans)
        for name, value in (
            ("max_mailboxes", -2),
            ("max_messages_per_mailbox", 2**31),
            ("default_ttl_minutes", 0),
            ("max_message_bytes", 0),
            ("requests_per_minute", -7),
            ("name", "x"),
            ("colour", 1),
        ):
            changing = self.run_in_database(plans.change_plan, "free", **{name: value})
            assert name in (await self.assertFailure(changing, InvalidInput)).detail
        await self.assertFailure(
            self.run_in_database(plans.change_plan, "gold", max_mailboxes=1), NotFound
        )

    async def test_a_plan_of_ones_own_can_be_made_and_subscribed_to(self) -> None:
        free = await self.run_in_database(plans.plan, "free")
        gold = evolve(free, name="gold", max_mailboxes=-1)
        await self.run_in_database(plans.put_plan, gold)
        ann = await self.user("ann", "gold")
        assert await self.run_in_database(plans.plan_of, ann.id) == gold
        await self.assertFailure(
            self.run_in_database(plans.put_plan, evolve(gold, name="a b")), InvalidInput
        )


class Quotas(AccountCase):
    async def test_of_64_mails_at_once_ten_are_stored_where_there_is_room_for_ten(self) -> None:
        ann = await self.user()
        await self.run_in_database(plans.change_plan, "free", max_messages_per_mailbox=10)
        await self.mailbox(ann, "box")
        other = self.make_ingest()  # another daemon's
        deliveries = [(self.ingest, other)[n % 2].store(envelope("box")) for n in range(64)]
        creations = [self.mailbox(ann, f"beside{n}") for n in range(40)]
        placed = await gatherResults(deliveries)
        assert sorted(verdict for one in placed for verdict in verdicts(one)) == (
            ["full"] * 54 + ["stored"] * 10
        )
        assert len(await failures(creations)) == 16
        box = await self.mailboxes.get("box@example.test", UserOwner(ann.id))
        assert (box.message_count, box.last_seq) == (10, 10)
        usage = await self.run_in_database(users.usage, ann.id)
        assert usage == Usage(mailboxes=25, messages=10)


class Keys(AccountCase):
    async def test_only_a_digest_is_kept_and_the_first_characters(self) -> None:
        ann = await self.user()
        key, secret = await self.key(ann, Scope.READ, Scope.CODES)
        assert secret.startswith("uct_")
        assert len(secret) == 47
        assert key.prefix == secret[:12]
        assert key.scopes == (Scope.CODES, Scope.READ)
        [(row,)] = self.query("SELECT api_keys::text FROM api_keys")
        assert secret[12:] not in row
        [found] = (await PostgresKeys(self.database).callers([digest(secret)])).values()
        assert (found.owner, found.scope, found.key_id) == (UserOwner(ann.id), Scope.READ, key.id)

    async def test_they_end_when_they_are_revoked_or_when_they_said(self) -> None:
        ann = await self.user()
        soon = datetime.now(UTC) + timedelta(days=1)
        (a, one), (b, two) = await self.key(ann), await self.key(ann, expires_at=soon)
        listed = await self.run_in_database(keys.list_keys, ann.id)
        assert [key.id for key in listed] == [b.id, a.id]
        await self.run_in_database(keys.revoke_key, ann.id, a.id)
        self.query("UPDATE api_keys SET expires_at = clock_timestamp() WHERE id = %s", b.id)
        store = PostgresKeys(self.database)
        assert await store.callers([digest(one), digest(two)]) == {}
        assert await self.run_in_database(keys.list_keys, ann.id) == []
        await self.assertFailure(self.run_in_database(keys.revoke_key, ann.id, a.id), NotFound)

    async def test_anothers_key_looks_like_none(self) -> None:
        ann, bob = await self.user("ann"), await self.user("bob")
        key, secret = await self.key(ann)
        accounts = PostgresAccounts(self.database)
        assert await accounts.keys(UserOwner(bob.id)) == []
        details = set()
        for identity in (key.id, 999):
            revoking: Deferred[Any] = Deferred.fromCoroutine(
                accounts.revoke_key(UserOwner(bob.id), identity)
            )
            details.add((await self.assertFailure(revoking, NotFound)).detail)
        assert len(details) == 1
        assert await PostgresKeys(self.database).callers([digest(secret)])

    async def test_of_60_made_at_once_50_are(self) -> None:
        ann, bob = await self.user("ann"), await self.user("bob")
        makings: list[Deferred[Any]] = [
            self.run_in_database(keys.make_key, ann.id, "k") for _ in range(60)
        ]
        assert await failures(makings) == [Conflict] * 10
        await self.key(bob)
        self.query(
            "UPDATE api_keys SET revoked_at = clock_timestamp() WHERE id IN"
            " (SELECT id FROM api_keys WHERE user_id = %s LIMIT 1)",
            ann.id,
        )
        await self.key(ann)

    async def test_a_key_that_would_be_none_is_not_made(self) -> None:
        ann = await self.user()
        past = datetime.now(UTC) - timedelta(seconds=1)
        west, east = timezone(-timedelta(hours=12)), timezone(timedelta(hours=14))
        for moment in (datetime.max.replace(tzinfo=west), datetime.min.replace(tzinfo=east)):
            making: Deferred[Any] = Deferred.fromCoroutine(self.key(ann, expires_at=moment))
            await self.assertFailure(making, InvalidInput)
        await self.assertFailure(
            Deferred.fromCoroutine(self.key(ann, expires_at=past)), InvalidInput
        )
        await self.assertFailure(self.run_in_database(keys.make_key, ann.id, "k", ()), InvalidInput)
        await self.assertFailure(self.run_in_database(keys.make_key, ann.id, " "), InvalidInput)
        assert self.query("SELECT count(*) FROM api_keys") == [(0,)]

    async def test_a_key_that_ends_makes_none_that_outlives_it(self) -> None:
        ann = await self.user()
        soon = datetime.now(UTC) + timedelta(days=1)
        _, secret = await self.key(ann, expires_at=soon)
        short = digest(secret)
        lasting = digest((await self.key(ann))[1])
        for later in (None, soon + timedelta(seconds=1)):
            making = Deferred.fromCoroutine(self.key(ann, expires_at=later, made_by=short))
            await self.assertFailure(making, InvalidInput)
        assert (await self.key(ann, expires_at=soon, made_by=short))[0].expires_at == soon
        assert (await self.key(ann, made_by=lasting))[0].expires_at is None

    async def browser(self, user: User) -> bytes:
        """The digest of a cookie that is good."""
        self.query(
            "INSERT INTO passkeys (user_id, credential_id, public_key, sign_count, name)"
            " VALUES (%s, 'id', 'key', 0, 'phone')",
            user.id,
        )
        shown = digest("browser")
        self.query(
            "INSERT INTO sessions (token_hash, user_id, passkey_id, expires_at)"
            " SELECT %s, user_id, id, clock_timestamp() + interval '1 day' FROM passkeys",
            shown,
        )
        return shown

    async def test_what_makes_one_is_in_force(self) -> None:
        ann, bob = await self.user("ann"), await self.user("bob")
        browser = await self.browser(ann)
        key, secret = await self.key(ann)
        for shown in (browser, digest(secret)):
            await self.key(ann, made_by=shown)
            making: Deferred[Any] = Deferred.fromCoroutine(self.key(bob, made_by=shown))
            await self.assertFailure(making, Unauthenticated)
        self.query("UPDATE sessions SET expires_at = clock_timestamp()")
        await self.run_in_database(keys.revoke_key, ann.id, key.id)
        soon = datetime.now(UTC) + timedelta(days=1)
        _, expired = await self.key(ann, expires_at=soon)
        self.query("UPDATE api_keys SET expires_at = clock_timestamp() WHERE expires_at > now()")
        for shown in (browser, digest(secret), digest(expired), digest("nothing")):
            making = Deferred.fromCoroutine(self.key(ann, made_by=shown))
            await self.assertFailure(making, Unauthenticated)

    async def test_one_that_is_being_revoked_makes_none(self) -> None:
        ann = await self.user()
        key, secret = await self.key(ann)
        operator = self.connect()
        operator.autocommit = False
        with operator.cursor() as cursor:
            keys.revoke_key(cursor, ann.id, key.id)
            making = Deferred.fromCoroutine(self.key(ann, made_by=digest(secret)))
            await self.until("EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock')")
        operator.commit()
        await self.assertFailure(making, Unauthenticated)

    async def test_a_use_is_noted_once_a_minute(self) -> None:
        ann = await self.user()
        key, _ = await self.key(ann)
        store = PostgresKeys(self.database)
        await store.used([key.id, 999])
        first = (await self.run_in_database(keys.list_keys, ann.id))[0].last_used_at
        assert first is not None
        await store.used([key.id])
        assert (await self.run_in_database(keys.list_keys, ann.id))[0].last_used_at == first
        self.query("UPDATE api_keys SET last_used_at = last_used_at - interval '61 seconds'")
        await store.used([key.id])
        assert (await self.run_in_database(keys.list_keys, ann.id))[0].last_used_at > first

    async def test_noting_a_use_waits_for_nobody(self) -> None:
        ann = await self.user()
        key, _ = await self.key(ann)
        holder = self.connect()
        holder.autocommit = False
        with holder.cursor() as cursor:
            cursor.execute("SELECT FROM api_keys WHERE id = %s FOR UPDATE", (key.id,))
            await PostgresKeys(self.database).used([key.id])
        holder.rollback()


class Invitations(AccountCase):
    async def test_it_is_good_for_one(self) -> None:
        ann, bob = await self.user("ann"), await self.user("bob")
        made, code = await self.run_in_database(invitations.make_invitation, 3)
        assert (made.expires_at - made.created_at).days == 3
        assert await self.run_in_database(invitations.is_open, digest(code))
        uses = [
            self.run_in_database(invitations.use_invitation, digest(code), user.id)
            for user in (ann, bob)
        ]
        assert await failures(uses) == [Forbidden]
        assert not await self.run_in_database(invitations.is_open, digest(code))
        [listed] = await self.run_in_database(invitations.invitations)
        assert listed.used_by in ("ann", "bob")

    async def test_it_stays_used_when_whoever_used_it_is_gone(self) -> None:
        ann = await self.user()
        _, code = await self.run_in_database(invitations.make_invitation)
        await self.run_in_database(invitations.use_invitation, digest(code), ann.id)
        await self.run_in_database(users.delete_user, ann.id)
        await self.run_in_database(forget_credentials, 10)
        assert not await self.run_in_database(invitations.is_open, digest(code))

    async def test_late_or_withdrawn_it_is_good_for_nobody(self) -> None:
        one, late = await self.run_in_database(invitations.make_invitation)
        other, code = await self.run_in_database(invitations.make_invitation)
        self.query("UPDATE invitations SET expires_at = clock_timestamp() WHERE id = %s", one.id)
        assert await self.run_in_database(invitations.withdraw_invitation, other.id)
        for text in (late, code, "made up"):
            assert not await self.run_in_database(invitations.is_open, digest(text))
        for days in (0, 366):
            await self.assertFailure(
                self.run_in_database(invitations.make_invitation, days), InvalidInput
            )


class SingleUses(AccountCase):
    async def test_the_first_who_asks_gets_it_whichever_daemon(self) -> None:
        here, there = PostgresSingleUse(self.database), PostgresSingleUse(self.make_database())
        await here.keep(b"d" * 32, "ticket", {"a": 1}, 30)
        asked = [
            Deferred.fromCoroutine(store.take(b"d" * 32, "ticket")) for store in (here, there) * 20
        ]
        assert [one for one in await gatherResults(asked) if one] == [{"a": 1}]

    async def test_it_is_good_for_its_purpose_and_in_time(self) -> None:
        store = PostgresSingleUse(self.database)
        await store.keep(b"d" * 32, "ticket", {}, 30)
        assert await store.take(b"d" * 32, "sign_in") is None
        assert await store.take(b"d" * 32, "ticket") == {}
        await store.keep(b"e" * 32, "ticket", {}, 0)
        assert await store.take(b"e" * 32, "ticket") is None


class Forgetting(AccountCase):
    async def test_what_opens_nothing_any_more_is_forgotten_in_steps_and_nothing_else(self) -> None:
        ann = await self.user()
        for n in range(3):
            self.query(
                "INSERT INTO single_use VALUES (%s, 'x', '{}', clock_timestamp())", bytes([n]) * 32
            )
        store = PostgresSingleUse(self.database)
        await store.keep(b"d" * 32, "ticket", {"a": 1}, 30)
        old, _ = await self.key(ann)
        recent, _ = await self.key(ann)
        self.query("UPDATE api_keys SET revoked_at = clock_timestamp() WHERE id = %s", recent.id)
        self.query(
            "UPDATE api_keys SET revoked_at = clock_timestamp() - interval '91 days' WHERE id = %s",
            old.id,
        )
        await self.key(ann)
        gone, _ = await self.run_in_database(invitations.make_invitation)
        await self.run_in_database(invitations.make_invitation)
        self.query(
            "UPDATE invitations SET expires_at = clock_timestamp() - interval '31 days'"
            " WHERE id = %s",
            gone.id,
        )
        housekeeping = PostgresHousekeeping(self.database)
        done = [await housekeeping.forget_credentials(2) for _ in range(3)]
        assert done == [4, 1, 0]
        assert await store.take(b"d" * 32, "ticket") == {"a": 1}
        assert self.query("SELECT count(*) FROM api_keys") == [(2,)]
        assert self.query("SELECT count(*) FROM invitations") == [(1,)]
        assert await self.run_in_database(users.users) == [ann]
