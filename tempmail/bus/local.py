"""Events within this process."""

from __future__ import annotations

from collections.abc import Callable, Container

from twisted.logger import Logger

from tempmail.core.metrics import Metrics
from tempmail.model.event import Event


class _Subscription:
    def __init__(self, bus: LocalBus, mailbox_id: int, receive: Callable[[Event], None]) -> None:
        self._bus = bus
        self._mailbox_id = mailbox_id
        self.receive = receive

    def cancel(self) -> None:
        self._bus.remove(self._mailbox_id, self)


class LocalBus:
    """Calls each subscriber of a mailbox in isolation: one that raises harms nobody else.

    :param metrics: counts subscribers that raised.
    :param alone: whether no other daemon can be at work on the same database.
    """

    gaps = 0
    _log = Logger()

    def __init__(self, metrics: Metrics, *, alone: bool = True) -> None:
        self._failures = metrics.subscriber_failures
        self._alone = alone
        self._subscriptions: dict[int, dict[_Subscription, None]] = {}
        self._observers: dict[str, list[Callable[[str], None]]] = {}

    @property
    def followed(self) -> Container[int]:
        """The mailboxes that have subscribers."""
        return self._subscriptions

    @property
    def hears_all(self) -> bool:
        """Nothing comes from other daemons."""
        return self._alone

    @property
    def tells_all(self) -> bool:
        """Nothing goes to other daemons."""
        return self._alone

    def publish(self, event: Event) -> None:
        """Tell everybody who watches the event's mailbox, in the order of their subscribing."""
        subscriptions = self._subscriptions.get(event.mailbox_id)
        if subscriptions is None:
            return
        for subscription in tuple(subscriptions):
            if subscription not in subscriptions:  # cancelled by one before it
                continue
            try:
                subscription.receive(event)
            except Exception:
                self._failures.inc()
                self._log.failure(
                    "a subscriber failed on {kind} of mailbox {mailbox}",
                    kind=event.kind.value,
                    mailbox=event.mailbox_id,
                )

    def subscribe(self, mailbox_id: int, receive: Callable[[Event], None]) -> _Subscription:
        """Call ``receive`` for each event of that mailbox, until cancelled."""
        subscription = _Subscription(self, mailbox_id, receive)
        self._subscriptions.setdefault(mailbox_id, {})[subscription] = None
        return subscription

    def remove(self, mailbox_id: int, subscription: _Subscription) -> None:
        """Forget a subscription; one that is not there is no error."""
        subscriptions = self._subscriptions.get(mailbox_id)
        if subscriptions is not None:
            subscriptions.pop(subscription, None)
            if not subscriptions:
                del self._subscriptions[mailbox_id]

    def announce(self, topic: str, text: str) -> None:
        """Call everybody here who observes ``topic``."""
        for hear in self._observers.get(topic, ()):
            try:
                hear(text)
            except Exception:
                self._failures.inc()
                self._log.failure("an observer of {topic} failed", topic=topic)

    def observe(self, topic: str, hear: Callable[[str], None]) -> None:
        """Call ``hear`` with whatever is announced."""
        self._observers.setdefault(topic, []).append(hear)

    def status(self) -> str:
        """A bus within the process is always there, and reaches nobody else."""
        return "ok" if self._alone else "polling"
