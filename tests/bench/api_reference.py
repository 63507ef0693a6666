"""The usual asyncio API: FastAPI, Pydantic and asyncpg, for tests/bench/api_speed.

It answers four of tempmail's routes with the same JSON, out of tables of its own: whose a mailbox
is stands in every statement, tokens are kept as digests, a mailbox is made by the plan's times.
Serve it with ``uvicorn tests.bench.api_reference:app``; ``BENCH_DATABASE`` is a libpq URL.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field

SCHEMA = """
CREATE TABLE plans (name text PRIMARY KEY, default_ttl_minutes integer, max_ttl_minutes integer);
INSERT INTO plans VALUES ('anonymous', 60, 1440);
CREATE TABLE mailboxes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address text NOT NULL UNIQUE,
    owner_type text NOT NULL,
    token_hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    message_count bigint NOT NULL DEFAULT 0,
    last_seq bigint NOT NULL DEFAULT 0
);
CREATE TABLE messages (
    id uuid PRIMARY KEY,
    mailbox_id bigint NOT NULL REFERENCES mailboxes ON DELETE CASCADE,
    seq bigint NOT NULL,
    from_address text NOT NULL, from_name text NOT NULL, to_address text NOT NULL,
    tag text NOT NULL, subject text NOT NULL, preview text, received_at timestamptz NOT NULL,
    size integer NOT NULL, is_read boolean NOT NULL DEFAULT false,
    codes jsonb NOT NULL, cc jsonb NOT NULL, reply_to jsonb NOT NULL, date timestamptz,
    body_text text NOT NULL, body_html text NOT NULL, headers jsonb NOT NULL,
    attachments jsonb NOT NULL, links jsonb NOT NULL, defects jsonb NOT NULL,
    authentication jsonb NOT NULL,
    mail_from text NOT NULL, helo text NOT NULL, peer_ip text NOT NULL, tls text,
    UNIQUE (mailbox_id, seq)
);
"""


class CreateMailbox(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ttl_minutes: Annotated[int, Field(ge=1)] | None = None
    username: Annotated[str, Field(max_length=253)] | None = None


class Mailbox(BaseModel):
    address: str
    expires_at: datetime
    created_at: datetime
    owner_type: str
    message_count: int
    last_seq: int


class MadeMailbox(Mailbox):
    session_token: str


class Code(BaseModel):
    value: str
    confidence: float
    context: str


class Link(BaseModel):
    href: str
    text: str
    kind: str


class Summary(BaseModel):
    id: UUID
    seq: int
    from_address: str
    from_name: str
    to_address: str
    tag: str
    subject: str
    preview: str | None
    received_at: datetime
    size: int
    is_read: bool
    attachment_count: int | None
    codes: list[Code]


class MessageList(BaseModel):
    messages: list[Summary]
    next: str | None


class Header_(BaseModel):  # noqa: N801  # FastAPI's Header is another thing
    name: str
    value: str


class Attachment(BaseModel):
    index: int
    filename: str
    content_type: str
    size: int
    content_id: str | None
    inline: bool
    blocked: bool


class Envelope(BaseModel):
    mail_from: str
    rcpt_to: str
    helo: str
    peer_ip: str
    tls: str | None


class Finding(BaseModel):
    result: str
    reason: str
    domain: str | None


class Dkim(Finding):
    signatures: list[dict[str, str]]


class Authentication(BaseModel):
    spf: Finding | None = None
    dkim: Dkim | None = None
    dmarc: Finding | None = None
    arc: Finding | None = None
    spam: Finding | None = None
    virus: Finding | None = None


class Message(Summary):
    cc: list[str]
    reply_to: list[str]
    date: datetime | None
    body_text: str
    body_html: str
    html_url: str
    headers: list[Header_]
    trace: list[str]
    attachments: list[Attachment]
    links: list[Link]
    authentication: Authentication
    envelope: Envelope
    defects: list[str]


async def _json(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
    )


@asynccontextmanager
async def _pool(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["BENCH_DATABASE"], init=_json) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_pool)


async def digest(authorization: Annotated[str | None, Header()] = None) -> bytes:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
    return hashlib.sha256(token.encode()).digest()


Digest = Annotated[bytes, Depends(digest)]

_MAILBOX = "id, address, owner_type, created_at, expires_at, message_count, last_seq"
_FIND = (
    f"SELECT {_MAILBOX} FROM mailboxes"
    " WHERE address = $1 AND token_hash = $2 AND expires_at > now()"
)
_SUMMARY = (
    "id, seq, from_address, from_name, to_address, tag, subject, preview, received_at, size,"
    " is_read, jsonb_array_length(attachments) AS attachment_count, codes"
)


async def _found(connection: Any, address: str, token: bytes) -> Any:
    row = await connection.fetchrow(_FIND, address, token)
    if row is None:
        raise HTTPException(404)
    return row


@app.post("/api/v1/mailboxes", status_code=201)
async def create(request: Request, wish: CreateMailbox | None = None) -> MadeMailbox:
    wish = wish or CreateMailbox()
    name = wish.username or f"{secrets.token_hex(4)}-{secrets.token_hex(3)}"
    token = secrets.token_urlsafe(32)
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        plan = await connection.fetchrow("SELECT * FROM plans WHERE name = 'anonymous'")
        ttl = min(wish.ttl_minutes or plan["default_ttl_minutes"], plan["max_ttl_minutes"])
        row = await connection.fetchrow(
            "INSERT INTO mailboxes (address, owner_type, token_hash, expires_at)"
            f" VALUES ($1, 'anonymous', $2, $3) ON CONFLICT DO NOTHING RETURNING {_MAILBOX}",
            f"{name}@bench.test",
            hashlib.sha256(token.encode()).digest(),
            datetime.now(UTC) + timedelta(minutes=ttl),
        )
    if row is None:
        raise HTTPException(409)
    return MadeMailbox(**row, session_token=token)


@app.get("/api/v1/mailboxes/{address}")
async def mailbox(request: Request, address: str, token: Digest) -> Mailbox:
    async with request.app.state.pool.acquire() as connection:
        return Mailbox(**await _found(connection, address, token))


@app.get("/api/v1/mailboxes/{address}/messages")
async def messages(
    request: Request,
    address: str,
    token: Digest,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> MessageList:
    async with request.app.state.pool.acquire() as connection:
        found = await _found(connection, address, token)
        rows = await connection.fetch(
            f"SELECT {_SUMMARY} FROM messages WHERE mailbox_id = $1 ORDER BY seq DESC LIMIT $2",
            found["id"],
            limit + 1,
        )
    more = str(rows[limit - 1]["seq"]) if len(rows) > limit else None
    return MessageList(messages=[Summary(**row) for row in rows[:limit]], next=more)


@app.get("/api/v1/mailboxes/{address}/messages/{which}")
async def message(request: Request, address: str, which: UUID, token: Digest) -> Message:
    async with request.app.state.pool.acquire() as connection:
        found = await _found(connection, address, token)
        row = await connection.fetchrow(
            f"SELECT {_SUMMARY}, cc, reply_to, date, body_text, body_html, headers, attachments,"
            " links, defects, authentication, mail_from, helo, peer_ip, tls"
            " FROM messages WHERE mailbox_id = $1 AND id = $2",
            found["id"],
            which,
        )
        if row is None:
            raise HTTPException(404)
        if not row["is_read"]:
            await connection.execute("UPDATE messages SET is_read = true WHERE id = $1", which)
    known = dict(row)
    headers = [Header_(name=name, value=value) for name, value in known.pop("headers")]
    return Message(
        **{**known, "is_read": True},
        headers=headers,
        html_url=f"/m/{secrets.token_urlsafe(48)}",
        trace=[one.value for one in headers if one.name.lower() in ("received", "return-path")],
        envelope=Envelope(rcpt_to=known["to_address"], **known),
    )
