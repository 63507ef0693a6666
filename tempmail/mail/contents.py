"""What a reader gets of a message's parts: pieces of its two bodies, and files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from attrs import frozen

from tempmail.mail import uuencode
from tempmail.mail.charsets import decode
from tempmail.mail.encoded_words import unstructured
from tempmail.mail.envelope_headers import scan
from tempmail.mail.flowed import unflowed
from tempmail.mail.parameters import parameters
from tempmail.mail.storable import one_line
from tempmail.mail.tree import Part

MAX_BODY_BYTES = 2 * 1024 * 1024
"""Of text, and of HTML, in UTF-8."""

_MAX_NAME = 255
_NAMES = ("filename", "name", "file")
_META_CHARSET = re.compile(rb"<meta[^>]{1,200}?charset\s*=\s*[\"']?([\w:.-]{1,40})", re.IGNORECASE)
_META_BYTES = 1024  # how far browsers look (HTML standard, section 13.2.3.2)


@frozen
class Body:
    """A piece of a body.

    :ivar html: HTML, or else plain text.
    """

    text: str
    html: bool


@frozen
class File:
    """An attachment.

    :ivar filename: as given, on one line of at most 255 characters; may be empty.
    :ivar content_type: in lower case, without parameters.
    :ivar content_id: without angle brackets; may be empty.
    :ivar inline: meant to be shown within a body.
    :ivar content: makes the decoded bytes, which is what costs.
    """

    filename: str
    content_type: str
    content_id: str
    inline: bool
    content: Callable[[], bytes]


def contents(part: Part) -> Iterator[Body | File]:
    """The leaves of ``part`` in order, each decoded when it is its turn.

    Text and HTML that are neither named nor declared an attachment are bodies, wherever they
    stand.  What stands in text by uuencode stays there, and is a file behind it too.
    """
    if part.children:
        for child in part.children:
            yield from contents(child)
        return
    kind = part.media_type
    of_type = parameters(part.first(b"content-type"))
    disposition, of_disposition = _disposition(part)
    names = (given[name] for given in (of_disposition, of_type) for name in _NAMES if name in given)
    filename = next(filter(None, names), "")[:_MAX_NAME]
    if kind.startswith("multipart/") and not filename:  # without parts: its text is all there is
        kind = "text/plain"
    if disposition == "attachment" or filename or kind not in ("text/plain", "text/html"):
        yield _file(part, kind, filename, disposition)
    elif kind == "text/html":
        yield _html(part, of_type)
    else:
        yield from _text(part, of_type)


def _disposition(part: Part) -> tuple[str, dict[str, str]]:
    """The disposition type (RFC 2183) in lower case, or empty, and its parameters."""
    value = part.first(b"content-disposition")
    kind = value.partition(b";")[0].strip().split(b" ")[0]
    return kind.lower().decode("ascii", "replace"), parameters(value)


def _file(part: Part, kind: str, filename: str, disposition: str) -> File:
    content_id = one_line(decode(part.first(b"content-id")), 256).strip("<>")
    belongs = bool(content_id) or part.within in ("multipart/alternative", "multipart/related")
    return File(
        filename or _usual_name(part, kind),
        one_line(kind, 256),
        content_id,
        disposition == "inline" or (belongs and disposition != "attachment"),
        part.content,
    )


def _usual_name(part: Part, kind: str) -> str:
    match kind:
        case "message/rfc822" | "message/global":
            subject = scan([part.content()[: 64 * 1024]]).subject
            return f"{subject[: _MAX_NAME - 4] or 'message'}.eml"
        case "application/ms-tnef":
            return "winmail.dat"
        case _:
            return ""


def _html(part: Part, of_type: dict[str, str]) -> Body:
    content = _head(part.content())
    charset = of_type.get("charset", "")
    if not charset and (meta := _META_CHARSET.search(content, 0, _META_BYTES)):
        charset = meta[1].decode("ascii", "replace")
    return Body(_lines(content, charset), html=True)


def _text(part: Part, of_type: dict[str, str]) -> Iterator[Body | File]:
    content = part.content()
    text = _lines(_head(content), of_type.get("charset", ""))
    if of_type.get("format", "").lower() == "flowed":
        text = unflowed(text, delete_space=of_type.get("delsp", "").lower() == "yes")
    yield Body(text, html=False)
    for name, data in uuencode.files(content) if b"begin " in content else ():
        filename = one_line(unstructured(name), _MAX_NAME)
        yield File(filename, "application/octet-stream", "", False, partial(bytes, data))


def _head(content: bytes) -> bytes:
    return content[: 4 * MAX_BODY_BYTES + 1]  # no charset takes more a character


def _lines(content: bytes, charset: str) -> str:
    return decode(content, charset).replace("\r\n", "\n")
