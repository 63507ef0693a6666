"""Token buckets in Redis: for each the moment at which it is full, as
:mod:`tempmail.core.limits` has it, by Redis' clock."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred

from tempmail.bus.redis import RedisBus
from tempmail.bus.redis_url import RedisUrl
from tempmail.model.errors import Unavailable

# Microseconds; a key lives until its bucket is full.  Whatever else is found in a key is no moment.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answers = {}
for i, key in ipairs(KEYS) do
    local add, most = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    local full = redis.pcall('GET', key)
    full = type(full) == 'string' and tonumber(full) or 0
    if full ~= full then full = 0 end
    if add < 0 then
        redis.call('DEL', key)
        full = now
    else
        full = math.min(math.max(full, now) + add, now + most)
        local left = math.ceil((full - now) / 1000)
        if left > 0 then
            redis.call('SET', key, string.format('%.0f', full), 'PX', left)
        end
    end
    answers[i] = string.format('%.0f', full - now)
end
return answers
"""
_SECOND = 1_000_000


class RedisBuckets:
    """:class:`tempmail.core.ports.BucketExchange` on a Redis (5 or later, not a cluster).

    Clients' names are hashed: a Redis is no place for addresses.

    :param bus: whose connection is used.
    """

    def __init__(self, bus: RedisBus, url: RedisUrl) -> None:
        self._bus = bus
        self._prefix = f"{url.prefix}limit:"

    async def take(self, taken: Sequence[tuple[str, str, float, float]]) -> list[float]:
        keys = [self._key(kind, client) for kind, client, *_ in taken]
        values: list[int] = []
        for _, _, seconds, most in taken:
            values += (round(seconds * _SECOND), round(most * _SECOND))

        def ask(commands: Any) -> Deferred[Any]:
            asked: Deferred[Any] = commands.eval(_TAKE, keys, values)
            return asked

        answer = await self._bus.call(ask)
        try:
            found = [int(each) / _SECOND for each in answer]
        except (TypeError, ValueError):
            raise Unavailable("Redis: not what was asked for") from None
        if len(found) != len(taken):
            raise Unavailable("Redis: not as many as were asked for")
        return found

    def _key(self, kind: str, client: str) -> str:
        digest = hashlib.blake2b(client.encode("utf-8", "surrogatepass"), digest_size=16)
        return f"{self._prefix}{kind}:{digest.hexdigest()}"
