"""A relay of the Model Context Protocol from standard input and output to a server's ``/mcp``.

Every message is a request of its own there, so that one which waits holds up no other.  Closing
such a request is what ends it at the server.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import httpx

from tempmail import __version__
from tempmail.client.over_httpx import options

MOST_ANSWER = 16 * 1024 * 1024
MOST_AT_ONCE = 64
LAST_SECONDS = 1.5
"""In which what was asked for before standard input ended may still be answered."""

_TIMEOUT = httpx.Timeout(60, connect=10)  # the server shows a sign of life every 3 seconds
_PARSE_ERROR, _INVALID_REQUEST, _INTERNAL_ERROR = -32700, -32600, -32603
_VERSION_KEY = "io.modelcontextprotocol/protocolVersion"

Message = Mapping[str, Any]


class Relay:
    """:param url: the server's.
    :param credential: an API key, or a mailbox's session token.
    :param write: takes a line for the agent.
    :raises ValueError: ``url`` is none.
    """

    def __init__(self, url: str, credential: str, write: Callable[[bytes], None]) -> None:
        self._url = url.rstrip("/") + "/mcp"
        self._http = httpx.AsyncClient(
            **options(url),
            timeout=_TIMEOUT,
            limits=httpx.Limits(max_connections=None),
            headers={
                "Authorization": f"Bearer {credential}",
                "User-Agent": f"tempmail-mcp/{__version__}",
                "Accept": "application/json, text/event-stream",
                "Accept-Encoding": "identity",
            },
        )
        self._write = write
        self._revision: str | None = None
        self._open: dict[int | str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def relay(self, lines: AsyncIterator[bytes | None]) -> None:
        """Relay until there are no more ``lines``; None is one that was too long."""
        try:
            async for line in lines:
                if line is None:
                    self._tell_error(None, _INVALID_REQUEST, "the message is too long")
                elif line.strip():
                    self._take(line)
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=LAST_SECONDS)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._http.aclose()

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            self._tell_error(None, _PARSE_ERROR, "Parse error: the line is no JSON")
            return
        if not isinstance(message, dict):
            self._tell_error(None, _INVALID_REQUEST, "Invalid request: send one message a line")
            return
        if message.get("method") == "notifications/cancelled":
            self._cancel(message)
            return
        identity = message.get("id")
        request = "method" in message and isinstance(identity, int | str)
        in_use = request and identity in self._open
        if in_use or len(self._tasks) >= MOST_AT_ONCE:
            why = "this id is in use" if in_use else "too many requests at once"
            self._tell_error(identity, _INVALID_REQUEST, why)
            return
        task = asyncio.create_task(self._ask(message, line))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if request:
            assert identity is not None
            self._open[identity] = task
            task.add_done_callback(lambda _: self._open.pop(identity, None))

    def _cancel(self, message: Message) -> None:
        params = message.get("params")
        identity = params.get("requestId") if isinstance(params, dict) else None
        task = self._open.get(identity) if isinstance(identity, int | str) else None
        if task is not None:
            task.cancel()

    async def _ask(self, message: Message, line: bytes) -> None:
        """Send one message and tell the agent what comes back."""
        identity = message.get("id") if "method" in message else None
        try:
            headers = {"Content-Type": "application/json", **self._headers(message)}
            async with self._http.stream(
                "POST", self._url, content=line, headers=headers
            ) as response:
                answered = await self._answer(message, response)
        except httpx.HTTPError as error:
            answered = False
            why = f"no tempmail server answers at {self._url}: {error or type(error).__name__}"
        except BrokenPipeError:  # the agent is gone
            return
        else:
            why = f"{self._url} ended its answer too early"
        if not answered and identity is not None:
            self._tell_error(identity, _INTERNAL_ERROR, why)

    async def _answer(self, message: Message, response: httpx.Response) -> bool:
        """Whether the agent has, or does not need, an answer now."""
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "text/event-stream":
            async for data in _events(response):
                if self._tell(message, data):
                    return True
            return False
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MOST_ANSWER:
                raise httpx.ReadError("its answer is too long")
        if "id" not in message or "method" not in message:
            return True
        if kind == "application/json" and self._tell(message, bytes(body)):
            return True
        self._tell_error(message["id"], _INTERNAL_ERROR, _refusal(response, bytes(body)))
        return True

    def _tell(self, message: Message, body: bytes) -> bool:
        """Pass on what the server said; whether it is the answer to ``message``."""
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            return False
        if not isinstance(said, dict) or said.get("jsonrpc") != "2.0":
            return False
        final = "method" not in said
        if final:
            said["id"] = message["id"]  # an error may have come without
            if message["method"] == "initialize" and isinstance(said.get("result"), dict):
                self._revision = said["result"].get("protocolVersion")
        self._write(json.dumps(said, separators=(",", ":")).encode() + b"\n")
        return final

    def _tell_error(self, identity: int | str | None, code: int, why: str) -> None:
        error = {"code": code, "message": why}
        said = {"jsonrpc": "2.0", "id": identity, "error": error}
        self._write(json.dumps(said).encode() + b"\n")

    def _headers(self, message: Message) -> dict[str, str]:
        """What a message says of itself, where Streamable HTTP wants it in headers as well."""
        params = message.get("params")
        params = params if isinstance(params, dict) else {}
        meta = params.get("_meta")
        method = message.get("method")
        if isinstance(meta, dict) and _VERSION_KEY in meta:
            said = {
                "MCP-Protocol-Version": meta[_VERSION_KEY],
                "Mcp-Method": method,
                "Mcp-Name": params.get("name", params.get("uri")),
            }
        elif method == "initialize":
            return {}
        else:
            said = {"MCP-Protocol-Version": self._revision}
        return {name: _encoded(value) for name, value in said.items() if isinstance(value, str)}


async def _events(response: httpx.Response) -> AsyncIterator[bytes]:
    """The data of each event (WHATWG HTML, section 9.2.6)."""
    data: list[str] = []
    size = 0
    async for line in response.aiter_lines():
        if not line:
            if data:
                yield "\n".join(data).encode()
            data, size = [], 0
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
            size += len(line)
            if size > MOST_ANSWER:
                raise httpx.ReadError("its answer is too long")


def _refusal(response: httpx.Response, body: bytes) -> str:
    """Why the server gave no JSON-RPC answer, in words that say what to do."""
    try:
        detail = json.loads(body)["detail"]
    except (ValueError, LookupError, TypeError, RecursionError):
        detail = "this is not the answer of a tempmail server; look at TEMPMAIL_URL"
    hint = "; set UCT_API_KEY to an API key that is good" if response.status_code == 401 else ""
    return f"{response.status_code} {response.reason_phrase}: {detail}{hint}"


def _encoded(value: str) -> str:
    """As a header can hold it ("Value Encoding" of Streamable HTTP, 2026-07-28)."""
    plain = value.isascii() and value.isprintable() and value == value.strip()
    if plain and not value.startswith("=?base64?"):
        return value
    return f"=?base64?{b64encode(value.encode('utf-8', 'replace')).decode()}?="
