"""Domains compared: the same, or of one organization (RFC 7489 section 3.2)."""

from __future__ import annotations

import re
from functools import cache

import idna
from publicsuffixlist import PublicSuffixList

from tempmail.mail.authenticity.answers import askable, plain

_HOST = re.compile(r"[a-z0-9_.-]+")


def ascii_domain(name: str) -> str:
    """``name`` as DNS has it (RFC 5890), or nothing where it is no domain."""
    name = plain(name.strip())
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii").lower()
        except (idna.IDNAError, UnicodeError):
            return ""
    return name if askable(name) and _HOST.fullmatch(name) else ""


def organizational(domain: str) -> str:
    """The domain that somebody registered: one label more than the public suffix; a public
    suffix is its own.  By the list that comes with the package, nothing is fetched."""
    return _suffixes().privatesuffix(domain) or domain


def aligned(one: str, other: str, *, strict: bool) -> bool:
    """Whether two domains speak for the same organization (RFC 7489 section 3.1)."""
    one, other = plain(one), plain(other)
    return one == other or (not strict and organizational(one) == organizational(other))


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
