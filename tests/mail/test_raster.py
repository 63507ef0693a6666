"""Images by what they hold."""

from __future__ import annotations

import pytest

from tempmail.mail.raster import raster_type

BMP = b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\n\0\0\0WEBPVP8L", "image/webp"),
        (BMP, "image/bmp"),
        (b"RIFF\n\0\0\0WAVEfmt ", None),
        (b"BM is how this text begins", None),
        (b"\n\x89PNG\r\n\x1a\n", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"<?xml version='1.0'?><svg/>", None),
        (b"<html>GIF89a", None),
        (b"", None),
    ],
)
def test_an_image_is_known_by_how_it_begins(content: bytes, kind: str | None) -> None:
    assert raster_type(content) == kind
