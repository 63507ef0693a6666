"""Test mail over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Struct

from tempmail.core.samples import Samples
from tempmail.http.answers import Answer, json
from tempmail.http.described import described
from tempmail.http.finishing import to_the_end
from tempmail.http.requests import Nothing
from tempmail.http.routes import Ask, Returns, Route
from tempmail.model.errors import LimitReached


class Sample(Struct):
    id: Annotated[UUID, described("The message's", "00000000-002a-8c1d-9f3b-6a0d5e7f1b24")]


class SampleRoutes:
    """:param samples: sends them."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [
            Route(
                "POST",
                "/api/v1/mailboxes/<address>/messages/test",
                self.send,
                "Have a test mail with a code delivered",
                returns={201: Returns(description="It is there", shape=Sample)},
                refuses=(LimitReached,),
                name="send_test_message",
            )
        ]

    async def send(self, ask: Ask[Nothing], address: str) -> Answer:
        return json(Sample(await to_the_end(self._samples.send(address, ask.owner))), 201)
