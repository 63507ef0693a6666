"""Images that are nothing but pixels, known by how they begin."""

from __future__ import annotations

import re

_KINDS = (
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/gif", re.compile(rb"GIF8[79]a")),
    ("image/webp", re.compile(rb"RIFF.{4}WEBPVP8", re.DOTALL)),
    # Two letters could begin anything: the length of its second header has few values.
    ("image/bmp", re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL)),
)


def raster_type(content: bytes) -> str | None:
    """The media type of a PNG, JPEG, GIF, WebP or BMP; None for all else, SVG among it."""
    return next((kind for kind, begins in _KINDS if begins.match(content)), None)
