"""Messages of JSON-RPC 2.0, as the Model Context Protocol has them: requests, notifications.

The protocol is ours here, down to the sockets: the official SDK brings an event loop of its own
(anyio), and what it does for a server that has tools alone is this module and its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from attrs import frozen

from tempmail.http.answers import Answer

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022

Id = int | str
"""What names a request; MCP has neither null nor fractions there."""

_SAFE = 2**53
"""Beyond it JavaScript's clients would not know their own number again."""


class RpcError(Exception):
    """A message that is answered with an error instead of a result.

    :ivar code: one of JSON-RPC's (section 5.1) or MCP's.
    :ivar request_id: of the message, where that could be read.
    """

    def __init__(
        self, code: int, message: str, *, request_id: Id | None = None, data: Any = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.request_id = request_id
        self.data = data

    def body(self) -> bytes:
        """The error as JSON."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not None:
            error["data"] = self.data
        return msgspec.json.encode({"jsonrpc": "2.0", "id": self.request_id, "error": error})

    def answer(self, status: int) -> Answer:
        """The error as a response."""
        return Answer(status, self.body(), "application/json")


@frozen
class Message:
    """What a client says.

    :ivar id: None for a notification, which is not answered.
    :ivar method: empty for the response to a request, of which we make none.
    """

    id: Id | None
    method: str
    params: Mapping[str, Any]

    @property
    def meta(self) -> Mapping[str, Any] | None:
        """Its ``_meta``, where that is an object."""
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else None

    @property
    def progress_token(self) -> Id | None:
        """By which the client wants to hear how it goes on; None where it does not."""
        token = (self.meta or {}).get("progressToken")
        return token if _is_id(token) else None


def read(body: bytes) -> Any:
    """The JSON of a request's body.

    :raises RpcError: it is none.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RpcError(PARSE_ERROR, f"Parse error: {error}") from None


def message_of(value: Any) -> Message:
    """The message that ``value`` is.

    :raises RpcError: it is none, or not as MCP wants it.
    """
    if not isinstance(value, dict):
        raise RpcError(INVALID_REQUEST, "Invalid request: a message is an object")
    named = "id" in value
    identity = value.get("id")
    known = identity if _is_id(identity) else None
    if named and known is None:
        raise RpcError(INVALID_REQUEST, "Invalid request: id is a string or a whole number")
    if value.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, 'Invalid request: jsonrpc is "2.0"', request_id=known)
    method = value.get("method")
    if method is None and named and ("result" in value or "error" in value):
        return Message(known, "", {})
    if not isinstance(method, str) or not method:
        raise RpcError(INVALID_REQUEST, "Invalid request: method is a string", request_id=known)
    params = value.get("params", {})
    if not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, "Invalid params: they are an object", request_id=known)
    return Message(known, method, params)


def result_body(request_id: Id, result: Mapping[str, Any]) -> bytes:
    """The answer to a request, as JSON."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": request_id, "result": result})


def notification_body(method: str, params: Mapping[str, Any]) -> bytes:
    """What the server tells unasked, as JSON."""
    return msgspec.json.encode({"jsonrpc": "2.0", "method": method, "params": params})


def _is_id(value: object) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, str) or (isinstance(value, int) and -_SAFE < value < _SAFE)
