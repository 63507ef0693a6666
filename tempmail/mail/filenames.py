"""Names under which a reader's machine can keep a file that a stranger named."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from tempmail.mail.storable import within

MAX_CHARACTERS = 120
MAX_BYTES = 240
"""Of UTF-8: most file systems take 255."""

_MAX_EXTENSION = 16
_PATH = re.compile(r"[/\\]")
_RESERVED = re.compile(r'[:*?"<>|]')  # in names on Windows
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
"""Unicode's categories of controls, bidi and zero-width marks, and what has no meaning."""
_DEVICE = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])\s*(?:\.|\Z)",
    re.IGNORECASE,
)
_EXTENSIONS = {
    "text/plain": ".txt",
    "text/html": ".html",
    "text/csv": ".csv",
    "text/calendar": ".ics",
    "text/vcard": ".vcf",
    "text/x-vcard": ".vcf",
    "text/xml": ".xml",
    "message/rfc822": ".eml",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/svg+xml": ".svg",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "application/json": ".json",
    "application/xml": ".xml",
    "application/pgp-signature": ".asc",
    "application/pkcs7-signature": ".p7s",
    "application/pkcs7-mime": ".p7m",
}


def safe_filename(name: str, content_type: str = "") -> str:
    """``name`` as it can be offered: its last path segment (RFC 6266 section 4.3), visible
    characters only, no name that Windows keeps for a device, of at most 120 characters with the
    extension kept; ``attachment`` with a fitting extension where nothing is left.
    """
    name = unicodedata.normalize("NFC", _PATH.split(name)[-1])
    name = "".join(" " if one.isspace() else one for one in name if _visible(one))
    name = _RESERVED.sub("_", " ".join(name.split())).strip(". ")
    if not name:
        return "attachment" + _EXTENSIONS.get(content_type, ".bin")
    if _DEVICE.match(name):
        name = f"_{name}"
    stem, extension = split(name)
    room = MAX_CHARACTERS - len(extension)
    return within(stem[:room], MAX_BYTES - len(extension.encode())).rstrip(". ") + extension


def split(name: str) -> tuple[str, str]:
    """Stem and extension with its dot; no extension where it would be longer than 16."""
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > _MAX_EXTENSION:
        return name, ""
    return stem, dot + extension


def content_disposition(filename: str) -> str:
    """The header that makes a browser keep a file under ``filename``, which is safe.

    RFC 6266 section 4.1: a plain parameter for everybody, and one in UTF-8 (RFC 8187, formerly
    5987) where that says more.
    """
    # A browser may take a percent sign in the plain one for the beginning of an encoded octet.
    plain = filename.encode("ascii", "replace").decode("ascii").replace("?", "_").replace("%", "_")
    header = f'attachment; filename="{plain}"'
    return header if plain == filename else f"{header}; filename*=UTF-8''{quote(filename, safe='')}"


def _visible(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) not in _UNSEEN
