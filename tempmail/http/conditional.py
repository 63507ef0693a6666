"""Answers that a client may keep, once it has asked whether they are still right.

RFC 9110 section 13: ``If-None-Match`` with a strong validator.
"""

from __future__ import annotations

import hashlib
import re

from attrs import evolve
from twisted.web.server import Request

from tempmail.http.answers import Answer

_TAG = re.compile(rb'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def conditional(request: Request, answer: Answer) -> Answer:
    """``answer``, or a 304 where the client has exactly that already."""
    digest = hashlib.blake2b(answer.body, digest_size=16).hexdigest()
    tag = f'"{digest}"'
    headers = {**answer.headers, "ETag": tag, "Cache-Control": "private, no-cache"}
    known = b",".join(request.requestHeaders.getRawHeaders(b"If-None-Match", ()))
    if known.strip() == b"*" or tag.encode() in _TAG.findall(known):
        return Answer(304, headers=headers)
    return evolve(answer, headers=headers)
