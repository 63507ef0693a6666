"""Messages in PostgreSQL.

The mailbox is found first and names the bucket; the second statement carries that bucket as
a literal, so that the planner sees one partition.  A join of the two would be planned over all.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from attrs import asdict, evolve
from msgspec import convert

from tempmail.core.ports import Page
from tempmail.core.views import preview
from tempmail.model.authentication import Authentication
from tempmail.model.errors import NotFound
from tempmail.model.event import Event, EventKind
from tempmail.model.mailbox import Mailbox, Owner
from tempmail.model.message import Attachment, Code, Link, Message, Summary, Trace, View
from tempmail.storage.database import Cursor, Database, snapshot
from tempmail.storage.finding import find, living, messages_of
from tempmail.storage.message_ids import sequence_of
from tempmail.storage.raw_content import AT_ONCE, read_raw
from tempmail.storage.search import FOUND, text_query

_SUMMARY = (
    "id, seq, mailbox_id, bucket, rcpt_to, tag, subject, from_address, from_name, received_at,"
    " size, is_read, preview, jsonb_array_length(attachments), parser_version,"
    " codes"
)
_TRACE = "mail_from, rcpt_to, helo, peer_ip, tls, authentication"
_VIEW = (
    "cc, reply_to, date, body_text, body_html, headers, attachments, defects, parser_version, links"
)

# Extending a mailbox moves its messages: a snapshot sees it before or after, never between.
_IN_PLACE = "FOR KEY SHARE"

_EMPTY_STEP = 2000
"""Rows deleted in one transaction, so that deliveries to other mailboxes go on beside it."""


class PostgresMessages:
    """:class:`tempmail.core.ports.Messages` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(
        self,
        address: str,
        owner: Owner,
        *,
        limit: int,
        before: int | None,
        unread: bool,
        words: str | None = None,
    ) -> Page:
        bound = "" if before is None else "AND seq < %(edge)s"
        return await self._page(address, owner, bound, before, "DESC", limit, unread, words)

    async def since(
        self,
        address: str,
        owner: Owner,
        *,
        limit: int,
        after: int,
        unread: bool,
        words: str | None = None,
    ) -> Page:
        bound = "AND seq > %(edge)s"
        return await self._page(address, owner, bound, after, "ASC", limit, unread, words)

    async def arrivals(self, mailbox_id: int, after: int, limit: int) -> list[Event]:
        return await self._database.run(_arrivals, mailbox_id, after, limit)

    async def unparsed(
        self, address: str, owner: Owner, *, version: int, limit: int
    ) -> list[Summary]:
        sql = (
            f"SELECT {_SUMMARY} FROM messages"  # noqa: S608  # only our own words
            " WHERE {readable}"
            " AND coalesce(parser_version < %(version)s, true) ORDER BY seq DESC LIMIT %(limit)s"
        )
        values = {"version": version, "limit": limit}
        _, found = await self._database.run(_summaries, address, owner, sql, values)
        return found

    async def fetch(
        self, mailbox_id: int, which: UUID, version: int
    ) -> tuple[Message, bytes | None]:
        return await self._database.run(_fetch, mailbox_id, which, version)

    async def get(
        self, address: str, owner: Owner, which: UUID | None, *, mark: bool = True
    ) -> Message:
        message = await self._database.run(_get, address, owner, which)
        if message.summary.is_read or not mark:
            return message
        await self._database.run(_mark, address, owner, message.summary)
        return evolve(message, summary=evolve(message.summary, is_read=True))

    async def raw(self, address: str, owner: Owner, which: UUID | None) -> bytes:
        return await self._database.run(_raw, address, owner, which)

    async def keep_view(self, message: Summary, view: View) -> None:
        await self._database.run(_keep_view, message, view)

    async def keep_authentication(self, message: Summary, found: Authentication) -> None:
        await self._database.run(_keep_authentication, message, found)

    async def delete(self, address: str, owner: Owner, which: UUID) -> Event:
        return await self._database.run(_delete, address, owner, which)

    async def empty(self, address: str, owner: Owner) -> Event:
        mailbox, deleted = await self._database.run(_delete_some, address, owner, None)
        while deleted == _EMPTY_STEP:
            mailbox, deleted = await self._database.run(
                _delete_some, address, owner, mailbox.last_seq
            )
        return Event(EventKind.DELETED, mailbox.id, None, mailbox.last_seq - mailbox.message_count)

    async def _page(
        self,
        address: str,
        owner: Owner,
        bound: str,
        edge: int | None,
        order: str,
        limit: int,
        unread: bool,
        words: str | None,
    ) -> Page:
        sql = (
            f"SELECT {_SUMMARY} FROM messages"  # noqa: S608  # only our own words
            f" WHERE {{readable}} {bound}"
            f" {'AND NOT is_read' if unread else ''} {'' if words is None else f'AND {FOUND}'}"
            f" ORDER BY seq {order} LIMIT %(limit)s"
        )
        values = {"edge": edge, "limit": limit + 1}
        mailbox, found = await self._database.run(_summaries, address, owner, sql, values, words)
        more = len(found) > limit
        return Page(found[:limit], found[limit - 1].seq if more else None, mailbox.id)


