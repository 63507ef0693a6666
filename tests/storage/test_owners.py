"""Mailboxes of users, and wishes that are repeated."""

from __future__ import annotations

from twisted.internet.defer import Deferred, gatherResults

from tempmail.core.tokens import digest as key_digest
from tempmail.model.account import Caller, Scope
from tempmail.model.errors import LimitReached, NotFound
from tempmail.model.mailbox import (
    Everybody,
    Made,
    NewMailbox,
    OwnerType,
    RepeatableWish,
    SessionOwner,
    UserOwner,
)
from tempmail.storage.keys import PostgresKeys
from tests.storage.case import MailboxCase, envelope, make_mailbox, owner


class UserCase(MailboxCase):
    def make_user(self, name: str, plan: str | None = None) -> UserOwner:
        [(user,)] = self.query("INSERT INTO users (name) VALUES (%s) RETURNING id", name)
        if plan is not None:
            self.query(
                "INSERT INTO subscriptions (user_id, plan) VALUES (%s, %s) RETURNING id", user, plan
            )
        return UserOwner(user)

    def asked(
        self, user: UserOwner, name: str, wish: RepeatableWish | None = None
    ) -> Deferred[Made]:
        new = NewMailbox(f"{name}@example.test", user, OwnerType.API, None, "192.0.2.1", wish)
        return Deferred.fromCoroutine(self.mailboxes.create(new))


class Users(UserCase):
    async def test_a_users_mailbox_opens_to_that_user_alone(self) -> None:
        ann, bob = self.make_user("ann"), self.make_user("bob")
        made = await self.asked(ann, "box")
        await self.ingest.store(envelope("box"))
        assert (await self.mailboxes.get("box@example.test", ann)).id == made.mailbox.id
        assert (await self.messages.get("box@example.test", ann, None)).summary.seq == 1
        for other in (bob, Everybody()):
            getting = Deferred.fromCoroutine(self.mailboxes.get("box@example.test", other))
            await self.assertFailure(getting, NotFound)
            reading = Deferred.fromCoroutine(self.messages.get("box@example.test", other, None))
            await self.assertFailure(reading, NotFound)

    async def test_an_anonymous_mailbox_is_no_users(self) -> None:
        await self.create()
        getting = Deferred.fromCoroutine(
            self.mailboxes.get("box@example.test", self.make_user("ann"))
        )
        await self.assertFailure(getting, NotFound)

    async def test_everybody_opens_public_mailboxes(self) -> None:
        make_mailbox(self.connection, "shared", owner_type="public", session_token_hash=None)
        assert (await self.mailboxes.get("shared@example.test", Everybody())).id

    async def test_lists_are_in_pages_without_what_has_ended(self) -> None:
        ann, bob = self.make_user("ann"), self.make_user("bob")
        made = [(await self.asked(ann, f"box{n}")).mailbox for n in range(4)]
        await self.asked(bob, "other")
        await self.mailboxes.delete("box1@example.test", ann)
        first = await self.mailboxes.of_user(ann, limit=2, below=None)
        assert [one.id for one in first] == [made[3].id, made[2].id]
        rest = await self.mailboxes.of_user(ann, limit=2, below=first[-1].id)
        assert [one.id for one in rest] == [made[0].id]

    async def test_of_64_asked_for_at_once_as_many_are_made_as_the_plan_allows(self) -> None:
        ann = self.make_user("ann")
        outcomes = [self.asked(ann, f"box{n}").addErrback(lambda why: why.value) for n in range(64)]
        made = [one for one in await gatherResults(outcomes) if isinstance(one, Made)]
        assert len(made) == 25

    async def test_a_subscription_counts_from_the_next_wish_on(self) -> None:
        ann = self.make_user("ann")
        self.connection.cursor().execute("UPDATE plans SET max_mailboxes = 1 WHERE name = 'free'")
        await self.asked(ann, "a")
        await self.assertFailure(self.asked(ann, "b"), LimitReached)
        self.query(
            "INSERT INTO subscriptions (user_id, plan) VALUES (%s, 'pro') RETURNING id", ann.user_id
        )
        await self.asked(ann, "b")
        life = (await self.mailboxes.extend("b@example.test", ann, 10**6)).expires_at
        assert (life - (await self.mailboxes.get("b@example.test", ann)).created_at).days == 30


