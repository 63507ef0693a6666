"""Buckets in a real Redis."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import Deferred

from tempmail.bus.redis_url import redis_url
from tempmail.bus.shared_buckets import RedisBuckets
from tempmail.model.errors import Unavailable
from tests.bus.test_redis import RedisCase
from tests.bus.test_wire import EXPIRED
from tests.redis_server import RedisServer

CLIENT = "192.0.2.1"
README = Path(__file__).resolve().parents[2].joinpath("README.md").read_text("utf-8")


class RedisBucketsTest(RedisCase):
    async def connected(self, *options: str) -> tuple[RedisServer, RedisBuckets]:
        server = self.server(*options)
        bus = self.bus(server.url)
        await self.well(bus)
        return server, RedisBuckets(bus, redis_url(server.url))

    async def test_what_is_taken_adds_up_and_time_gives_it_back(self) -> None:
        _, buckets = await self.connected()
        [first] = await buckets.take([("messages", CLIENT, 3.0, 20.0)])
        [second, other] = await buckets.take(
            [("messages", CLIENT, 4.0, 20.0), ("octets", CLIENT, 1.0, 20.0)]
        )
        assert (first, other) == (3.0, 1.0)
        assert 6.0 < second < 7.0

    async def test_a_user_with_the_rights_that_the_readme_names_can_do_all(self) -> None:
        server = self.server()
        rights = "+@connection +@pubsub +@scripting +get +set +del +time ~tempmail:* &tempmail:*"
        assert README.count(rights.split(" ~")[0]) == 1
        server.ask("ACL", "SETUSER", "ann", "on", ">pw", *rights.split())
        url = f"redis://ann:pw@127.0.0.1:{server.port}/1"
        one, other = self.bus(url), self.bus(url)
        await self.well(one, other)
        there = self.heard_by(other)
        one.publish(EXPIRED)
        await self.until(lambda: there == [EXPIRED])
        buckets = RedisBuckets(one, redis_url(url))
        for seconds in (1.0, -1.0):
            await buckets.take([("messages", CLIENT, seconds, 20.0)])

    async def test_a_debt_has_its_bound(self) -> None:
        _, buckets = await self.connected()
        assert await buckets.take([("messages", CLIENT, 1e9, 20.0)]) == [20.0]

    async def test_a_bucket_is_made_full(self) -> None:
        server, buckets = await self.connected()
        await buckets.take([("strikes", CLIENT, 5.0, 20.0)])
        assert await buckets.take([("strikes", CLIENT, -1.0, 20.0)]) == [0.0]
        assert server.ask("DBSIZE") == b":0\r\n"

    async def test_keys_name_no_address_and_vanish_once_a_bucket_is_full(self) -> None:
        server, buckets = await self.connected()
        await buckets.take([("messages", CLIENT, 0.2, 20.0)])
        keys = server.ask("KEYS", "*")
        assert b"tempmail:limit:messages:" in keys
        assert CLIENT.encode() not in keys
        await self.until(lambda: server.ask("DBSIZE") == b":0\r\n")

    async def test_whatever_else_is_found_in_a_key_is_no_moment(self) -> None:
        server, buckets = await self.connected()
        key = buckets._key("messages", CLIENT)
        for words in (
            ("SET", key, "noise"),
            ("SET", key, "nan"),
            ("SET", key, "inf"),
            ("SET", key, "-1e300"),
            ("LPUSH", key, "a"),
        ):
            server.ask("DEL", key)
            server.ask(*words)
            [seconds] = await buckets.take([("messages", CLIENT, 2.0, 20.0)])
            assert 2.0 <= seconds <= 20.0, words

    async def test_a_redis_that_is_full_or_away_shares_nothing(self) -> None:
        server, buckets = await self.connected()
        server.ask("CONFIG", "SET", "maxmemory", "1")
        await self.refused(buckets)
        server.kill()
        await self.refused(buckets)

    async def refused(self, buckets: RedisBuckets) -> None:
        taking = Deferred.fromCoroutine(buckets.take([("messages", CLIENT, 1.0, 20.0)]))
        await self.assertFailure(taking, Unavailable)
