"""Events within this process."""

from __future__ import annotations

from collections.abc import Callable

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
    """

    _log = Logger()

    def __init__(self, metrics: Metrics) -> None:
        self._failures = metrics.subscriber_failures
        self._subscriptions: dict[int, dict[_Subscription, None]] = {}

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

    def status(self) -> str:
        """A bus within the process is always there."""
        return "ok"
