"""Whether a file is of a kind that is not handed out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tempmail.mail import archives
from tempmail.mail.filenames import safe_filename
from tempmail.mail.refused_kinds import REFUSED_KINDS

_PACKED = frozenset("gz bz2 xz z lz lzma zst br uu b64".split())
"""A single file, packed: what counts is the extension in front."""

_CONTENT_TYPES = {
    "application/x-msdownload": "exe",
    "application/x-msdos-program": "exe",
    "application/x-dosexec": "exe",
    "application/vnd.microsoft.portable-executable": "exe",
    "application/x-msi": "msi",
    "application/x-ms-shortcut": "lnk",
    "application/hta": "hta",
    "application/java-archive": "jar",
    "application/x-java-jnlp-file": "jnlp",
    "application/javascript": "js",
    "application/x-javascript": "js",
    "text/javascript": "js",
    "application/x-sh": "sh",
    "application/x-elf": "elf",
    "application/x-executable": "elf",
    "application/vnd.android.package-archive": "apk",
    "application/x-apple-diskimage": "dmg",
    "application/x-iso9660-image": "iso",
}

_SIGNATURES = (
    (0, b"MZ", "exe"),
    (0, b"\x7fELF", "elf"),
    (0, b"\xfe\xed\xfa\xce", "macho"),
    (0, b"\xfe\xed\xfa\xcf", "macho"),
    (0, b"\xce\xfa\xed\xfe", "macho"),
    (0, b"\xcf\xfa\xed\xfe", "macho"),
    (0, b"\xca\xfe\xba\xbe", "class"),  # Mach-O for several processors begins so too
    (0, b"dex\n", "dex"),
    (0, b"#!", "sh"),
    (0, b"\x4c\0\0\0\x01\x14\x02\0", "lnk"),
    (0, b"MSCF", "cab"),
    (0, b"ITSF", "chm"),
    (0, b"xar!", "pkg"),
    (0, b"!<arch>\ndebian", "deb"),
    (0, b"\xed\xab\xee\xdb", "rpm"),
    (0, b"conectix", "vhd"),
    (0, b"vhdxfile", "vhdx"),
    (0x8001, b"CD001", "iso"),
    (-512, b"koly", "dmg"),
    (-512, b"conectix", "vhd"),
)

_STREAM = re.compile("[:\0]")
"""Behind which Windows looks for a stream of the file, and C for nothing."""
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_IN_COMPOUND = (  # MS-CFB: class identifiers of the root, and names of streams in UTF-16
    (b"\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0F", "msi"),
    (b"\x86\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0F", "msp"),
    (b"\x82\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0F", "mst"),
    ("_VBA_PROJECT".encode("utf-16-le"), "docm"),
)
_MACRO_STREAM = "vbaproject.bin"
"""What OOXML documents with macros hold, whatever they are called."""


def blocked_kind(
    filename: str,
    content_type: str,
    content: bytes,
    refused: frozenset[str] = REFUSED_KINDS,
) -> str | None:
    """Why a file is not handed out: the extension that stands for its kind, or None.

    Judged by name, by declared type, by signature, and by the names within zip and tar; other
    archives by their own extension.  Nothing is unpacked.  ``archive`` is the kind of one with
    more names than anybody looks through, and is refused where anything is.

    :param content: all of it, or its beginning, from which less is learned.
    :param refused: extensions in lower case without a dot.
    """
    if not refused:
        return None
    for kind in (*_by_name(filename), _CONTENT_TYPES.get(content_type), *_by_content(content)):
        if kind in refused:
            return kind
    try:
        for name in archives.names(content):
            for kind in _by_name(name):
                if kind in refused:
                    return kind
    except archives.TooManyNames:
        return "archive"
    return None


def _by_name(name: str) -> Iterator[str]:
    """The extensions by which some system would open a file, in lower case.

    Taken from the name as given and as offered: the two differ where one of them deceives.
    """
    for one in {name, safe_filename(name)}:
        parts = _STREAM.split(one.lower())[0].rstrip(". \t").split(".")
        if len(parts) > 1:
            yield parts[-1].strip()
        if len(parts) > 2 and parts[-1] in _PACKED:
            yield parts[-2].strip()
        if one.lower().endswith(_MACRO_STREAM):
            yield "docm"


def _by_content(content: bytes) -> Iterator[str]:
    for place, signature, kind in _SIGNATURES:
        start = place if place >= 0 else max(len(content) + place, 0)
        if content.startswith(signature, start):
            yield kind
    if content.startswith(_COMPOUND):
        for mark, kind in _IN_COMPOUND:
            if mark in content:
                yield kind
