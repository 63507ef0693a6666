"""Tokens that open one message for ten minutes."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.signing import Grant, Signing, SigningKey
from tempmail.model.errors import NotFound, Unavailable

GRANT = Grant(2**63 - 1, UUID("01890a5d-ac96-774b-bcce-b302099a8057"))
EPOCH = 1_900_000_000


class Keys:
    """The keys of a database, and how often they were asked for."""

    def __init__(self) -> None:
        self.keys = [SigningKey(1, b"1" * 32)]
        self.asked = 0
        self.away = False

    async def signing_keys(self) -> list[SigningKey]:
        self.asked += 1
        if self.away:
            raise Unavailable("the database is away")
        return self.keys

    def rotate(self) -> None:
        number = self.keys[0].id + 1
        self.keys = [SigningKey(number, bytes([number]) * 32), *self.keys]


class SigningTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(EPOCH)
        self.keys = Keys()
        self.signing = Signing(self.keys, self.clock.seconds)

    def sign(self, signing: Signing | None = None) -> str:
        token = Deferred.fromCoroutine((signing or self.signing).sign(GRANT))
        return str(self.successResultOf(token))

    def opened(self, token: str, signing: Signing | None = None) -> Grant:
        grant = self.successResultOf(Deferred.fromCoroutine((signing or self.signing).open(token)))
        assert isinstance(grant, Grant)
        return grant

    def refuses(self, token: str, signing: Signing | None = None) -> None:
        self.failureResultOf(
            Deferred.fromCoroutine((signing or self.signing).open(token)), NotFound
        )

    def test_a_token_opens_what_it_was_made_for(self) -> None:
        token = self.sign()
        self.assertEqual(self.opened(token), GRANT)
        self.assertRegex(token, r"\A[A-Za-z0-9_-]{86}\Z")

    def test_after_ten_minutes_it_opens_nothing(self) -> None:
        token = self.sign()
        self.clock.advance(540)
        self.opened(token)
        self.clock.advance(60)
        self.refuses(token)

    def test_within_a_minute_it_is_the_same_again(self) -> None:
        self.clock.advance(-EPOCH % 60)
        token = self.sign()
        self.clock.advance(59)
        self.assertEqual(self.sign(), token)
        self.clock.advance(1)
        self.assertNotEqual(self.sign(), token)

    def test_no_bit_of_it_can_be_changed(self) -> None:
        token = self.sign()
        whole = urlsafe_b64decode(token + "==")
        for place in range(len(whole) * 8):
            changed = bytearray(whole)
            changed[place // 8] ^= 1 << place % 8
            self.refuses(urlsafe_b64encode(changed).rstrip(b"=").decode())

    def test_it_has_one_spelling(self) -> None:
        token = self.sign()
        for other in (token + "=", token + "==", token + "A", " " + token, token[:-1], ""):
            self.refuses(other)
        last = token[-1]
        for letter in set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") - {last}:
            self.refuses(token[:-1] + letter)

    @given(st.text() | st.binary().map(lambda data: urlsafe_b64encode(data).decode()))
    def test_what_was_made_up_opens_nothing(self, token: str) -> None:
        self.refuses(token)

    def test_daemons_on_one_database_open_each_others(self) -> None:
        self.assertEqual(self.opened(self.sign(), Signing(self.keys, self.clock.seconds)), GRANT)

    def test_a_key_of_another_database_opens_nothing(self) -> None:
        other = Keys()
        other.keys = [SigningKey(1, b"2" * 32)]
        self.refuses(self.sign(), Signing(other, self.clock.seconds))

    def test_keys_are_asked_for_once_an_hour(self) -> None:
        for _ in range(10):
            self.opened(self.sign())
        self.assertEqual(self.keys.asked, 1)
        self.clock.advance(3600)
        self.sign()
        self.assertEqual(self.keys.asked, 2)

    def test_a_change_of_keys_is_seamless(self) -> None:
        behind = Signing(self.keys, self.clock.seconds)
        self.sign(behind)
        self.clock.advance(60)
        self.keys.rotate()
        old, new = self.sign(behind), self.sign()
        self.assertNotEqual(old[:6], new[:6])
        for signing in (behind, self.signing):
            self.assertEqual(self.opened(old, signing), GRANT)
            self.assertEqual(self.opened(new, signing), GRANT)

    def test_made_up_keys_do_not_bring_the_database_down(self) -> None:
        self.sign()
        unknown = [
            urlsafe_b64encode(bytes([0, 0, 1, n, 0xFF, 0, 0, 0]) + bytes(56)).rstrip(b"=").decode()
            for n in range(100)
        ]
        self.clock.advance(60)
        for token in unknown:
            self.refuses(token)
        self.assertEqual(self.keys.asked, 2)

    def test_without_the_database_nothing_is_signed_and_known_keys_still_open(self) -> None:
        token = self.sign()
        self.keys.away = True
        self.clock.advance(300)
        self.assertEqual(self.opened(token), GRANT)
        fresh = Signing(self.keys, self.clock.seconds)
        self.failureResultOf(Deferred.fromCoroutine(fresh.sign(GRANT)), Unavailable)
