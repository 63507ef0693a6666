"""Passkeys and signed-in browsers in PostgreSQL."""

from __future__ import annotations

import secrets

from twisted.internet.defer import Deferred

from tempmail.core.tokens import digest
from tempmail.model.account import Caller
from tempmail.model.credentials import NewPasskey, Passkey
from tempmail.model.errors import Conflict, Forbidden, NotFound, Unauthenticated
from tempmail.model.mailbox import UserOwner
from tempmail.storage import invitations, users
from tempmail.storage.accounts import PostgresAccounts
from tempmail.storage.keys import PostgresKeys
from tempmail.storage.passkeys import (
    MOST,
    MOST_SESSIONS,
    PostgresEnrolments,
)
from tests.storage.case import failures
from tests.storage.test_accounts import AccountCase


def passkey(name: str = "laptop", sign_count: int = 0) -> NewPasskey:
    return NewPasskey(secrets.token_bytes(32), b"key", sign_count, name)


class PasskeyCase(AccountCase):
    def setUp(self) -> None:
        super().setUp()
        self.enrolments = PostgresEnrolments(self.database)
        self.accounts = PostgresAccounts(self.database)

    async def caller(self, digest: bytes) -> Caller | None:
        """Who is signed in at the browser whose cookie has this digest."""
        return (await PostgresKeys(self.database).callers([digest])).get(digest)

    async def signed_up(self, name: str = "ann", key: NewPasskey | None = None) -> UserOwner:
        """Somebody whose browser has the token that is their name."""
        user = await self.enrolments.sign_up(
            name, secrets.token_bytes(32), None, key or passkey(), digest(name)
        )
        return UserOwner(user.id)

    async def add(
        self,
        user: UserOwner,
        key: NewPasskey | None = None,
        by: bytes | None = None,
        *,
        first_only: bool = False,
    ) -> Passkey:
        """A further passkey, added in the browser of ann where nothing else is said."""
        return await self.enrolments.add_passkey(
            user, key or passkey(), by or digest("ann"), first_only=first_only
        )


class SigningUp(PasskeyCase):
    async def test_it_makes_the_user_the_passkey_and_the_session(self) -> None:
        key = passkey(sign_count=7)
        ann = await self.signed_up("ann", key)
        known = await self.enrolments.known(key.credential_id)
        assert known is not None
        assert (known.public_key, known.sign_count) == (b"key", 7)
        enrolment = await self.enrolments.enrolment(ann)
        assert (enrolment.name, enrolment.known) == ("ann", (key.credential_id,))
        assert enrolment.handle == known.user_handle
        caller = await self.caller(digest("ann"))
        assert caller is not None
        assert (caller.owner, caller.requests_per_minute) == (ann, 600)
        [(days,)] = self.query(
            "SELECT round(extract(epoch FROM expires_at - created_at) / 86400)"
            "::integer FROM sessions"
        )
        assert days == 30

    async def test_where_anything_fails_nothing_is_there(self) -> None:
        key = passkey()
        await self.signed_up("ann", key)
        _, code = await self.run_in_database(invitations.make_invitation)
        for name, invitation, used, error in (
            ("ANN", None, passkey(), Conflict),
            ("bob", None, key, Conflict),
            ("bob", digest("made up"), passkey(), Forbidden),
            ("bob", digest(code), key, Conflict),
        ):
            signing: Deferred[object] = Deferred.fromCoroutine(
                self.enrolments.sign_up(name, b"h" * 32, invitation, used, digest("x"))
            )
            await self.assertFailure(signing, error)
        assert len(await self.run_in_database(users.users)) == 1
        assert self.query("SELECT count(*) FROM sessions") == [(1,)]
        assert await self.enrolments.invited(digest(code)), "nobody has used it up"

    async def test_of_many_with_one_invitation_one_gets_in(self) -> None:
        _, code = await self.run_in_database(invitations.make_invitation)
        signing: list[Deferred[object]] = [
            Deferred.fromCoroutine(
                self.enrolments.sign_up(
                    f"user{n}", secrets.token_bytes(32), digest(code), passkey(), digest(f"{n}")
                )
            )
            for n in range(12)
        ]
        assert await failures(signing) == [Forbidden] * 11
        assert len(await self.run_in_database(users.users)) == 1


