"""Which names an archive holds, without unpacking anything.

The names stand in clear beside the packed bytes.  They are found by their signatures, not by
following offsets: tools disagree about which of two tables counts, and a sender can make use
of that.  What is packed within what is packed is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice

MAX_NAMES = 20_000
_MAX_NAME = 4096

# APPNOTE.TXT sections 4.3.7 and 4.3.12: the length stands 26 and 28 bytes behind the signature.
# Looked ahead, for within one header, made up, a true one can begin.
_ZIP_LOCAL = re.compile(rb"PK\x03\x04(?=.{22}(..))", re.DOTALL), 30
_ZIP_CENTRAL = re.compile(rb"PK\x01\x02(?=.{24}(..))", re.DOTALL), 46
_TAR_BLOCK = 512
_TAR_MAGIC = slice(257, 262)
_PAX_PATH = re.compile(rb"\d{1,5} path=([^\n\0]{1,4096})\n")


class TooManyNames(Exception):
    """More than anybody looks through."""


def names(content: bytes) -> list[str]:
    """The file names in a zip or tar archive; none where ``content`` is neither.

    :raises TooManyNames: there are more than 20,000.
    """
    if b"PK\x03\x04" in content or b"PK\x01\x02" in content:
        found = chain(_zip(content, *_ZIP_LOCAL), _zip(content, *_ZIP_CENTRAL))
    elif content[_TAR_MAGIC] == b"ustar":
        found = chain(_tar(content), (path[1] for path in _PAX_PATH.finditer(content)))
    else:
        return []
    kept = list(islice(found, MAX_NAMES + 1))
    if len(kept) > MAX_NAMES:
        raise TooManyNames
    return [name.decode("utf-8", "replace") for name in kept]


def _zip(content: bytes, signature: re.Pattern[bytes], header_bytes: int) -> Iterator[bytes]:
    for found in signature.finditer(content):
        name = found.start() + header_bytes
        yield content[name : name + min(int.from_bytes(found[1], "little"), _MAX_NAME)]


def _tar(content: bytes) -> Iterator[bytes]:
    """POSIX.1 ustar; GNU's long names stand in the block behind theirs."""
    for start in range(0, len(content), _TAR_BLOCK):
        block = content[start : start + _TAR_BLOCK]
        if block[_TAR_MAGIC] == b"ustar":
            yield block[:100].partition(b"\0")[0]
            if block[156:157] == b"L":
                long = start + _TAR_BLOCK
                yield content[long : long + _MAX_NAME].partition(b"\0")[0]