class Wishes(UserCase):
    wish = RepeatableWish(b"w" * 32, b"s" * 32)

    async def test_the_same_wish_gives_the_same_mailbox_and_its_first_salt(self) -> None:
        ann = self.make_user("ann")
        first = await self.asked(ann, "a", self.wish)
        again = await self.asked(ann, "b", RepeatableWish(self.wish.digest, b"t" * 32))
        assert (again.mailbox, again.salt) == (first.mailbox, b"s" * 32)

    async def test_of_many_at_once_one_is_made(self) -> None:
        ann = self.make_user("ann")
        made = await gatherResults([self.asked(ann, f"a{n}", self.wish) for n in range(20)])
        assert len({one.mailbox.id for one in made}) == 1

    async def test_once_that_mailbox_has_ended_it_gives_another(self) -> None:
        ann = self.make_user("ann")
        first = await self.asked(ann, "a", self.wish)
        self.connection.cursor().execute("UPDATE mailboxes SET expires_at = clock_timestamp()")
        second = await self.asked(ann, "b", self.wish)
        await self.mailboxes.delete("b@example.test", ann)
        third = await self.asked(ann, "c", self.wish)
        assert len({one.mailbox.id for one in (first, second, third)}) == 3

    async def test_without_an_account_it_is_the_same_for_ten_minutes(self) -> None:
        whose = SessionOwner(bytes(32))

        async def asked(name: str) -> int:
            new = NewMailbox(
                f"{name}@example.test", whose, OwnerType.ANONYMOUS, None, "192.0.2.1", self.wish
            )
            return (await self.mailboxes.create(new)).mailbox.id

        first = await asked("a")
        assert await asked("b") == first
        self.query(
            "UPDATE mailboxes SET created_at = created_at - interval '11 minutes' RETURNING 1"
        )
        whose = SessionOwner(bytes(31) + b"x")
        assert await asked("c") != first

    async def test_the_salt_alone_opens_nothing(self) -> None:
        assert owner("box") != SessionOwner(self.wish.salt)


class Keys(UserCase):
    def make_key(self, user: UserOwner, key: str, *scopes: str, **columns: object) -> None:
        values = {"revoked_at": None, "expires_at": None, **columns}
        self.query(
            "INSERT INTO api_keys (user_id, key_hash, prefix, name, scopes, revoked_at, expires_at)"
            " VALUES (%s, %s, 'uct_', 'test', %s, %s, %s) RETURNING id",
            user.user_id,
            key_digest(key),
            list(scopes),
            values["revoked_at"],
            values["expires_at"],
        )

    async def test_a_key_is_its_users_with_its_widest_scope_and_the_plans_rate(self) -> None:
        ann, bob = self.make_user("ann"), self.make_user("bob", "pro")
        self.make_key(ann, "a", "codes", "read")
        self.make_key(bob, "b", "full", "codes")
        found = await PostgresKeys(self.database).callers([key_digest("a"), key_digest("b")])
        (a, b) = found[key_digest("a")], found[key_digest("b")]
        assert (a.owner, a.scope, a.requests_per_minute) == (ann, Scope.READ, 600)
        assert (b.owner, b.scope, b.requests_per_minute) == (bob, Scope.FULL, 6000)
        assert isinstance(a, Caller)
        assert a.key_id != b.key_id

    async def test_what_was_revoked_has_expired_or_never_was_is_nobodys(self) -> None:
        ann = self.make_user("ann")
        self.make_key(ann, "revoked", "full", revoked_at="2020-01-01")
        self.make_key(ann, "expired", "full", expires_at="2020-01-01")
        asked = [key_digest(key) for key in ("revoked", "expired", "never")]
        assert await PostgresKeys(self.database).callers(asked) == {}
