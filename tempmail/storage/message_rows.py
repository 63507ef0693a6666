"""A message's columns, and what is made of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import convert

from tempmail.model.authentication import Authentication
from tempmail.model.message import Attachment, Code, Link, Message, Summary, Trace, View

SUMMARY = (
    "id, seq, mailbox_id, bucket, rcpt_to, tag, subject, from_address, from_name, received_at,"
    " size, is_read, preview, jsonb_array_length(attachments), parser_version,"
    " codes"
)
TRACE = "mail_from, rcpt_to, helo, peer_ip, tls, authentication"
VIEW = (
    "cc, reply_to, date, body_text, body_html, headers, attachments, defects, parser_version, links"
)
MESSAGE = f"{SUMMARY}, {TRACE}, {VIEW}"


def message_of(row: tuple[Any, ...]) -> Message:
    """The message whose :data:`MESSAGE` these are."""
    summary = summary_of(row[:16])
    found = None if row[21] is None else convert(row[21], Authentication)
    return Message(summary, Trace(*row[16:21]), _view(summary, row[22:]), found)


def summary_of(row: tuple[Any, ...]) -> Summary:
    """What lists show of the message whose :data:`SUMMARY` these are."""
    *first, codes = row[1:]
    found = tuple(Code(**one) for one in codes or ())
    identity = convert(row[0], UUID)  # a third of what UUID() takes, and a list has fifty
    return Summary(*(identity, *first, found))


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
