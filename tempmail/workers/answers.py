"""What a worker process and the daemon say to each other over its pipes.

Either direction carries frames: four bytes of length, then as many of content.  The worker
begins with an empty one, when its limits are in place; then each frame with a request is
answered by one with its result in MessagePack.

What reads mail is imported where it is called: workers have it from their start
(:mod:`tempmail.workers.main`), and the daemon, which would take long to start with it, has it not.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from attrs import asdict, frozen
from msgspec import MsgspecError
from msgspec.msgpack import Decoder, Encoder

from tempmail.mail.extracted import Extracted
from tempmail.mail.parser_version import PARSER_VERSION
from tempmail.model.message import View
from tempmail.workers.examinations import Examination, packed, unpacked

LENGTH = struct.Struct("!I")

EXIT_OUT_OF_MEMORY = 3
"""The status with which a worker ends that reached its memory limit."""

_VIEW_BYTES = 16 * 1024 * 1024
_BESIDE_CONTENT = 64 * 1024
_VERDICT_BYTES = 256 * 1024
_INDEX = struct.Struct("!i")
_WHOLE = -1
_DOCUMENT = -2
_EXAMINATION = -3

_encoder = Encoder()
_views = Decoder(View)
_extracts: Decoder[Extracted | None] = Decoder(Extracted | None)
_documents = Decoder(str)


class InvalidAnswer(Exception):
    """A worker said something that is no answer to what it was asked."""


@frozen
class Request:
    """What a worker is to do with a mail.

    :ivar index: of the attachment to take out; None asks for the view.
    """

    raw: bytes
    index: int | None = None

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.raw)

    def encoded(self) -> bytes:
        """This request in a frame."""
        return frame(_INDEX.pack(_WHOLE if self.index is None else self.index), self.raw)

    def answer(self, refused: frozenset[str]) -> bytes:
        """Do it, in the worker; what stands in the answer's frame."""
        from tempmail.mail.attachments import extract
        from tempmail.mail.parse import parse

        if self.index is None:
            return _encoder.encode(parse(self.raw, refused))
        return _encoder.encode(extract(self.raw, self.index, refused))

    @property
    def answer_bytes(self) -> int:
        """How long an answer can be: what is decoded is never longer than the mail."""
        return _VIEW_BYTES if self.index is None else len(self.raw) + _BESIDE_CONTENT

    def result(self, answer: bytes | memoryview) -> View | Extracted | None:
        """What an answer says, as untrusted as the mail: the mail may have taken the worker over.

        :returns: None where there is no such attachment.
        :raises InvalidAnswer: for wrong types, text that storage cannot hold, another version.
        """
        try:
            if self.index is None:
                return _storable(_views.decode(answer))
            return _extracts.decode(answer)
        except (MsgspecError, ValueError) as why:
            raise InvalidAnswer(f"not an answer: {why}") from None


@frozen
class Rendering:
    """A document that a worker is to make.

    :ivar html: of the mail; without any its text is shown.
    :ivar images: as for :func:`tempmail.mail.safe_html.safe_html`.
    :ivar instead: whether the text stands for HTML that was given up.
    """

    html: str
    text: str
    images: Mapping[str, str]
    instead: bool = False

    @property
    def size(self) -> int:
        """In characters."""
        return len(self.html) + len(self.text)

    def encoded(self) -> bytes:
        """This request in a frame."""
        return frame(_INDEX.pack(_DOCUMENT), _encoder.encode(asdict(self)))

    def answer(self, _refused: frozenset[str]) -> bytes:
        """Do it, in the worker; what stands in the answer's frame."""
        from tempmail.mail.document import html_document, text_document

        if self.html.strip():
            return _encoder.encode(html_document(self.html, self.images))
        return _encoder.encode(text_document(self.text, instead=self.instead))

    answer_bytes = _VIEW_BYTES

    def result(self, answer: bytes | memoryview) -> str:
        """The document, as untrusted as the mail: its frame and its policy hold all the same.

        :raises InvalidAnswer: for what is no text.
        """
        try:
            return _documents.decode(answer)
        except (MsgspecError, ValueError) as why:
            raise InvalidAnswer(f"not an answer: {why}") from None


@frozen
class Examining:
    """A step in finding out where a mail comes from."""

    asked: Examination

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.asked.raw)

    def encoded(self) -> bytes:
        """This request in a frame."""
        content = packed(self.asked)
        return frame(_INDEX.pack(_EXAMINATION), LENGTH.pack(len(content)), content, self.asked.raw)

    def answer(self, _refused: frozenset[str]) -> bytes:
        """Do it, in the worker; what stands in the answer's frame."""
        return _encoder.encode(self.asked.outcome())

    answer_bytes = _VERDICT_BYTES

    def result(self, answer: bytes | memoryview) -> Any:
        """What an answer says, as untrusted as the mail.

        :raises InvalidAnswer: for what is none.
        """
        try:
            return self.asked.read(answer)
        except (MsgspecError, ValueError) as why:
            raise InvalidAnswer(f"not an answer: {why}") from None


_renderings = Decoder(Rendering)


def request(content: bytes) -> Request | Rendering | Examining:
    """The request in a frame's content."""
    (index,) = _INDEX.unpack_from(content)
    if index == _EXAMINATION:
        (length,) = LENGTH.unpack_from(content, _INDEX.size)
        start = _INDEX.size + LENGTH.size
        end = start + length
        return Examining(unpacked(memoryview(content)[start:end], content[end:]))
    if index == _DOCUMENT:
        return _renderings.decode(memoryview(content)[_INDEX.size :])
    return Request(content[_INDEX.size :], None if index == _WHOLE else index)


def frame(*content: bytes) -> bytes:
    """``content`` with its length in front."""
    return b"".join((LENGTH.pack(sum(map(len, content))), *content))


def _storable(view: View) -> View:
    if view.parser_version != PARSER_VERSION or any("\0" in text for text in _texts(view)):
        raise InvalidAnswer("a view that cannot be stored")
    return view


def _texts(view: View) -> Iterator[str]:
    yield from (view.subject, view.from_address, view.from_name, view.body_text, view.body_html)
    yield from chain(view.cc, view.reply_to, view.defects, *view.headers)
    for one in view.attachments:
        yield from (one.filename, one.content_type, one.content_id or "")
    for code in view.codes:
        yield from (code.value, code.context)
    for link in view.links:
        yield from (link.href, link.text, link.kind)