def _summaries(
    cursor: Cursor,
    address: str,
    owner: Owner,
    sql: str,
    values: dict[str, Any],
    words: str | None = None,
) -> tuple[Mailbox, list[Summary]]:
    snapshot(cursor)
    mailbox = find(cursor, address, owner)
    readable, place = messages_of(mailbox)
    values = {**values, **place}
    if words is not None:
        values["query"] = text_query(cursor, words)
    cursor.execute(sql.replace("{readable}", readable), values)
    return mailbox, [_summary(row) for row in cursor]


def _arrivals(cursor: Cursor, mailbox_id: int, after: int, limit: int) -> list[Event]:
    snapshot(cursor)
    mailbox = living(cursor, mailbox_id)
    readable, place = messages_of(mailbox)
    cursor.execute(
        f"SELECT id, seq FROM messages WHERE {readable} AND seq > %(after)s"  # noqa: S608
        " ORDER BY seq LIMIT %(limit)s",
        {**place, "after": after, "limit": limit},
    )
    return [
        Event(EventKind.NEW_MESSAGE, mailbox_id, UUID(identity), seq) for identity, seq in cursor
    ]


def _select(cursor: Cursor, what: str, mailbox: Mailbox, which: UUID | None) -> tuple[Any, ...]:
    readable, place = messages_of(mailbox)
    where = f"SELECT {what} FROM messages WHERE {readable}"  # noqa: S608
    if which is None:
        cursor.execute(f"{where} ORDER BY seq DESC LIMIT 1", place)
    else:
        one = {"seq": sequence_of(which), "id": str(which)}
        cursor.execute(f"{where} AND seq = %(seq)s AND id = %(id)s", {**place, **one})
    row = cursor.fetchone()
    if row is None:
        raise _no_message()
    return row


def _fetch(
    cursor: Cursor, mailbox_id: int, which: UUID, version: int
) -> tuple[Message, bytes | None]:
    snapshot(cursor)
    mailbox = living(cursor, mailbox_id)
    unseen = f"coalesce(parser_version < {version}, true)"
    raw_now = f"CASE WHEN {unseen} AND size <= {AT_ONCE} THEN raw END"
    *row, raw = _select(cursor, f"{_SUMMARY}, {_TRACE}, {_VIEW}, {raw_now}", mailbox, which)
    message = _message(tuple(row))
    if message.view is not None and message.view.parser_version >= version:
        return message, None
    if raw is None:
        where = message.summary
        return message, read_raw(cursor, mailbox_id, where.bucket, where.seq)
    return message, bytes(raw)


def _get(cursor: Cursor, address: str, owner: Owner, which: UUID | None) -> Message:
    snapshot(cursor)
    mailbox = find(cursor, address, owner)
    return _message(_select(cursor, f"{_SUMMARY}, {_TRACE}, {_VIEW}", mailbox, which))


def _mark(cursor: Cursor, address: str, owner: Owner, message: Summary) -> None:
    """Mark a message as read: a transaction of its own, for a lock makes it wait for the disk."""
    mailbox = find(cursor, address, owner, _IN_PLACE)
    readable, place = messages_of(mailbox)
    cursor.execute(
        f"UPDATE messages SET is_read = true WHERE {readable} AND seq = %(seq)s",  # noqa: S608
        {**place, "seq": message.seq},
    )
    if not cursor.rowcount:
        raise _no_message()


def _raw(cursor: Cursor, address: str, owner: Owner, which: UUID | None) -> bytes:
    snapshot(cursor)
    mailbox = find(cursor, address, owner)
    what = f"bucket, seq, CASE WHEN size <= {AT_ONCE} THEN raw END"
    bucket, seq, raw = _select(cursor, what, mailbox, which)
    return read_raw(cursor, mailbox.id, bucket, seq) if raw is None else bytes(raw)


def _keep_view(cursor: Cursor, message: Summary, view: View) -> None:
    columns = {
        "subject": view.subject,
        "from_address": view.from_address,
        "from_name": view.from_name,
        "preview": preview(view.body_text),
        "body_text": view.body_text,
        "body_html": view.body_html,
        "cc": json.dumps(view.cc),
        "reply_to": json.dumps(view.reply_to),
        "date": view.date,
        "headers": json.dumps(view.headers),
        "attachments": json.dumps([asdict(one) for one in view.attachments]),
        "defects": json.dumps(view.defects),
        "parser_version": view.parser_version,
        "codes": json.dumps([asdict(one) for one in view.codes]),
        "links": json.dumps([asdict(one) for one in view.links]),
    }
    _update(cursor, message, ", ".join(f"{name} = %({name})s" for name in columns), columns)


