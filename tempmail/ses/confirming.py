"""Confirming a subscription, by a call that we make up ourselves."""

from __future__ import annotations

from collections import OrderedDict
from urllib.parse import urlencode

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from tempmail.model.errors import Unavailable
from tempmail.ses.certificates import Fetch
from tempmail.ses.topics import Topic

_MOST_BYTES = 64 * 1024
_AT_ONCE = 8
_AGAIN = 3600.0  # seconds
_REMEMBERED = 100


class Confirmations:
    """Confirms each subscription once an hour at most, whatever is sent.

    :param fetch: asks.
    :param clock: for the hour.
    """

    _log = Logger()

    def __init__(self, fetch: Fetch, clock: IReactorTime) -> None:
        self._fetch = fetch
        self._clock = clock
        self._done: OrderedDict[str, tuple[float, bool]] = OrderedDict()
        self._under_way: dict[str, list[Deferred[bool]]] = {}

    def confirm(self, topic: Topic, token: str) -> Deferred[bool]:
        """``ConfirmSubscription`` (Amazon SNS API Reference).

        :param token: that SNS sent with the signed wish.
        :returns: fires with whether SNS agreed; where not, asking again does not help.
        :raises Unavailable: SNS cannot be asked now.
        """
        own: Deferred[bool] = Deferred()
        known = self._done.get(token)
        if known is not None and self._clock.seconds() < known[0]:
            own.callback(known[1])
        elif token in self._under_way:
            self._under_way[token].append(own)
        elif len(self._under_way) >= _AT_ONCE:
            own.errback(Unavailable("too many subscriptions are being confirmed"))
        else:
            self._under_way[token] = [own]
            Deferred.fromCoroutine(self._ask(topic, token)).addBoth(self._answered, token)
        return own

    async def _ask(self, topic: Topic, token: str) -> bool:
        call = {
            "Action": "ConfirmSubscription",
            "TopicArn": topic.arn,
            "Token": token,
            "Version": "2010-03-31",
        }
        url = f"https://{topic.host}/?{urlencode(call)}"
        status, _ = await self._fetch.get(url, _MOST_BYTES)
        if status >= 500 or status == 429:
            raise Unavailable(f"{topic.host} answered {status}")
        if status == 200:
            self._log.info("subscribed to {topic}", topic=topic.arn)
        else:
            self._log.error(
                "{host} did not confirm the subscription to {topic}: {status}",
                host=topic.host,
                topic=topic.arn,
                status=status,
            )
        return status == 200

    def _answered(self, outcome: bool | Failure, token: str) -> None:
        if not isinstance(outcome, Failure):
            self._done[token] = (self._clock.seconds() + _AGAIN, outcome)
            self._done.move_to_end(token)
            if len(self._done) > _REMEMBERED:
                self._done.popitem(last=False)
        for one in self._under_way.pop(token):
            if isinstance(outcome, Failure):
                one.errback(outcome)
            else:
                one.callback(outcome)
