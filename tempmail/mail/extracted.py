"""An attachment that was taken out of its message."""

from __future__ import annotations

from attrs import frozen


@frozen
class Extracted:
    """An attachment as it can be handed out.

    :ivar filename: safe, see :func:`tempmail.mail.filenames.safe_filename`.
    :ivar content_type: two tokens of RFC 2045, as the sender declared it.
    :ivar blocked: the kind for which it is refused, or None; then ``content`` is empty.
    :ivar content: decoded; never more bytes than the message has.
    """

    filename: str
    content_type: str
    blocked: str | None
    content: bytes
