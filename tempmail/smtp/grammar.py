"""The arguments of MAIL, RCPT (RFC 5321 section 4.1.2) and BDAT: from bytes to meaning.

Most senders write one shape, ``FROM:<a@b> SIZE=n``: one expression takes it.  What it does
not take goes through the whole grammar: quoted local parts, source routes (accepted and
ignored, appendix C), address literals (section 4.1.3), the null reverse-path, ``postmaster``
without a domain (section 4.1.1.3), UTF-8 (RFC 6531 section 3.3) and parameters.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from tempmail.smtp import replies
from tempmail.smtp.replies import Refusal

MAX_LOCAL_PART = 64
"""Octets (RFC 5321 section 4.5.3.1.1)."""
MAX_DOMAIN = 255
"""Octets (section 4.5.3.1.2)."""
MAX_PARAMETERS = 10


class Sender(NamedTuple):
    """What MAIL says.

    :ivar path: the reverse-path without angle brackets and source route; empty for ``<>``.
    :ivar size: octets announced by SIZE (RFC 1870), 0 where nothing was said.
    :ivar utf8: whether SMTPUTF8 was asked for.
    """

    path: str
    size: int = 0
    utf8: bool = False


class ForwardPath(NamedTuple):
    """What RCPT says.

    :ivar mailbox: ``local@domain``, the local part's quotation undone; without ``@`` for
        ``<postmaster>``.
    :ivar given: the path without angle brackets and source route, as written.
    """

    mailbox: str
    given: str


class Chunk(NamedTuple):
    """What BDAT says (RFC 3030 section 2).

    :ivar size: octets that follow.
    :ivar last: whether the mail ends with them.
    """

    size: int
    last: bool


_ORDINARY_PATH = (
    rb":<([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    rb"@[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9][A-Za-z0-9-]*)*)>"
)
_ORDINARY_SENDER = re.compile(
    rb"(?i:FROM)" + _ORDINARY_PATH + rb"(?: (?i:SIZE)=([0-9]{1,20}))?"
    rb"(?: (?i:BODY)=(?i:8BITMIME|7BIT))?\Z"
)
_ORDINARY_RECIPIENT = re.compile(rb"(?i:TO)" + _ORDINARY_PATH + rb"\Z")

_ATOM = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\xff-]+"
_LABEL = rb"[A-Za-z0-9_\x80-\xff][A-Za-z0-9_\x80-\xff-]*"
_DOMAIN = rb"(?:" + _LABEL + rb"(?:\." + _LABEL + rb")*)"
_LITERAL = rb"\[[A-Za-z0-9.:]+\]"
_PATH = re.compile(
    rb" *<(?:@" + _DOMAIN + rb"(?:,@" + _DOMAIN + rb")*:)?"
    rb"(?P<path>"
    rb"(?:(?P<atoms>" + _ATOM + rb"(?:\." + _ATOM + rb")*)"
    rb'|"(?P<quoted>(?:[ !#-\[\]-~\x80-\xff]|\\[ -~])*)")'
    rb"@(?P<domain>" + _DOMAIN + rb"|" + _LITERAL + rb")"
    rb")>"
)
_NULL_PATH = re.compile(rb" *<>")
_POSTMASTER = re.compile(rb" *<(?P<path>(?i:postmaster))>")
_CHUNK = re.compile(rb" *([0-9]{1,20})(?: +((?i:LAST)))? *\Z")
_PARAMETER = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~\x80-\xff]+))?\Z")


def parse_mail(argument: bytes) -> Sender | Refusal:
    """Read what stands behind ``MAIL``."""
    ordinary = _ORDINARY_SENDER.match(argument)
    if ordinary is not None:
        path, size = ordinary.groups()
        if len(path) <= MAX_LOCAL_PART:  # then so are its parts
            return Sender(path.decode("ascii"), int(size or 0))
    if argument[:5].upper() != b"FROM:":
        return replies.BAD_ARGUMENT
    null = _NULL_PATH.match(argument, 5)
    match = null or _PATH.match(argument, 5)
    if match is None:
        return replies.BAD_SENDER
    path = "" if null else _whole_path(match)
    if path is None:
        return replies.BAD_SENDER
    parameters = _parameters(argument[match.end() :])
    if isinstance(parameters, Refusal):
        return parameters
    sender = _apply(path, parameters)
    if isinstance(sender, Sender) and not (sender.utf8 or path.isascii()):
        return replies.SMTPUTF8_NEEDED
    return sender


def parse_rcpt(argument: bytes, utf8: bool) -> ForwardPath | Refusal:
    """Read what stands behind ``RCPT``.

    :param utf8: whether the mail was begun with SMTPUTF8.
    """
    ordinary = _ORDINARY_RECIPIENT.match(argument)
    if ordinary is not None:
        path = ordinary[1]
        if len(path) <= MAX_LOCAL_PART:
            mailbox = path.decode("ascii")
            return ForwardPath(mailbox, mailbox)
    if argument[:3].upper() != b"TO:":
        return replies.BAD_ARGUMENT
    postmaster = _POSTMASTER.match(argument, 3)
    match = postmaster or _PATH.match(argument, 3)
    given = match and _whole_path(match)
    if match is None or given is None:
        return replies.BAD_RECIPIENT
    parameters = _parameters(argument[match.end() :])
    if isinstance(parameters, Refusal):
        return parameters
    if parameters:  # none is defined by what we announce
        return replies.UNKNOWN_PARAMETER
    if not (utf8 or given.isascii()):
        return replies.SMTPUTF8_NEEDED
    if postmaster:
        return ForwardPath(given, given)
    quoted: bytes | None = match["quoted"]
    if quoted is None:
        return ForwardPath(given, given)
    mailbox = re.sub(rb"\\(.)", rb"\1", quoted) + b"@" + match["domain"]
    return ForwardPath(mailbox.decode("utf-8"), given)


def parse_bdat(argument: bytes) -> Chunk | Refusal:
    """Read what stands behind ``BDAT``."""
    match = _CHUNK.match(argument)
    if match is None:
        return replies.BAD_CHUNK
    return Chunk(int(match[1]), match[2] is not None)


def _whole_path(match: re.Match[bytes]) -> str | None:
    """The path as text, or None where a part is too long, not UTF-8 or no address."""
    parts = match.groupdict()
    domain = parts.get("domain") or b""
    local = parts.get("atoms") or parts.get("quoted") or b""
    if len(local) > MAX_LOCAL_PART or len(domain) > MAX_DOMAIN:
        return None
    try:
        if domain.startswith(b"["):
            _address(domain[1:-1].decode("ascii"))
        return match["path"].decode("utf-8")
    except ValueError:
        return None


def _address(literal: str) -> IPv4Address | IPv6Address:
    """:raises ValueError: for what is no address literal (RFC 5321 section 4.1.3)."""
    if literal[:5].upper() == "IPV6:":
        return IPv6Address(literal[5:])
    return IPv4Address(literal)


def _parameters(text: bytes) -> dict[bytes, bytes] | Refusal:
    """Upper-case keywords with their values, empty where there is none (section 4.1.2)."""
    if text and text[:1] != b" ":
        return replies.BAD_ARGUMENT
    words = text.split()
    parameters: dict[bytes, bytes] = {}
    for word in words[:MAX_PARAMETERS]:
        match = _PARAMETER.match(word)
        if match is None:
            return replies.BAD_ARGUMENT
        parameters[match[1].upper()] = match[2] or b""
    if len(parameters) < len(words):  # one of them twice, or beyond all reason
        return replies.BAD_ARGUMENT
    return parameters


def _apply(path: str, parameters: dict[bytes, bytes]) -> Sender | Refusal:
    size = 0
    for keyword, value in parameters.items():
        if keyword == b"SIZE":
            if not value.isdigit() or len(value) > 20:
                return replies.BAD_ARGUMENT
            size = int(value)
        elif keyword == b"BODY":
            if value.upper() not in (b"7BIT", b"8BITMIME"):
                return replies.BAD_ARGUMENT
        elif keyword == b"SMTPUTF8":
            if value:
                return replies.BAD_ARGUMENT
        else:
            return replies.UNKNOWN_PARAMETER
    return Sender(path, size, b"SMTPUTF8" in parameters)
