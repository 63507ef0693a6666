"""Addresses that a mail may lead its reader to, written so that they show where that is."""

from __future__ import annotations

import re
import string
from html import escape
from urllib.parse import quote

import idna

MAX_URL = 8 * 1024
"""Characters; a longer one is no link."""

_IGNORED = re.compile(r"[\t\r\n]|^[\x00-\x20]+|[\x00-\x20]+$")
_WEB = re.compile(
    r"(https?)://([^\s/?#\\@:]{1,253}|\[[0-9a-f:.]{2,45}\])(:\d{1,5})?(?=[/?#]|$)", re.IGNORECASE
)
_MAIL = re.compile(r"mailto:(?=[^/])", re.IGNORECASE)
_ASCII_HOST = re.compile(r"(?:[A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+\.?|\[[0-9A-Fa-f:.]+\]")
_LITERAL = string.punctuation.translate(str.maketrans("", "", "\"'<>\\^`{|}"))

_IN_TEXT = re.compile(r"(?:https?://|mailto:)[^\s<>\"\x00-\x1f]{1,4096}", re.IGNORECASE)
_TRAILING = ".,;:!?'*_~\u3002\uff0c\uff01\uff1f"

REL = "noopener noreferrer nofollow"


def safe_link(url: str) -> str | None:
    """``url`` as a browser would normalise it (WHATWG URL, sections 4.4 and 3.3), in ASCII.

    A host in another script becomes its A-labels (UTS 46), so that no look-alike is shown;
    white space and what is not ASCII is percent-encoded, so that nothing turns the direction
    of what is shown.

    :returns: None for other schemes than http, https and mailto, for a user name in front of
        the host (it is there to deceive), and for what browsers only guess at.
    """
    if len(url) > MAX_URL:
        return None
    url = _IGNORED.sub("", url)
    if (web := _WEB.match(url)) is not None:
        host = _ascii(web[2])
        if host is None:
            return None
        return f"{web[1].lower()}://{host}{web[3] or ''}{_encoded(url[web.end() :])}"
    if (mail := _MAIL.match(url)) is not None:
        return f"mailto:{_encoded(url[mail.end() :])}"
    return None


def linked(text: str) -> str:
    """Plain text as HTML, what looks like a web address made a link."""
    out, position = [], 0
    for found in _IN_TEXT.finditer(text):
        shown = _trimmed(found[0])
        url = safe_link(shown)
        if url is not None:
            out += [
                escape(text[position : found.start()]),
                f'<a href="{escape(url)}" target="_blank" rel="{REL}">{escape(shown)}</a>',
            ]
            position = found.start() + len(shown)
    return "".join((*out, escape(text[position:])))


def _ascii(host: str) -> str | None:
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except UnicodeError:
            return None
    return host if _ASCII_HOST.fullmatch(host) else None


def _encoded(rest: str) -> str:
    return quote(rest, safe=_LITERAL)


def _trimmed(url: str) -> str:
    """Without the punctuation of the sentence that the address stands in."""
    unopened = {end: url.count(end) - url.count(begin) for begin, end in ("()", "[]", "{}")}
    length = len(url)
    while length and (url[length - 1] in _TRAILING or unopened.get(url[length - 1], 0) > 0):
        length -= 1
        if url[length] in unopened:
            unopened[url[length]] -= 1
    return url[:length]
