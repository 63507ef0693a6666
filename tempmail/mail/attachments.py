"""Taking one attachment out of a message."""

from __future__ import annotations

from itertools import islice

from tempmail.mail.contents import File, contents
from tempmail.mail.extracted import Extracted
from tempmail.mail.file_kinds import blocked_kind
from tempmail.mail.filenames import safe_filename
from tempmail.mail.refused_kinds import REFUSED_KINDS
from tempmail.mail.tree import read


def extract(raw: bytes, index: int, refused: frozenset[str] = REFUSED_KINDS) -> Extracted | None:
    """The attachment that the message's view has at ``index``; None where there is none."""
    try:
        filename, content_type, content = content_of(raw, index)
    except LookupError:
        return None
    blocked = blocked_kind(filename, content_type, content, refused)
    name = safe_filename(filename, content_type)
    return Extracted(name, content_type, blocked, b"" if blocked else content)


def content_of(raw: bytes, index: int) -> tuple[str, str, bytes]:
    """Filename as given, content type and decoded bytes of an attachment.

    :param index: as in the message's view.
    :raises LookupError: there is no such attachment.
    """
    root, _ = read(raw)
    files = (one for one in contents(root) if isinstance(one, File))
    found = next(islice(files, index, None), None)
    if found is None:
        raise LookupError(index)
    return found.filename, found.content_type, found.content()
