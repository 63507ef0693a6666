"""A message's raw bytes made readable."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice

from tempmail.mail.addresses import authors
from tempmail.mail.charsets import decode
from tempmail.mail.encoded_words import unstructured
from tempmail.mail.envelope_headers import author_of, scan, subject_of
from tempmail.mail.parameters import parameters
from tempmail.mail.storable import one_line, within
from tempmail.mail.tree import MAX_HEADER_BYTES, Part, octets, read
from tempmail.model.message import Attachment, View

PARSER_VERSION = 1
"""Grows whenever the same bytes give another view."""

MAX_BODY_BYTES = 2 * 1024 * 1024
"""Of text, and of HTML, in UTF-8."""
MAX_ATTACHMENTS = 200
MAX_ADDRESSES = 200

_YEARS = range(1900, 9999)  # within both Python's and PostgreSQL's in every time zone


def parse(raw: bytes) -> View:
    """The view of a message.

    What is damaged is shown as well as it can be, what passes a bound is cut, and both are
    named in ``defects``.  All text can be stored in PostgreSQL.  Meant for a process that may
    be killed: some inputs of a few megabytes take seconds, or memory without end.
    """
    root, defects = read(raw)
    bodies: dict[str, list[str]] = {"text/plain": [], "text/html": []}
    attachments: list[Attachment] = []
    for part in _leaves(root):
        disposition, filename = _disposition(part)
        kind = _body_kind(part, disposition, filename)
        if kind is not None:
            bodies[kind].append(_text(part))
        elif len(attachments) < MAX_ATTACHMENTS:
            attachments.append(_attachment(part, len(attachments), disposition, filename))
        else:
            defects.append(f"more than {MAX_ATTACHMENTS} attachments")
            break
    author = author_of(root.first("from"))
    return View(
        subject=subject_of(root.first("subject")),
        from_address=author.address,
        from_name=author.name,
        cc=_addresses(root, "cc"),
        reply_to=_addresses(root, "reply-to"),
        date=_date(root, defects),
        body_text=_joined(bodies["text/plain"], "text", defects),
        body_html=_joined(bodies["text/html"], "HTML", defects),
        headers=tuple(
            (one_line(decode(octets(name)), 256), _shown(value)) for name, value in root.raw_headers
        ),
        attachments=tuple(attachments),
        defects=tuple(defects),
        parser_version=PARSER_VERSION,
    )


def unparsed(raw: bytes, defect: str) -> View:
    """The view of a message whose parse had to be given up: what the bounded scan yields."""
    scanned = scan([raw])
    return View(
        subject=scanned.subject,
        from_address=scanned.from_address,
        from_name=scanned.from_name,
        cc=(),
        reply_to=(),
        date=None,
        body_text="",
        body_html="",
        headers=(),
        attachments=(),
        defects=(defect,),
        parser_version=PARSER_VERSION,
    )


def _leaves(part: Part) -> Iterator[Part]:
    children = part.children()
    if not children:
        yield part
    for child in children:
        yield from _leaves(child)


def _disposition(part: Part) -> tuple[str, str]:
    """The disposition type (RFC 2183) in lower case, and the filename; each may be empty."""
    value = part.first("content-disposition")
    filename = parameters(value).get("filename") or parameters(part.first("content-type")).get(
        "name", ""
    )
    kind = value.partition(b";")[0].strip().lower().decode("ascii", "replace")
    return kind, filename[:255]


def _body_kind(part: Part, disposition: str, filename: str) -> str | None:
    """Which body the part belongs to, or None for an attachment."""
    if disposition == "attachment" or filename:
        return None
    if part.media_type.startswith("multipart/"):  # without parts: its text is all there is
        return "text/plain"
    return part.media_type if part.media_type in ("text/plain", "text/html") else None


def _text(part: Part) -> str:
    charset = parameters(part.first("content-type")).get("charset", "")
    content = part.content()[: 4 * MAX_BODY_BYTES + 1]  # no charset takes more a character
    return decode(content, charset).replace("\r\n", "\n")


def _joined(texts: list[str], name: str, defects: list[str]) -> str:
    whole = "\n".join(texts)
    kept = within(whole, MAX_BODY_BYTES)
    if len(kept) < len(whole):
        defects.append(f"{name} cut at {MAX_BODY_BYTES} bytes")
    return kept


def _attachment(part: Part, index: int, disposition: str, filename: str) -> Attachment:
    content_id = one_line(decode(part.first("content-id")), 256).strip("<>")
    return Attachment(
        index=index,
        filename=filename,
        content_type=one_line(part.media_type, 256),
        size=len(part.content()),
        content_id=content_id or None,
        inline=disposition == "inline" or (bool(content_id) and disposition != "attachment"),
    )


def _addresses(root: Part, name: str) -> tuple[str, ...]:
    found = (author.address for author in authors(root.first(name)) if author.address)
    return tuple(islice(found, MAX_ADDRESSES))


def _date(root: Part, defects: list[str]) -> datetime | None:
    """RFC 5322 section 3.3, in UTC; without a zone it is taken for UTC."""
    text = one_line(decode(root.first("date")), 128)
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
    return within(one_line(unstructured(value), MAX_HEADER_BYTES), MAX_HEADER_BYTES)
