"""What a worker process and the daemon say to each other over its pipes.

Either direction carries frames: four bytes of length, then as many of content.  The worker
begins with an empty one, when its limits are in place; then each frame with a mail is
answered by one with its view in MessagePack.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import chain

from msgspec import MsgspecError
from msgspec.msgpack import Decoder, Encoder

from tempmail.mail.parse import PARSER_VERSION
from tempmail.model.message import View

LENGTH = struct.Struct("!I")

EXIT_OUT_OF_MEMORY = 3
"""The status with which a worker ends that reached its memory limit."""

_encoder = Encoder()
_decoder = Decoder(View)


class InvalidAnswer(Exception):
    """A worker said something that is no view."""


def frame(content: bytes) -> bytes:
    """``content`` with its length in front."""
    return LENGTH.pack(len(content)) + content


def encode(view: View) -> bytes:
    """The answer to a mail."""
    return _encoder.encode(view)


def decode(answer: bytes) -> View:
    """The view in an answer, as untrusted as the mail: the mail may have taken the worker over.

    :raises InvalidAnswer: for wrong types, text that storage cannot hold, another version.
    """
    try:
        view = _decoder.decode(answer)
    except (MsgspecError, ValueError) as why:
        raise InvalidAnswer(f"not a view: {why}") from None
    if view.parser_version != PARSER_VERSION or any("\0" in text for text in _texts(view)):
        raise InvalidAnswer("a view that cannot be stored")
    return view


def _texts(view: View) -> Iterator[str]:
    yield from (view.subject, view.from_address, view.from_name, view.body_text, view.body_html)
    yield from chain(view.cc, view.reply_to, view.defects, *view.headers)
    for one in view.attachments:
        yield from (one.filename, one.content_type, one.content_id or "")
