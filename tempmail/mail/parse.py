"""A message's raw bytes made readable."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice

from tempmail.mail.addresses import Author, authors
from tempmail.mail.charsets import decode
from tempmail.mail.codes import find_codes
from tempmail.mail.contents import MAX_BODY_BYTES, Body, File, contents
from tempmail.mail.encoded_words import unstructured
from tempmail.mail.envelope_headers import author_of, scan, subject_of
from tempmail.mail.file_kinds import blocked_kind
from tempmail.mail.header_fields import MAX_FIELD_BYTES
from tempmail.mail.links import find_links
from tempmail.mail.parser_version import PARSER_VERSION
from tempmail.mail.refused_kinds import REFUSED_KINDS
from tempmail.mail.storable import legible, one_line, storable, within
from tempmail.mail.tree import Part, read
from tempmail.model.message import Attachment, Code, Link, View

MAX_ATTACHMENTS = 200
MAX_ADDRESSES = 200

_YEARS = range(1900, 9999)  # within both Python's and PostgreSQL's in every time zone


def parse(raw: bytes, refused: frozenset[str] = REFUSED_KINDS) -> View:
    """The view of a message.

    What is damaged is shown as well as it can be, what passes a bound is cut, and both are
    named in ``defects``.  All text can be stored in PostgreSQL.  Meant for a process that may
    be killed: some inputs of many megabytes take seconds.

    :param refused: kinds of attachments that are marked as blocked.
    """
    root, defects = read(raw)
    text: list[str] = []
    html: list[str] = []
    attachments: list[Attachment] = []
    for one in contents(root):
        if isinstance(one, Body):
            (html if one.html else text).append(one.text)
        elif len(attachments) < MAX_ATTACHMENTS:
            attachments.append(_attachment(one, len(attachments), refused))
        else:
            defects.append(f"more than {MAX_ATTACHMENTS} attachments")
            break
    scanned = scan([raw])  # looks behind a line that ended the header
    author = author_of(root.first(b"from"))
    if not any(author):
        author = Author(scanned.from_address, scanned.from_name)
    subject = subject_of(root.first(b"subject")) or scanned.subject
    body_text = _joined(text, "text", defects)
    body_html = _joined(html, "HTML", defects)
    return View(
        subject=subject,
        from_address=author.address,
        from_name=author.name,
        cc=_addresses(root, b"cc"),
        reply_to=_addresses(root, b"reply-to"),
        date=_date(root, defects),
        body_text=body_text,
        body_html=body_html,
        headers=tuple((one_line(decode(name), 256), _shown(value)) for name, value in root.fields),
        attachments=tuple(attachments),
        defects=tuple(defects),
        parser_version=PARSER_VERSION,
        # HTML's own escapes can stand for what storage cannot hold.
        codes=tuple(
            Code(storable(one.value), one.confidence, storable(one.context))
            for one in find_codes(subject, body_text, body_html)
        ),
        links=tuple(
            Link(storable(one.href), storable(one.text), one.kind)
            for one in find_links(body_text, body_html)
        ),
    )


def _joined(texts: list[str], name: str, defects: list[str]) -> str:
    whole = legible("\n".join(texts))
    kept = within(whole, MAX_BODY_BYTES)
    if len(kept) < len(whole):
        defects.append(f"{name} cut at {MAX_BODY_BYTES} bytes")
    return kept


def _attachment(file: File, index: int, refused: frozenset[str]) -> Attachment:
    content = file.content()
    return Attachment(
        index=index,
        filename=file.filename,
        content_type=file.content_type,
        size=len(content),
        content_id=file.content_id or None,
        inline=file.inline,
        blocked=blocked_kind(file.filename, file.content_type, content, refused),
    )


def _addresses(root: Part, name: bytes) -> tuple[str, ...]:
    found = (author.address for author in authors(root.first(name)) if author.address)
    return tuple(islice(found, MAX_ADDRESSES))


def _date(root: Part, defects: list[str]) -> datetime | None:
    """RFC 5322 section 3.3, in UTC; without a zone it is taken for UTC."""
    text = one_line(decode(root.first(b"date")), 128)
    if not text:
        return None
    try:
        date = parsedate_to_datetime(text)
        if date.year in _YEARS:
            return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        pass
    defects.append("date not understood")
    return None


def _shown(value: bytes) -> str:
    return within(one_line(unstructured(value), MAX_FIELD_BYTES), MAX_FIELD_BYTES)
