"""Answers that are the same for everybody: compressed and named once, at the start."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping

from twisted.web.server import Request

from tempmail.http.answers import Answer

_GZIP = re.compile(r"(?:\A|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?P<q>[0-9.]+)\s*)?(?=,|\Z)", re.IGNORECASE)
_SMALL = 500  # bytes that fit into a packet anyway


class Prepared:
    """:param content: never anything that only some may see.
    :param headers: further ones, by name.
    """

    def __init__(self, content: bytes, content_type: str, headers: Mapping[str, str]) -> None:
        self.content = content
        self.compressed = gzip.compress(content, 9, mtime=0) if len(content) > _SMALL else None
        self._content_type = content_type
        self._headers = {**headers, "Vary": "Accept-Encoding"}
        self._digest = hashlib.blake2b(content, digest_size=12).hexdigest()

    def answer(self, request: Request, status: int = 200, /, **headers: str) -> Answer:
        """What ``request`` gets, in a coding that it takes (RFC 9110 section 12.5.3)."""
        body, coding = self.content, ""
        if self.compressed is not None and _takes_gzip(request):
            body, coding = self.compressed, "gzip"
        tag = f'"{self._digest}{coding and "-" + coding}"'
        sent = {**self._headers, "ETag": tag, **headers}
        if status == 200 and tag in (request.getHeader("If-None-Match") or ""):
            return Answer(304, headers=sent)
        if coding:
            sent["Content-Encoding"] = coding
        return Answer(status, body, self._content_type, sent)


def _takes_gzip(request: Request) -> bool:
    found = _GZIP.search(request.getHeader("Accept-Encoding") or "")
    return found is not None and found["q"] not in ("0", "0.0", "0.00", "0.000")
