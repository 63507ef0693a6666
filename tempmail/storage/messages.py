"""Messages in PostgreSQL.

The mailbox is found first and names the bucket; the second statement carries that bucket as
a literal, so that the planner sees one partition.  A join of the two would be planned over all.
Where the bucket is remembered, one statement does for both, as long as it is still the mailbox's.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from attrs import asdict, evolve

from tempmail.core.ports import Page
from tempmail.core.views import preview
from tempmail.model.authentication import Authentication
from tempmail.model.errors import NotFound
from tempmail.model.event import Event, EventKind
from tempmail.model.mailbox import Mailbox, Owner
from tempmail.model.message import Message, Summary, View
from tempmail.storage.buckets import Buckets
from tempmail.storage.database import Cursor, Database, snapshot
from tempmail.storage.finding import find, finding_in, living, messages_of
from tempmail.storage.message_ids import sequence_of
from tempmail.storage.message_rows import MESSAGE, SUMMARY, TRACE, VIEW, message_of, summary_of
from tempmail.storage.raw_content import AT_ONCE, read_raw
from tempmail.storage.search import FOUND, text_query

# Extending a mailbox moves its messages: a snapshot sees it before or after, never between.
_IN_PLACE = "FOR KEY SHARE"

_EMPTY_STEP = 2000
"""Rows deleted in one transaction, so that deliveries to other mailboxes go on beside it."""


class PostgresMessages:
    """:class:`tempmail.core.ports.Messages` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._buckets = Buckets()

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
            f"SELECT {SUMMARY} FROM messages"  # noqa: S608  # only our own words
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
        message = await self._at_once(address, owner, which) or await self._in_two_steps(
            address, owner, which
        )
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

    async def _at_once(self, address: str, owner: Owner, which: UUID | None) -> Message | None:
        """A message where one statement finds it."""
        bucket = self._buckets.of(address)
        if bucket is None:
            return None
        one, values = _one(which)
        rows = await self._placed(address, owner, bucket, MESSAGE, one, values)
        return message_of(rows[0][:-1]) if rows and rows[0][0] is not None else None

    async def _in_two_steps(self, address: str, owner: Owner, which: UUID | None) -> Message:
        mailbox, message = await self._database.run(_get, address, owner, which)
        self._buckets.remember(mailbox)
        return message

    async def _placed(
        self,
        address: str,
        owner: Owner,
        bucket: datetime,
        what: str,
        which: str,
        values: dict[str, Any],
    ) -> list[tuple[Any, ...]]:
        """Messages of a mailbox that lies in ``bucket``, none of one that does not; a mailbox of
        which none is wanted is a row of its id and NULLs.

        :param what, which: columns, and what follows WHERE: only our own words.
        """
        found, place = finding_in(address, owner, bucket)
        return await self._database.rows(
            f"SELECT message.*, found.mailbox FROM ({found}) AS found"  # noqa: S608
            f" LEFT JOIN LATERAL (SELECT {what} FROM messages"
            f" WHERE mailbox_id = found.mailbox AND bucket = %(bucket)s {which})"
            " AS message ON true",
            {**values, **place},
        )

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
        which = (
            f"{bound} {'AND NOT is_read' if unread else ''}"
            f" {'' if words is None else f'AND {FOUND}'} ORDER BY seq {order} LIMIT %(limit)s"
        )
        values = {"edge": edge, "limit": limit + 1}
        bucket = self._buckets.of(address)
        if bucket is not None and words is None:
            rows = await self._placed(address, owner, bucket, SUMMARY, which, values)
            if rows:  # in the order of the one loop over them
                found = [summary_of(row[:-1]) for row in rows if row[0] is not None]
                return _page(found, limit, rows[0][-1])
        sql = f"SELECT {SUMMARY} FROM messages WHERE {{readable}} {which}"  # noqa: S608
        mailbox, found = await self._database.run(_summaries, address, owner, sql, values, words)
        self._buckets.remember(mailbox)
        return _page(found, limit, mailbox.id)


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
    return mailbox, [summary_of(row) for row in cursor]


def _page(found: list[Summary], limit: int, mailbox: int) -> Page:
    """A page of what one more than ``limit`` were asked for."""
    more = len(found) > limit
    return Page(found[:limit], found[limit - 1].seq if more else None, mailbox)


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
    one, values = _one(which)
    cursor.execute(
        f"SELECT {what} FROM messages WHERE {readable} {one}",  # noqa: S608
        {**place, **values},
    )
    row = cursor.fetchone()
    if row is None:
        raise _no_message()
    return row


def _one(which: UUID | None) -> tuple[str, dict[str, Any]]:
    """Of a mailbox's messages this one, the newest where it is None, and the values for that."""
    if which is None:
        return "ORDER BY seq DESC LIMIT 1", {}
    return "AND seq = %(seq)s AND id = %(id)s", {"seq": sequence_of(which), "id": str(which)}


def _fetch(
    cursor: Cursor, mailbox_id: int, which: UUID, version: int
) -> tuple[Message, bytes | None]:
    snapshot(cursor)
    mailbox = living(cursor, mailbox_id)
    unseen = f"coalesce(parser_version < {version}, true)"
    raw_now = f"CASE WHEN {unseen} AND size <= {AT_ONCE} THEN raw END"
    *row, raw = _select(cursor, f"{SUMMARY}, {TRACE}, {VIEW}, {raw_now}", mailbox, which)
    message = message_of(tuple(row))
    if message.view is not None and message.view.parser_version >= version:
        return message, None
    if raw is None:
        where = message.summary
        return message, read_raw(cursor, mailbox_id, where.bucket, where.seq)
    return message, bytes(raw)


def _get(cursor: Cursor, address: str, owner: Owner, which: UUID | None) -> tuple[Mailbox, Message]:
    snapshot(cursor)
    mailbox = find(cursor, address, owner)
    return mailbox, message_of(_select(cursor, MESSAGE, mailbox, which))


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
