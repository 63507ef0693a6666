"""Events between daemons by Redis' publish and subscribe.

Redis is only ever a hint: what it loses is found in the database, see :mod:`tempmail.core.rounds`.
Whatever comes of it is signed (:mod:`tempmail.bus.wire`), or it is ignored.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine
from typing import Any

import txredisapi
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.bus import wire
from tempmail.bus.connection import Commands, RedisConnection, Subscriber
from tempmail.bus.local import LocalBus
from tempmail.bus.redis_url import RedisUrl
from tempmail.bus.replies import Oversize, Reply
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Subscription
from tempmail.core.signing import SigningKey, SigningKeys
from tempmail.model.errors import TempmailError, Unavailable
from tempmail.model.event import Event

KEY_SECONDS = 3600
"""From one look for new keys to the next; a key is valid for a day beside its successor."""

_UNKNOWN_KEY_SECONDS = 10
_MOST_WAITING = 20_000
"""Lines that Redis has not been given yet."""

_GATHER_SECONDS = (0.004, 0.016)
"""Between two payloads, the second where the last one had many lines.  Each takes us some 0.1 ms
of CPU, with Redis' answer and our own echo, and every other daemon as much; an event after a pause
does not wait."""

_MANY = 8

_MOST_UNANSWERED = 64
"""Payloads that Redis has not confirmed."""

FLOOD = 1000
"""Payloads in a second that are not ours, and 16 KiB of one count as one more: past these we
stop listening for a while and read the database, which costs the mail less."""

_FLOOD_SECONDS = 10.0
_BACK_SECONDS = 3
"""For which all is well before the log says so."""


class RedisBus:
    """A bus that reaches the other daemons as long as Redis does; never fails a publisher.

    Two connections: one that is subscribed, and one for everything else.  What happens in one
    turn of the event loop, under load in a few milliseconds, travels in one payload.

    :param local: reaches everybody in this process.
    :param keys: with which the daemons of this database sign.
    :param reactor: for time and sockets.
    """

    _log = Logger()

    def __init__(
        self, url: RedisUrl, local: LocalBus, keys: SigningKeys, metrics: Metrics, reactor: Any
    ) -> None:
        self._local = local
        self._stored_keys = keys
        self._keys: dict[int, SigningKey] = {}
        self._key: SigningKey | None = None
        self._reactor = reactor
        self._metrics = metrics
        self._channel = url.channel
        self._origin = secrets.token_hex(8).encode()
        self._echo = b"1 %b " % self._origin
        self._commands: Any = None
        self._listening = False
        self._was_well = True
        self._well_seconds = 0
        self._waiting: list[bytes] = []
        self._unanswered = 0
        self._flushing: IDelayedCall | None = None
        self._next_flush = 0.0
        self._untold = self._telling = False
        self._ignored = 0
        self._ignored_second = 0
        self._looked_for_keys = -float("inf")
        self._stopped = False
        self.gaps = 0
        self._publisher = RedisConnection(
            url, Commands, self._can_speak, self._cannot_speak, reactor
        )
        self._subscriber = RedisConnection(
            url, Subscriber, self._can_hear, self._cannot_hear, reactor
        )
        self._each_second = LoopingCall(self._look_after)
        self._each_second.clock = reactor
        metrics.bus_connected.set_function(lambda: float(self._well()))

    def start(self) -> None:
        """Connect, and stay connected."""
        self._subscriber.start()
        self._publisher.start()
        self._each_second.start(1, now=False)

    def stop(self) -> None:
        """Hand over what waits, and close."""
        self._flush_now()
        self._stopped = True
        if self._each_second.running:
            self._each_second.stop()
        self._subscriber.stop()
        self._publisher.stop()

    # What core sees.

    def publish(self, event: Event) -> None:
        """Tell those here at once and the others soon."""
        self._local.publish(event)
        self._say(wire.event_line(event))

    def subscribe(self, mailbox_id: int, receive: Callable[[Event], None]) -> Subscription:
        """Call ``receive`` for each event of that mailbox, whichever daemon it comes from."""
        return self._local.subscribe(mailbox_id, receive)

    def announce(self, topic: str, text: str) -> None:
        """Tell those here at once and the others soon."""
        self._local.announce(topic, text)
        try:
            line = wire.announcement_line(topic, text)
        except ValueError:
            self._log.failure("{topic} cannot be announced", topic=topic)
        else:
            self._say(line)

    def observe(self, topic: str, hear: Callable[[str], None]) -> None:
        """Call ``hear`` with whatever is announced, here or by another daemon."""
        self._local.observe(topic, hear)

    @property
    def hears_all(self) -> bool:
        """Whether we are subscribed."""
        return self._listening

    @property
    def tells_all(self) -> bool:
        """Whether Redis has taken everything, now or in the end."""
        return self._commands is not None and not (self._untold or self._telling)

    def status(self) -> str:
        """``ok`` or ``unavailable``."""
        return "ok" if self._well() else "unavailable"

    async def call(self, command: Callable[[Any], Deferred[Any]]) -> Any:
        """Have ``command`` ask Redis something, on the connection that is not subscribed.

        :raises Unavailable: Redis is away, or says no.
        """
        if self._commands is None:
            raise Unavailable("Redis is away")
        try:
            return await command(self._commands)
        except txredisapi.RedisError as error:
            raise Unavailable(f"Redis: {error}") from error

    def _well(self) -> bool:
        return self.hears_all and self.tells_all

    # Speaking.

    def _say(self, line: bytes) -> None:
        if self._commands is None or len(self._waiting) >= _MOST_WAITING:
            self._drop(1)
            return
        self._waiting.append(line)
        if self._flushing is None and self._unanswered < _MOST_UNANSWERED:
            wait = self._next_flush - self._reactor.seconds()
            self._flushing = self._reactor.callLater(max(0.0, wait), self._flush)

    def _flush_now(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flush()

    def _flush(self) -> None:
        self._flushing = None
        many = len(self._waiting) >= _MANY
        self._next_flush = self._reactor.seconds() + _GATHER_SECONDS[many]
        while self._waiting and self._unanswered < _MOST_UNANSWERED and self._commands is not None:
            count = wire.pieces(self._waiting)
            lines, self._waiting[:count] = self._waiting[:count], []
            self._send(lines).addErrback(self._not_taken, count)

    def _send(self, lines: list[bytes]) -> Deferred[None]:
        assert self._key is not None  # nobody can speak before
        self._unanswered += 1
        data = wire.payload(self._origin, self._key, lines)
        # It raises at once where the connection has just gone.
        sending: Deferred[Any] = maybeDeferred(self._commands.publish, self._channel, data)

        def answered(outcome: Any) -> Any:
            self._unanswered -= 1
            if self._waiting and self._flushing is None:
                self._flushing = self._reactor.callLater(0, self._flush)
            return outcome

        def taken(_: int) -> None:
            self._metrics.bus_published.inc(len(lines))

        return sending.addBoth(answered).addCallback(taken)

    def _not_taken(self, _: Failure, count: int) -> None:
        self._drop(count)

    def _drop(self, count: int) -> None:
        self._metrics.bus_dropped.inc(count)
        self._untold = True
        self._note_health("some events could not be published")

    async def _can_speak(self, connection: Any) -> None:
        await self._look_for_keys()
        self._commands = connection
        self._tell_again()

    def _cannot_speak(self, why: str) -> None:
        self._commands = None
        dropped, self._waiting = len(self._waiting), []
        if dropped:
            self._drop(dropped)
        self._away(why)

    def _tell_again(self) -> None:
        """Where something could not be said, have the others look for themselves."""
        if not self._untold or self._commands is None or self._telling:
            return

        def sent(outcome: Failure | None) -> None:
            self._telling = False
            if outcome is not None:
                self._drop(0)

        self._untold, self._telling = False, True  # what is dropped from here on is for the next
        self._send([wire.RESYNC]).addBoth(sent)

    # Hearing.

    async def _can_hear(self, connection: Any) -> None:
        await self._look_for_keys()
        connection.heard = self._heard
        await connection.subscribe(self._channel)
        self._listening = True
        self.gaps += 1

    def _cannot_hear(self, why: str) -> None:
        self._listening = False
        self._away(why)

    def _heard(self, data: Reply) -> None:
        if isinstance(data, Oversize):
            self._ignore("oversize", 1 + data // 16384)
            return
        if not isinstance(data, bytes):
            self._ignore("malformed")
            return
        if data.startswith(self._echo):
            return
        try:
            found = wire.items(data, self._keys, self._local.followed)
        except wire.UnknownKey:
            self._ignore("unknown_key")
            self._learn_keys()
            return
        if found is None:
            self._ignore("malformed")
            return
        self._metrics.bus_received.inc()
        for item in found:
            if isinstance(item, Event):
                self._local.publish(item)
            elif isinstance(item, wire.Announcement):
                self._local.announce(item.topic, item.text)
            else:
                self.gaps += 1

    def _ignore(self, reason: str, weight: int = 1) -> None:
        self._metrics.bus_ignored.labels(reason).inc()
        if self._ignored == 0:
            self._log.warn("ignoring what is not ours on Redis: {reason}", reason=reason)
        self._ignored += weight
        self._ignored_second += weight
        if self._ignored_second > FLOOD and self._listening:
            self._listening = False
            self._subscriber.abort(_FLOOD_SECONDS)
            self._note_health("its channel is flooded with what is not ours")

    # Keys.

    async def _look_for_keys(self) -> None:
        self._looked_for_keys = self._reactor.seconds()
        keys = await self._stored_keys.signing_keys()
        self._keys = {key.id: key for key in keys}
        self._key = keys[0]

    def _learn_keys(self) -> None:
        """Another daemon has made a key; what it said with it, the database says too."""
        self.gaps += 1
        if self._reactor.seconds() - self._looked_for_keys >= _UNKNOWN_KEY_SECONDS:
            self._run(self._look_for_keys())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        def failed(failure: Failure) -> None:
            if not failure.check(TempmailError, CancelledError):
                self._log.failure("the bus failed", failure)

        Deferred.fromCoroutine(work).addErrback(failed)

    # Health.

    def _look_after(self) -> None:
        self._ignored_second = 0
        self._well_seconds = self._well_seconds + 1 if self._well() else 0
        if self._well_seconds >= _BACK_SECONDS and not self._was_well:
            self._was_well = True
            self._ignored = 0
            self._log.info("Redis is there: events of the other daemons come by it")
        if self._commands is not None:
            if self._untold:
                self._tell_again()
            if self._reactor.seconds() - self._looked_for_keys >= KEY_SECONDS:
                self._run(self._look_for_keys())

    def _away(self, why: str) -> None:
        self._metrics.bus_lost.inc()
        self._note_health(why)

    def _note_health(self, why: str) -> None:
        """Log once an outage; one that comes and goes is one."""
        if self._was_well and not self._stopped and not self._well():
            self._was_well = False
            self._log.warn(
                "Redis is away, events of the other daemons are read from the database: {why}",
                why=why,
            )
