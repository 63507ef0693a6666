"""Parsers that tempmail could stand on, each as a function from raw bytes to what was read.

Every import is the candidate's own, so that a missing one costs only itself.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from email.message import Message
from functools import partial
from typing import Any

Reading = dict[str, Any]
"""``from``, ``subject``, ``text``, ``html`` and ``atts``, in the shape the corpus compares."""
Parser = Callable[[bytes], Reading]

_BODIES = {"text/plain": "text", "text/html": "html"}


def _attachment(filename: str | None, content_type: str | None, content: bytes) -> Reading:
    return {
        "filename": filename,
        "content_type": content_type,
        "size": len(content),
        "sha": lambda: hashlib.sha256(content).hexdigest(),
    }


def _reading(
    author: str, subject: str, text: str, html: str, attachments: Iterable[Reading]
) -> Reading:
    return {
        "from": author,
        "subject": subject,
        "text": text,
        "html": html,
        "atts": list(attachments),
    }


def _tempmail() -> Parser:
    from tempmail.mail.attachments import content_of
    from tempmail.mail.parse import parse

    def read(raw: bytes) -> Reading:
        view = parse(raw)
        attachments = (
            {
                "filename": one.filename,
                "content_type": one.content_type,
                "size": one.size,
                "sha": lambda index=one.index: hashlib.sha256(
                    content_of(raw, index)[2]
                ).hexdigest(),
            }
            for one in view.attachments
        )
        author = f"{view.from_name} <{view.from_address}>"
        return _reading(author, view.subject, view.body_text, view.body_html, attachments)

    return read


def _standard_library(policy_name: str) -> Parser:
    from email import policy
    from email.parser import BytesParser

    parser: BytesParser[Any] = BytesParser(policy=getattr(policy, policy_name))

    def read(raw: bytes) -> Reading:
        message = parser.parsebytes(raw)
        bodies = {"text": "", "html": ""}
        attachments = []
        for part in message.walk():
            body = _BODIES.get(part.get_content_type())
            if part.is_multipart():
                continue
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            attached = part.get_content_disposition() == "attachment"
            if body is None or attached or part.get_filename():
                attachments.append(
                    _attachment(part.get_filename(), part.get_content_type(), content)
                )
            else:
                bodies[body] += _in_charset(part, content) + "\n"
        author, subject = _decoded(message, "from"), _decoded(message, "subject")
        return _reading(author, subject, bodies["text"], bodies["html"], attachments)

    return read


def _in_charset(part: Message, content: bytes) -> str:
    try:
        return content.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def _decoded(message: Message, name: str) -> str:
    from email.header import decode_header, make_header

    return str(make_header(decode_header(message.get(name, ""))))


def _mail_parser() -> Parser:
    import mailparser  # type: ignore[import-not-found]  # see requirements.txt

    def content(one: Reading) -> bytes:
        if one["binary"]:
            return base64.b64decode(one["payload"])
        return str(one["payload"]).encode("utf-8", "surrogateescape")

    def read(raw: bytes) -> Reading:
        mail = mailparser.parse_from_bytes(raw)
        author = " ".join(" ".join(pair) for pair in mail.from_)
        attachments = (
            _attachment(one["filename"], one["mail_content_type"], content(one))
            for one in mail.attachments
        )
        text, html = "\n".join(mail.text_plain), "\n".join(mail.text_html)
        return _reading(author, mail.subject, text, html, attachments)

    return read


def _fast_mail_parser() -> Parser:
    from fast_mail_parser import parse_email  # type: ignore[import-not-found]  # likewise

    def read(raw: bytes) -> Reading:
        mail = parse_email(raw)
        author = " ".join(mail.headers.get("From", []))
        attachments = (
            _attachment(one.filename, one.mimetype, one.content) for one in mail.attachments
        )
        text, html = "\n".join(mail.text_plain), "\n".join(mail.text_html)
        return _reading(author, mail.subject or "", text, html, attachments)

    return read


def _eml_parser() -> Parser:
    import eml_parser  # type: ignore[import-not-found]  # likewise

    def read(raw: bytes) -> Reading:
        parser = eml_parser.EmlParser(include_raw_body=True, include_attachment_data=True)
        mail = parser.decode_email_bytes(raw)
        header = mail["header"]
        bodies = {"text": "", "html": ""}
        for body in mail["body"]:
            which = _BODIES.get(body.get("content_type", "text/plain"), "text")
            bodies[which] += body.get("content", "") + "\n"
        attachments = (
            _attachment(
                one["filename"],
                one["content_header"].get("content-type", [""])[0].split(";")[0],
                base64.b64decode(one["raw"]),
            )
            for one in mail.get("attachment", ())
        )
        author = " ".join(header["header"].get("from", []))
        return _reading(author, header["subject"], bodies["text"], bodies["html"], attachments)

    return read


def _flanker() -> Parser:
    from flanker import mime  # type: ignore[import-not-found]  # likewise

    def content(part: Any) -> bytes:
        body = part.body or b""
        return body if isinstance(body, bytes) else body.encode("utf-8", "surrogateescape")

    def read(raw: bytes) -> Reading:
        message = mime.from_string(raw)
        bodies = {"text": "", "html": ""}
        attachments = []
        for part in message.walk(with_self=True):
            kind = str(part.content_type)
            if kind.startswith("multipart/"):
                continue
            body = _BODIES.get(kind)
            if body is None or part.is_attachment():
                attachments.append(_attachment(part.detected_file_name, kind, content(part)))
            else:
                text = part.body
                bodies[body] += text if isinstance(text, str) else str(text, "utf-8", "replace")
        author, subject = message.headers.get("From", ""), message.headers.get("Subject", "")
        return _reading(author, subject, bodies["text"], bodies["html"], attachments)

    return read


CANDIDATES: dict[str, Callable[[], Parser]] = {
    "tempmail.mail": _tempmail,
    "email, policy.compat32": partial(_standard_library, "compat32"),
    "email, policy.default": partial(_standard_library, "default"),
    "mail-parser": _mail_parser,
    "fast-mail-parser": _fast_mail_parser,
    "eml-parser": _eml_parser,
    "flanker": _flanker,
}
"""By name; calling one imports it."""
