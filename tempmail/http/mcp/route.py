"""The door for agents: the Model Context Protocol over Streamable HTTP, with tools alone.

There are no sessions: every request stands for itself, so any daemon answers it.  What takes long
is answered as a stream, and given up where the client closes it; a ``notifications/cancelled`` by
HTTP is taken and does nothing, for the numbers of requests are each client's own and one client
must not end the waits of another with the same key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime

from tempmail.http.answers import Answer, Stream
from tempmail.http.mcp.messages import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    Message,
    RpcError,
    message_of,
    read,
)
from tempmail.http.mcp.methods import Methods
from tempmail.http.mcp.revisions import (
    STATELESS,
    WITH_BATCHES,
    has_batches,
    revision_of,
)
from tempmail.http.mcp.stream import LongAnswer, Signs, soon
from tempmail.http.problems import CONTENT_TYPE as _PROBLEM
from tempmail.http.problems import Problem, Refused
from tempmail.http.requests import Nothing, sent_json
from tempmail.http.routes import Access, Ask, Returns, Route
from tempmail.model.errors import TempmailError

_MOST_IN_BATCH = 10
_NOT_ACCEPTED = Problem(406, "not_acceptable", "send 'Accept: application/json, text/event-stream'")
_TAKEN = Answer(202)
_JSON = "application/json"


class McpRoutes:
    """:param methods: what can be asked for in a message.
    :param clock: for the signs of life.
    """

    def __init__(self, methods: Methods, clock: IReactorTime) -> None:
        self._methods = methods
        self._clock = clock

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [
            Route(
                "POST",
                "/mcp",
                self.respond,
                "Speak the Model Context Protocol, one JSON-RPC message at a time",
                Access.CODES,
                returns={
                    200: Returns(
                        description="A JSON-RPC response; as server-sent events where it takes"
                        " longer",
                        media_type=_JSON,
                    ),
                    202: Returns(description="A notification was taken"),
                    400: Returns(description="A JSON-RPC error", media_type=_JSON),
                    404: Returns(description="A JSON-RPC error", media_type=_JSON),
                    406: Returns(description="It accepts no JSON", media_type=_PROBLEM),
                    415: Returns(description="It is no JSON", media_type=_PROBLEM),
                },
                name="speak_mcp",
            )
        ]

    async def respond(self, ask: Ask[Nothing]) -> Answer | Stream:
        accepted = ask.request.requestHeaders.getRawHeaders(b"Accept", (b"*/*",))
        if not _accepts(accepted, b"application/json"):
            raise Refused(_NOT_ACCEPTED)
        body = sent_json(ask.request)
        try:
            value = read(body)
            if isinstance(value, list):
                return await self._batch(ask, value)
            message = message_of(value)
            revision = revision_of(ask.request.requestHeaders, message)
        except RpcError as error:
            self._methods.note(error)
            return error.answer(400)
        if message.id is None or not message.method:
            return self._taken(message, revision)
        stateless = revision == STATELESS
        work = Deferred.fromCoroutine(self._methods.answer(ask, message, revision))
        try:
            answer = await soon(work, self._clock)
            if answer is None and not _accepts(accepted, b"text/event-stream"):
                answer = await work
            if answer is not None:
                return Answer(200, answer, _JSON)
        except RpcError as error:
            missing = error.code == METHOD_NOT_FOUND
            return error.answer((404 if missing else 400) if stateless else 200)
        signs = Signs(message.progress_token, self._methods.waits(message))
        return LongAnswer(work, self._clock, signs, self._methods.failed_late(message))

    def _taken(self, message: Message, revision: str) -> Answer:
        """A notification needs no answer; nor does a response, but nobody was asked for one."""
        if message.id is not None and revision == STATELESS:
            error = RpcError(INVALID_REQUEST, "Invalid request: nobody asked for a response")
            self._methods.note(error)
            return error.answer(400)
        return _TAKEN

    async def _batch(self, ask: Ask[Nothing], values: list[Any]) -> Answer:
        """Several messages at once, which one revision has; answered when all are.

        :raises RpcError: the batch as such is refused.
        """
        if not has_batches(ask.request.requestHeaders):
            raise RpcError(INVALID_REQUEST, "Invalid request: send one message at a time")
        if not 0 < len(values) <= _MOST_IN_BATCH:
            raise RpcError(INVALID_REQUEST, f"Invalid request: 1 to {_MOST_IN_BATCH} messages")
        channel: Any = ask.request.channel  # ours, see channel.py
        for _ in values[1:] if channel is not None else ():
            channel.site.gate.charge_further(ask.request, ask.caller)
        answers = [Deferred.fromCoroutine(self._of_batch(ask, value)) for value in values]
        bodies = [one for one in await gatherResults(answers, consumeErrors=True) if one]
        return Answer(200, b"[%s]" % b",".join(bodies), _JSON) if bodies else _TAKEN

    async def _of_batch(self, ask: Ask[Nothing], value: Any) -> bytes | None:
        try:
            message = message_of(value)
            if message.method == "initialize":
                raise RpcError(
                    INVALID_REQUEST, "Invalid request: initialize alone", request_id=message.id
                )
        except RpcError as error:
            self._methods.note(error)
            return error.body()
        if message.id is None or not message.method:
            return None
        try:
            return await self._methods.answer(ask, message, WITH_BATCHES)
        except RpcError as error:
            return error.body()
        except TempmailError as why:
            return RpcError(INTERNAL_ERROR, why.detail, request_id=message.id).body()


def _accepts(accepted: Iterable[bytes], media_type: bytes) -> bool:
    """Whether an Accept header has ``media_type`` (RFC 9110 section 12.5.1); weights but for 0
    do not matter, for there is no choice."""
    kind = media_type.partition(b"/")[0]
    for one in b",".join(accepted).lower().split(b","):
        name, *parameters = (part.strip() for part in one.split(b";"))
        if name in (media_type, kind + b"/*", b"*/*"):
            return not any(part in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000") for part in parameters)
    return False
