"""The daemons' keys: made once, changed daily, kept for those that are behind."""

from __future__ import annotations

from twisted.internet.defer import Deferred, gatherResults

from tempmail.storage.secrets import PostgresSecrets
from tests.storage.case import StorageCase


class SecretsTest(StorageCase):
    def setUp(self) -> None:
        super().setUp()
        self.secrets = PostgresSecrets(self.make_database(), "documents")

    def age(self, interval: str) -> None:
        self.query("UPDATE secrets SET created_at = created_at - %s::interval", interval)

    async def test_the_first_who_asks_makes_the_key_that_all_others_get(self) -> None:
        other = PostgresSecrets(self.make_database(), "documents")
        answers = await gatherResults(
            [
                Deferred.fromCoroutine(one.signing_keys())
                for one in (self.secrets, other, self.secrets, other, self.secrets, other)
            ]
        )
        (key,) = answers[0]
        assert len(key.secret) == 32
        assert answers == [[key]] * 6

    async def test_a_key_signs_for_a_day_and_opens_for_another(self) -> None:
        (first,) = await self.secrets.signing_keys()
        self.age("23 hours")
        assert await self.secrets.signing_keys() == [first]
        self.age("2 hours")
        second, old = await self.secrets.signing_keys()
        assert old == first
        assert second.secret != first.secret
        self.age("25 hours")
        _third, *older = await self.secrets.signing_keys()
        assert older == [second]

    async def test_each_purpose_has_keys_of_its_own(self) -> None:
        others = PostgresSecrets(self.make_database(), "others")
        (one,), (other,) = await self.secrets.signing_keys(), await others.signing_keys()
        assert one.secret != other.secret
