"""The usual asyncio design of a mail receiver, as the peer that the benchmarks measure against.

aiosmtpd takes the mail; for each recipient SQLAlchemy 2 over asyncpg selects the mailbox and its
plan and counts the mailbox's messages; the standard library parses the mail; one INSERT and one
COMMIT store it; Redis hears of it; then the sender gets its 250. Nothing is slowed down: one
event loop without a second thread, pooled connections, cached statements, bound parameters.
"""

from __future__ import annotations

import argparse
import asyncio
import email
import email.policy
import json
import uuid
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import redis.asyncio
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import DateTime, ForeignKey, LargeBinary, func, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

DOMAIN = "bench.test"


class Base(DeclarativeBase):
    """The tables of the reference."""


class Plan(Base):
    """What a mailbox may hold."""

    __tablename__ = "plans"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    max_messages: Mapped[int]


class Mailbox(Base):
    """An address that receives until it expires."""

    __tablename__ = "mailboxes"

    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(unique=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    is_active: Mapped[bool] = mapped_column(default=True)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)


class Message(Base):
    """A stored mail: its bytes and what was parsed of them."""

    __tablename__ = "messages"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    mailbox_id: Mapped[int] = mapped_column(ForeignKey("mailboxes.id"), index=True)
    mail_from: Mapped[str]
    from_address: Mapped[str]
    subject: Mapped[str]
    body_text: Mapped[str]
    body_html: Mapped[str]
    headers: Mapped[dict[str, str]] = mapped_column(JSONB)
    attachments: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    is_read: Mapped[bool] = mapped_column(default=False)
    received_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )


def parse(raw: bytes) -> dict[str, Any]:
    """Read a mail with the standard library and return the parsed columns of ``messages``."""
    message = email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)
    text = message.get_body(("plain",))
    html = message.get_body(("html",))
    return {
        "from_address": message.get("From", ""),
        "subject": message.get("Subject", ""),
        "body_text": text.get_content() if text is not None else "",
        "body_html": html.get_content() if html is not None else "",
        "headers": dict(message.items()),
        "attachments": [
            {"filename": part.get_filename(), "content_type": part.get_content_type()}
            for part in message.iter_attachments()
        ],
    }


class Receiver:
    """The hooks that aiosmtpd calls for RCPT and at the end of DATA."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], events: redis.asyncio.Redis
    ) -> None:
        self._sessions = sessions
        self._events = events

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept the recipients of our domain."""
        if not address.lower().endswith("@" + DOMAIN):
            return "550 5.7.1 Not our domain"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Store the mail for each of its recipients, tell Redis, and answer."""
        raw = envelope.content
        assert isinstance(raw, bytes)
        parsed = parse(raw)
        for address in envelope.rcpt_tos:
            await self._store(address.lower(), envelope.mail_from or "", raw, parsed)
        return "250 2.0.0 OK"

    async def _store(
        self, address: str, mail_from: str, raw: bytes, parsed: dict[str, Any]
    ) -> None:
        async with self._sessions() as session:
            mailbox = await session.scalar(
                select(Mailbox).where(
                    Mailbox.address == address, Mailbox.is_active, Mailbox.expires_at > func.now()
                )
            )
            if mailbox is None:
                return
            plan = await session.scalar(select(Plan).where(Plan.id == mailbox.plan_id))
            held = await session.scalar(
                select(func.count()).select_from(Message).where(Message.mailbox_id == mailbox.id)
            )
            assert plan is not None
            assert held is not None
            if held >= plan.max_messages:
                return
            message = Message(
                id=uuid.uuid4(), mailbox_id=mailbox.id, mail_from=mail_from, raw=raw, **parsed
            )
            session.add(message)
            await session.commit()
        event = {"event": "new_message", "message_id": str(message.id)}
        await self._events.publish(f"inbox:{address}", json.dumps(event))


async def create(engine: AsyncEngine, mailboxes: int) -> None:
    """Make the tables, the one plan, and box0@bench.test and those after it."""
    expires_at = datetime.now(UTC) + timedelta(days=1)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(insert(Plan).values(id=1, name="anonymous", max_messages=100))
        rows = [
            {"address": f"box{n}@{DOMAIN}", "plan_id": 1, "expires_at": expires_at}
            for n in range(mailboxes)
        ]
        await connection.execute(insert(Mailbox), rows)


async def serve(database: str, redis_url: str, port: int, mailboxes: int) -> None:
    """Receive until cancelled."""
    engine = create_async_engine(database, pool_size=20, max_overflow=0)
    events = redis.asyncio.from_url(redis_url)
    await create(engine, mailboxes)
    receiver = Receiver(async_sessionmaker(engine, expire_on_commit=False), events)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(receiver, hostname=DOMAIN, enable_SMTPUTF8=True, timeout=60),
        "127.0.0.1",
        port,
        backlog=1024,
    )
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("database", help="postgresql+asyncpg://user@/name?host=/socket/folder")
    parser.add_argument("redis", help="unix:///path/redis.sock or redis://127.0.0.1:port/0")
    parser.add_argument("port", type=int, help="where to receive, on 127.0.0.1")
    parser.add_argument(
        "--mailboxes",
        type=int,
        default=1000,
        metavar="N",
        help="make box0@bench.test to boxN-1 (default 1000); tables there before are dropped",
    )
    options = parser.parse_args()
    try:
        asyncio.run(serve(options.database, options.redis, options.port, options.mailboxes))
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