def _keep_authentication(cursor: Cursor, message: Summary, found: Authentication) -> None:
    ours = asdict(found, filter=lambda field, _: field.name not in ("spam", "virus"))
    changes = "authentication = coalesce(authentication, '{}'::jsonb) || %(found)s::jsonb"
    _update(cursor, message, changes, {"found": json.dumps(ours)})


def _update(cursor: Cursor, message: Summary, changes: str, values: dict[str, Any]) -> None:
    """Change a message where it lies now, unless it is gone.

    :param changes: only our own words.
    """
    cursor.execute(
        "SELECT CASE owner_type WHEN 'public' THEN %s ELSE bucket END"  # noqa: S608
        f" FROM mailboxes WHERE id = %s {_IN_PLACE}",
        (message.bucket, message.mailbox_id),
    )
    row = cursor.fetchone()
    if row is None:
        return
    cursor.execute(
        f"UPDATE messages SET {changes}"  # noqa: S608
        " WHERE mailbox_id = %(mailbox)s AND bucket = %(bucket)s AND seq = %(seq)s",
        {**values, "mailbox": message.mailbox_id, "bucket": row[0], "seq": message.seq},
    )


def _delete(cursor: Cursor, address: str, owner: Owner, which: UUID) -> Event:
    mailbox = find(cursor, address, owner, "FOR NO KEY UPDATE")
    cursor.execute(
        "DELETE FROM messages WHERE mailbox_id = %s AND bucket = %s AND seq = %s AND id = %s",
        (mailbox.id, mailbox.bucket, sequence_of(which), str(which)),
    )
    if not cursor.rowcount:
        raise _no_message()
    ordinal = _subtract(cursor, mailbox, 1, which)
    return Event(EventKind.DELETED, mailbox.id, which, ordinal)


def _delete_some(
    cursor: Cursor, address: str, owner: Owner, up_to: int | None
) -> tuple[Mailbox, int]:
    mailbox = find(cursor, address, owner, "FOR NO KEY UPDATE")
    cursor.execute(
        "DELETE FROM messages WHERE mailbox_id = %(id)s AND bucket = %(bucket)s AND seq = ANY"
        " (ARRAY(SELECT seq FROM messages WHERE mailbox_id = %(id)s AND bucket = %(bucket)s"
        "        AND seq <= %(up_to)s ORDER BY seq LIMIT %(step)s))",
        {
            "id": mailbox.id,
            "bucket": mailbox.bucket,
            "up_to": mailbox.last_seq if up_to is None else up_to,
            "step": _EMPTY_STEP,
        },
    )
    deleted = cursor.rowcount
    if deleted:
        _subtract(cursor, mailbox, deleted, None)
    return evolve(mailbox, message_count=mailbox.message_count - deleted), deleted


def _subtract(cursor: Cursor, mailbox: Mailbox, count: int, which: UUID | None) -> int:
    """Count what was deleted, for daemons too that do not hear of it; its ordinal."""
    cursor.execute(
        "UPDATE mailboxes SET message_count = message_count - %s WHERE id = %s",
        (count, mailbox.id),
    )
    ordinal = mailbox.last_seq - mailbox.message_count + count
    cursor.execute(
        "INSERT INTO deletions (mailbox_id, ordinal, message_id) VALUES (%s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (mailbox.id, ordinal, which and str(which)),
    )
    return ordinal


def _no_message() -> NotFound:
    return NotFound("there is no such message in this mailbox")


def _message(row: tuple[Any, ...]) -> Message:
    summary = _summary(row[:16])
    found = None if row[21] is None else convert(row[21], Authentication)
    return Message(summary, Trace(*row[16:21]), _view(summary, row[22:]), found)


def _summary(row: tuple[Any, ...]) -> Summary:
    *first, codes = row[1:]
    found = tuple(Code(**one) for one in codes or ())
    return Summary(*(UUID(row[0]), *first, found))


def _view(summary: Summary, row: tuple[Any, ...]) -> View | None:
    cc, reply_to, date, body_text, body_html, headers, attachments, defects, version, links = row
    if version is None:
        return None
    return View(
        subject=summary.subject,
        from_address=summary.from_address,
        from_name=summary.from_name,
        cc=tuple(cc),
        reply_to=tuple(reply_to),
        date=date,
        body_text=body_text,
        body_html=body_html,
        headers=tuple((name, value) for name, value in headers),
        attachments=tuple(Attachment(**one) for one in attachments),
        defects=tuple(defects),
        parser_version=version,
        codes=summary.codes,
        links=tuple(Link(**one) for one in links or ()),
    )
