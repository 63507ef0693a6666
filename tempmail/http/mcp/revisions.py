"""Which revision of the Model Context Protocol a message is in, by its headers and its ``_meta``.

Up to 2025-11-25 a client and a server agree on one in a handshake (``initialize``), and a header
names it from then on.  Since 2026-07-28 every message names it itself, twice, and there is no
handshake.  Neither needs a session here: nothing is remembered between two requests.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode

from twisted.web.http_headers import Headers

from tempmail.http.mcp.messages import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    UNSUPPORTED_VERSION,
    Message,
    RpcError,
)

STATELESS = "2026-07-28"
HANDSHAKES = ("2025-11-25", "2025-06-18", "2025-03-26")
"""Those with a handshake, the newest first."""

WITH_BATCHES = "2025-03-26"
"""The only one with batches, and the one of clients that name none."""

REVISIONS = (STATELESS, *HANDSHAKES)

_PREFIX = "io.modelcontextprotocol/"
VERSION_KEY = f"{_PREFIX}protocolVersion"
CAPABILITIES_KEY = f"{_PREFIX}clientCapabilities"
SERVER_KEY = f"{_PREFIX}serverInfo"

_VERSION, _METHOD, _NAME = b"MCP-Protocol-Version", b"Mcp-Method", b"Mcp-Name"
_ENCODED = re.compile(r"=\?base64\?(.*)\?=\Z")


def revision_of(headers: Headers, message: Message) -> str:
    """The revision that ``message`` is in; for ``initialize`` the one to agree on.

    :raises RpcError: it is in none of ours, or does not say the same twice.
    """
    said = _header(headers, _VERSION, message)
    meta = message.meta or {}
    if said == STATELESS or VERSION_KEY in meta:
        if message.id is not None and message.method:
            _check_stateless(headers, message, said)
        return STATELESS
    if message.method == "initialize":
        wanted = message.params.get("protocolVersion")
        return wanted if wanted in HANDSHAKES else HANDSHAKES[0]
    if said is None:
        return WITH_BATCHES
    if said not in HANDSHAKES:
        raise _unsupported(said, message)
    return said


def has_batches(headers: Headers) -> bool:
    """Whether a client with these headers may send several messages at once."""
    said = headers.getRawHeaders(_VERSION, ())
    return not said or [one.decode("latin-1") for one in said] == [WITH_BATCHES]


def _check_stateless(headers: Headers, message: Message, said: str | None) -> None:
    """2026-07-28, Streamable HTTP, "Server Validation", and the overview's "_meta"."""
    meta = message.meta
    if meta is None or VERSION_KEY not in meta or not isinstance(meta.get(CAPABILITIES_KEY), dict):
        raise RpcError(
            INVALID_PARAMS,
            f"Invalid params: _meta has {VERSION_KEY} and {CAPABILITIES_KEY}",
            request_id=message.id,
        )
    version = meta[VERSION_KEY]
    _check_same(_VERSION, said, version, message)
    _check_same(_METHOD, _header(headers, _METHOD, message), message.method, message)
    name = message.params.get("name")
    if message.method == "tools/call" and isinstance(name, str):
        _check_same(_NAME, _decoded(_header(headers, _NAME, message)), name, message)
    if version != STATELESS:
        raise _unsupported(version, message)


def _check_same(header: bytes, said: str | None, meant: object, message: Message) -> None:
    if said is None or said != meant:
        what = "is missing" if said is None else "does not match the body"
        raise RpcError(
            HEADER_MISMATCH,
            f"Header mismatch: {header.decode()} {what}",
            request_id=message.id,
        )


def _header(headers: Headers, name: bytes, message: Message) -> str | None:
    said = headers.getRawHeaders(name)
    if said is None:
        return None
    if len(said) > 1:
        raise RpcError(
            HEADER_MISMATCH,
            f"Header mismatch: {name.decode()} is there more than once",
            request_id=message.id,
        )
    return said[0].decode("latin-1")


def _decoded(said: str | None) -> str | None:
    """A header's value without the encoding of what is not plain ASCII ("Value Encoding")."""
    match = _ENCODED.match(said) if said is not None else None
    if match is None:
        return said
    try:
        return b64decode(match[1], validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None


def _unsupported(requested: object, message: Message) -> RpcError:
    return RpcError(
        UNSUPPORTED_VERSION,
        "Unsupported protocol version",
        request_id=message.id,
        data={"supported": list(REVISIONS), "requested": requested},
    )
