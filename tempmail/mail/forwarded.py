"""For whom a mail was before somebody forwarded it, as the forwarder's headers say.

Anybody can write these headers: who asks must know that somebody trusted wrote them.  Each hop
puts its own in front, so of several the first is the nearest to us.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tempmail.mail.addresses import authors
from tempmail.mail.header_fields import header
from tempmail.model.address import MAX_LOCAL_PART, Domains, Recipient

HEADERS = ("delivered-to", "x-original-to", "x-forwarded-to")
"""Those that mail servers and forwarding services write, the most usual first."""

_HEAD_BYTES = 64 * 1024
_MOST_VALUES = 50


def fields(chunks: Sequence[bytes]) -> tuple[tuple[bytes, bytes], ...]:
    """The header fields in the first 64 KiB of a mail that is given in pieces."""
    parts, size = [], 0
    for chunk in chunks:
        parts.append(chunk[: _HEAD_BYTES - size])
        size += len(parts[-1])
        if size >= _HEAD_BYTES:
            break
    return header(b"".join(parts), 0, lambda _: False).fields


def original_recipient(
    found: Sequence[tuple[bytes, bytes]],
    names: Sequence[str],
    domains: Domains,
    besides: Collection[str] = (),
) -> Recipient | None:
    """The recipient under our domains that the headers name; None where they name none.

    :param found: what :func:`fields` returned.
    :param names: the headers, in lower case; an earlier one wins over a later one.
    :param besides: mailboxes that forwarded mail is sent to, which it was not written to.
    """
    for name in names:
        wanted = name.encode("ascii")
        values = [value for known, value in found if known.lower() == wanted]
        for value in values[:_MOST_VALUES]:
            for author in authors(value):
                recipient = domains.recipient(author.address)
                if (
                    recipient is not None
                    and recipient.address not in besides
                    and 0 < len(recipient.address.rpartition("@")[0]) <= MAX_LOCAL_PART
                ):
                    return recipient
    return None


def return_path(found: Sequence[tuple[bytes, bytes]]) -> str:
    """The envelope's sender as the last server wrote it (RFC 5321 section 4.4); may be empty."""
    for name, value in found:
        if name.lower() == b"return-path":
            return next((author.address for author in authors(value)), "")
    return ""