class SigningIn(PasskeyCase):
    async def test_a_counter_that_does_not_move_on_lets_nobody_in(self) -> None:
        key = passkey(sign_count=3)
        await self.signed_up("ann", key)
        known = await self.enrolments.known(key.credential_id)
        assert known is not None
        for count, admitted in (
            (3, False),
            (2, False),
            (4, True),
            (4, False),
            (0, False),
            (9, True),
        ):
            user = await self.enrolments.sign_in(known.id, count, secrets.token_bytes(32))
            assert (user is not None) == admitted, count
        assert self.query("SELECT count(*) FROM sessions") == [(3,)]

    async def test_a_passkey_that_does_not_count_stays_at_zero(self) -> None:
        key = passkey()
        await self.signed_up("ann", key)
        known = await self.enrolments.known(key.credential_id)
        assert known is not None
        for _ in range(2):
            assert await self.enrolments.sign_in(known.id, 0, secrets.token_bytes(32))
        assert (await self.accounts.passkeys(await self.ann()))[0].last_used_at is not None

    async def ann(self) -> UserOwner:
        return UserOwner((await self.run_in_database(users.user_named, "ann")).id)

    async def test_a_session_ends_when_it_is_ended_or_over(self) -> None:
        await self.signed_up("ann")
        await self.signed_up("bob")
        await self.accounts.sign_out(digest("ann"))
        assert await self.caller(digest("ann")) is None
        assert await self.caller(digest("bob")) is not None
        self.query("UPDATE sessions SET expires_at = clock_timestamp()")
        assert await self.caller(digest("bob")) is None

    async def test_of_too_many_browsers_the_oldest_are_signed_out(self) -> None:
        key = passkey()
        await self.signed_up("ann", key)
        await self.signed_up("bob")
        known = await self.enrolments.known(key.credential_id)
        assert known is not None
        for _ in range(MOST_SESSIONS):
            await self.enrolments.sign_in(known.id, 0, secrets.token_bytes(32))
        assert await self.caller(digest("ann")) is None
        assert await self.caller(digest("bob")) is not None
        assert self.query("SELECT count(*) FROM sessions") == [(MOST_SESSIONS + 1,)]


class Passkeys(PasskeyCase):
    async def test_removing_one_signs_out_the_browsers_that_it_signed_in(self) -> None:
        ann = await self.signed_up("ann")
        added = await self.add(ann, passkey("phone"))
        await self.enrolments.sign_in(added.id, 0, digest("phone"))
        listed = await self.accounts.passkeys(ann)
        assert [one.name for one in listed] == ["phone", "laptop"]
        await self.accounts.remove_passkey(ann, added.id)
        assert await self.caller(digest("phone")) is None
        assert await self.caller(digest("ann")) is not None

    async def test_the_last_one_stays(self) -> None:
        ann = await self.signed_up("ann")
        other = await self.add(ann)
        [_, first] = await self.accounts.passkeys(ann)
        removing: list[Deferred[object]] = [
            Deferred.fromCoroutine(self.accounts.remove_passkey(ann, one.id))
            for one in (first, other)
        ]
        assert await failures(removing) == [Conflict]
        assert len(await self.accounts.passkeys(ann)) == 1

    async def test_anothers_looks_like_none(self) -> None:
        ann, bob = await self.signed_up("ann"), await self.signed_up("bob")
        await self.add(ann)
        for one in await self.accounts.passkeys(ann):
            removing: Deferred[object] = Deferred.fromCoroutine(
                self.accounts.remove_passkey(bob, one.id)
            )
            await self.assertFailure(removing, NotFound)
        assert len(await self.accounts.passkeys(ann)) == 2

    async def test_what_adds_one_is_in_force(self) -> None:
        ann, bob = await self.signed_up("ann"), await self.signed_up("bob")
        for user, shown in ((ann, "bob"), (bob, "ann"), (ann, "nobody")):
            adding: Deferred[object] = Deferred.fromCoroutine(self.add(user, None, digest(shown)))
            await self.assertFailure(adding, Unauthenticated)
        await self.accounts.sign_out(digest("ann"))
        await self.assertFailure(Deferred.fromCoroutine(self.add(ann)), Unauthenticated)
        assert len(await self.accounts.passkeys(ann)) == 1

    async def test_of_many_first_ones_at_once_one_is_added(self) -> None:
        ann = await self.user("ann")
        _, secret = await self.key(ann)
        adding: list[Deferred[object]] = [
            Deferred.fromCoroutine(
                self.add(UserOwner(ann.id), None, digest(secret), first_only=True)
            )
            for _ in range(8)
        ]
        assert await failures(adding) == [Forbidden] * 7

    async def test_there_are_20_at_the_most(self) -> None:
        ann = await self.signed_up("ann")
        adding: list[Deferred[object]] = [Deferred.fromCoroutine(self.add(ann)) for _ in range(25)]
        assert await failures(adding) == [Conflict] * (25 - MOST + 1)

    async def test_those_of_a_deleted_user_open_nothing(self) -> None:
        key = passkey()
        ann = await self.signed_up("ann", key)
        await self.run_in_database(users.delete_user, ann.user_id)
        assert await self.enrolments.known(key.credential_id) is None
        assert await self.caller(digest("ann")) is None
