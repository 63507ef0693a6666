"""The part that takes mail of Amazon SES, as the operator chose it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from twisted.logger import Logger

from tempmail.core.budget import ByteBudget
from tempmail.core.delivery import Door
from tempmail.core.metrics import Metrics
from tempmail.http.channel import Limits
from tempmail.http.sns import MOST_BYTES, PATH
from tempmail.ses.certificates import Certificates
from tempmail.ses.confirming import Confirmations
from tempmail.ses.fetching import Fetcher
from tempmail.ses.inbound import Desk, Inbound
from tempmail.ses.objects import S3Objects
from tempmail.settings import Settings


class Announced:
    """What SNS calls.

    :param door: for every mail.
    :param budget: that this mail shares with mail by SMTP.
    :ivar calls: None where the operator named no topic.
    :ivar limits: of HTTP, with room for what SNS posts.
    """

    _log = Logger()

    calls: Inbound | None = None
    limits: Limits = Limits()

    def __init__(
        self, settings: Settings, door: Door, budget: ByteBudget, metrics: Metrics, reactor: Any
    ) -> None:
        self._objects = S3Objects(reactor, budget)
        if not settings.sns_topic:
            return
        if find_spec("boto3") is None:
            self._log.warn("mail in S3 cannot be fetched: install tempmail[aws]")
        self.limits = Limits(body_bytes_of={PATH.encode(): MOST_BYTES})
        fetcher = Fetcher(reactor)
        certificates = Certificates(fetcher, metrics, reactor)
        self.calls = Inbound(
            Desk(
                {one.arn: one for one in settings.sns_topic},
                None if settings.sns_insecure else certificates,
                Confirmations(fetcher, reactor),
                self._objects,
                door,
                settings.domains,
                budget,
                settings.max_message_bytes,
                metrics,
                reactor,
            )
        )

    async def stop(self) -> None:
        """Fetch nothing more."""
        await self._objects.stop()
